"""From runs to a page: their rows read again, a section for each thing that people ask, one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.extras import needed
from bench.report.page import page
from bench.report.rows import ReportRow, report_rows
from bench.report.same_images import same_images
from bench.report.section import PICTURES, Section
from bench.report.sections import classes, confidence, cost, errors, measured, mistakes, pairs, scales
from bench.stored.run import open_run
from results.atomic_files import write_named_text

NAME = "report.html"
LIBRARIES = ("jinja2", "plotly", "scipy")
MOST = 600  # pictures on a page

NAMED = {"model": "nets and fusions", "data": "sets of images"}  # in the page's title
MOST_NAMED = 4


@dataclass(frozen=True)
class ReportRequest:
    """Runs by their folders or `results.json`, and the page that is to be made of them.

    `out` is None for NAME in the first run's folder, `store` where the blocks are now, None for where the runs say;
    `pictures` is how many mistakes are shown.
    """

    runs: tuple[Path, ...]
    out: Path | None = None
    store: Path | None = None
    pictures: int = PICTURES

    def __post_init__(self) -> None:
        if not 0 <= self.pictures <= MOST:
            raise UserError(f"--pictures {self.pictures}: give a number from 0 to {MOST}")
        if self.out and self.out.is_dir():
            raise UserError(f"--out '{self.out}' is a folder; give a file, such as {self.out / NAME}")


def make(request: ReportRequest) -> Path:
    """Write the page and return where it is. Raises UserError and ResultError, also where a library is missing."""
    check_installed()
    runs = [open_run(place, request.store) for place in request.runs]
    rows = report_rows(runs)
    text = page(title(rows), sections(rows, request))
    place = request.out or runs[0].folder / NAME
    _write(place, text)
    return place


def sections(rows: Sequence[ReportRow], request: ReportRequest) -> list[Section]:
    """What the page holds, in its order."""
    groups = same_images(rows)
    return [
        measured.section(rows),
        errors.section(rows),
        cost.section(groups),
        scales.section(rows),
        pairs.section(rows, groups),
        classes.section(rows),
        confidence.section(rows),
        mistakes.section(rows, groups, request.pictures),
    ]


def title(rows: Sequence[ReportRow]) -> str:
    """What the page is about: its nets and images, by name where they are few."""
    nets, data = (_listed([row.row[name] for row in rows], what) for name, what in NAMED.items())
    return f"{nets} on {data}"


def _listed(names: Sequence[str], what: str) -> str:
    distinct = list(dict.fromkeys(names))
    return ", ".join(distinct) if len(distinct) <= MOST_NAMED else f"{len(distinct)} {what}"


def check_installed() -> None:
    """Raises UserError where a library is missing that pages are made with."""
    for name in LIBRARIES:
        needed(name, "report")


def _write(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_named_text(place, text)
    except OSError as error:
        why = error.strerror or error
        raise UserError(
            f"--out '{place}': {why}; no page was written; free space or give --out FILE that can be written to"
        ) from None
