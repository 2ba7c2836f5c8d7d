"""Rows of a run looked into: from the stored posteriors to tables and pictures."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.command import say
from bench.errors import UserError
from bench.folders import writable, writing_to
from bench.pictures.contact_sheet import Places, contact_sheet
from bench.pictures.diagrams import plot_confusion, plot_reliability
from bench.progress import busy, note, warn
from bench.stored.run import StoredRun, open_run
from results.confusion import occurring
from results.inspection import Inspection
from results.result import signature_id

MOST = 600  # pictures on a sheet


@dataclass(frozen=True)
class InspectionRequest:
    """A run's folder or its `results.json`; rows by signature id or number with commas between, None for all.

    `mistakes` is how many pictures there are of the surest; `store` where the blocks are now, `out` a folder for a
    folder per row, None for where the run says.
    """

    run: Path
    rows: str | None = None
    mistakes: int = 24
    store: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.mistakes <= MOST:
            raise UserError(f"--mistakes {self.mistakes}: give a number from 0 to {MOST}")


def run(request: InspectionRequest) -> None:
    """Look into the wanted rows one by one and print their summaries. Raises UserError and ResultError."""
    stored = open_run(request.run, request.store)
    rows = stored.chosen(request.rows)
    places = _places(stored) if request.mistakes else {}
    for row in rows:
        with busy(f"looking into {signature_id(row.signature)}"):
            found = stored.inspected(row)
            _warn_of_later_files(stored, found.mistakes(request.mistakes)["id"], places)
            folder = writable("--out", (request.out or stored.folder / "inspect") / signature_id(row.signature))
            writing_to(folder, partial(_write, found, folder, request.mistakes, places))
        say(found.summary())
        note(f"written to {folder}")


def _places(stored: StoredRun) -> Places:
    """Where the images are, by id; a warning where they are not there any more."""
    try:
        return stored.places
    except UserError as error:
        warn(f"no pictures of mistakes: {error}")
        return {}


def _warn_of_later_files(stored: StoredRun, ids: Iterable[str], places: Places) -> None:
    if later := stored.written_later(places[name] for name in ids if name in places):
        warn(f"{later} of the pictures may not be what the nets saw: the files were written after the run")


def _write(found: Inspection, folder: Path, most: int, places: Places) -> None:
    """Tables and pictures."""
    found.write(folder)
    plot_confusion(occurring(found.matrix), folder / "confusion.png", found.title)
    plot_reliability(found.reliability, found.calibration_error, folder / "calibration.png", found.title)
    mistakes = found.mistakes(most)
    if len(mistakes) and places:
        contact_sheet(mistakes, places, folder / "mistakes.png")
