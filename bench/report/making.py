"""From runs to a page: their rows read again, a section for each thing that people ask, one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.extras import needed
from bench.folders import spare
from bench.progress import busy
from bench.report.page import page
from bench.report.rows import ReportRow, report_rows
from bench.report.same_images import same_images
from bench.report.section import PICTURES, Section
from bench.report.sections import (
    classes,
    confidence,
    cost,
    errors,
    measured,
    mistakes,
    pairs,
    scales,
    transfer_classes,
    transfer_curves,
    transfer_measured,
    transfer_points,
)
from bench.report.transfers import ReportedTransfer, transfer_rows
from bench.stored.run import open_run
from bench.stored.run_files import run_files
from results.atomic_files import write_named_text
from results.transfer_files import is_transfer

NAME = "report.html"
TABLE = "results.json"  # beside which a folder may have that of a transfer
LIBRARIES = ("jinja2", "plotly", "scipy")
MOST = 600  # pictures on a page

MOST_NAMED = 4  # in the page's title


@dataclass(frozen=True)
class ReportRequest:
    """Runs by their folders or tables, and the page that is to be made of them.

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
        if self.out:
            spare("--out", self.out, (file for run in self.runs for file in run_files(run)))


def make(request: ReportRequest) -> Path:
    """Write the page and return where it is. Raises UserError and ResultError, also where a library is missing."""
    check_installed()
    with busy("making the page"):
        return _made(request)


def _made(request: ReportRequest) -> Path:
    of_nets = [place for place in request.runs if not is_transfer(place) or (place / TABLE).is_file()]
    runs = [open_run(place, request.store) for place in of_nets]
    rows = report_rows(runs) if runs else []
    learnt = transfer_rows([place for place in request.runs if is_transfer(place)], len(rows) + 1)
    text = page(title(rows, learnt), [*sections(rows, request), *transfer_sections(learnt)])
    first = request.runs[0]
    place = request.out or (first if first.is_dir() else first.parent) / NAME
    _write(place, text)
    return place


def sections(rows: Sequence[ReportRow], request: ReportRequest) -> list[Section]:
    """What the page holds of runs of nets, in its order; nothing where there are none."""
    if not rows:
        return []
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


def transfer_sections(rows: Sequence[ReportedTransfer]) -> list[Section]:
    """What it holds of classifiers of descriptors."""
    if not rows:
        return []
    found = [
        transfer_measured.section(rows),
        transfer_points.section(rows),
        transfer_classes.section(rows),
        transfer_curves.section(rows),
    ]
    return [section for section in found if section is not None]


def title(rows: Sequence[ReportRow], learnt: Sequence[ReportedTransfer] = ()) -> str:
    """What the page is about: its nets and images, by name where they are few."""
    models = [*(row.row["model"] for row in rows), *(row.row.model for row in learnt)]
    data = [*(row.row["data"] for row in rows), *(row.row.data for row in learnt)]
    nets = len({*(row.net for row in rows), *(row.net for row in learnt)})
    return f"{_listed(models, f'{nets} nets and fusions')} on {_listed(data, f'{len(set(data))} sets of images')}"


def _listed(names: Sequence[str], many: str) -> str:
    distinct = list(dict.fromkeys(names))
    return ", ".join(distinct) if len(distinct) <= MOST_NAMED else many


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
