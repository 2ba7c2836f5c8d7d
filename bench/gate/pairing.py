"""Rows of two tables paired image by image, from the posteriors that are at hand."""

from pathlib import Path

from bench.errors import UserError
from bench.stored.run import SAVED, StoredRun, open_run
from results.errors import ResultError
from results.gate import NOT_SAVED, Pairing
from results.origin import read_origin
from results.posteriors import Posteriors
from results.written_tables import WrittenRow
from results.wrong_images import PairedImages, WrongImages, wrong_images


def saved_posteriors(table: Path, row: WrittenRow) -> Path:
    """Where --save-posteriors writes those of a row of a table; nothing need be there."""
    return table.parent / SAVED / f"{row.id}.npz"


def pairing_of(baseline: Path, new: Path, store: Path | None = None) -> Pairing | None:
    """How rows are paired, None where no posteriors are saved beside the baseline.

    The baseline's are those saved beside it and never those of a store, which a later run may have computed anew; NEW's
    are as `StoredRun` finds them, with `store` in that one. Raises ResultError where NEW is no table.
    """
    if not (baseline.parent / SAVED).is_dir():
        return None
    run, competing = open_run(new, store), competing_classes(new, baseline)

    def pairing(old: WrittenRow, row: WrittenRow) -> tuple[PairedImages, PairedImages | None]:
        path = saved_posteriors(baseline, old)
        if not path.exists():
            raise ResultError(NOT_SAVED)
        before = _wrong("BASELINE", run, old, competing, path)
        return _wrong("NEW", run, row, competing).paired(before)

    return pairing


def _wrong(
    side: str, run: StoredRun, row: WrittenRow, competing: tuple[int, ...] | None, path: Path | None = None
) -> WrongImages:
    """From the posteriors in the file at `path`, else from the run's. Raises ResultError that says of which side."""
    try:
        blocks = run.labelled(row, [Posteriors.load(path)]) if path else run.posteriors(row)
        return wrong_images(row, blocks, competing)
    except (UserError, ResultError) as error:
        raise ResultError(f"{side}: {error}") from None


def competing_classes(*tables: Path) -> tuple[int, ...] | None:
    """The classes that compete in rows of one signature: as the first run says that is still there; None for all."""
    for table in tables:
        try:
            return read_origin(table.parent).competing
        except ResultError:
            continue
    return None
