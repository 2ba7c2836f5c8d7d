"""A new baseline written, and the posteriors that belong to it beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.command import say
from bench.errors import UserError
from bench.gate.pairing import competing_classes, saved_posteriors
from bench.progress import busy, warn
from bench.stored.run import SAVED, StoredRun, open_run
from results.atomic_files import write_named_text
from results.errors import ResultError
from results.gate_baseline import BaselineChange, change_baseline
from results.gate_pairs import same_counts
from results.posteriors import join
from results.timings import read_timings
from results.written_tables import WrittenRow
from results.wrong_images import wrong_images


@dataclass(frozen=True)
class Update:
    """Why there is a new baseline; whether rows that NEW lacks may go, and whether posteriors are kept beside it.

    Where posteriors lie beside the old baseline they are kept anyway. `store` is where NEW's blocks are now, None for
    where it says.
    """

    why: str
    drop_missing: bool = False
    save_posteriors: bool = False
    store: Path | None = None


def update(baseline: Path, new: Path, about: Update) -> int:
    """Write it if something changed, say what, and return the exit code. Raises UserError and ResultError."""
    if read_timings(new):
        raise UserError(f"'{new}' holds timings, which have no history; copy it to '{baseline}'")
    with busy("writing the baseline"):
        change = change_baseline(baseline, new, about.why, about.drop_missing)
        count = write_change(baseline, [new], change, about.save_posteriors, about.store)
    if change:
        say("\n".join([f"'{baseline}' is the new baseline; changed:", "", *change.lines()]))
    else:
        beside = f"; posteriors that lay not yet beside it: {count}" if count else ""
        say(f"nothing changed: '{new}' has the rows and counts of '{baseline}', which stays as it is{beside}")
    return 0


def write_change(
    baseline: Path,
    tables: Sequence[Path],
    change: BaselineChange | None,
    save_posteriors: bool = False,
    store: Path | None = None,
) -> int:
    """Write a new baseline, and beside it the posteriors of the rows of these tables, where some are already.

    Where nothing changed only those that are missing; how many were written. Raises UserError where it cannot write.
    """
    apart = [table for table in tables if table.parent.resolve() != baseline.parent.resolve()]  # else they lie there
    try:
        if change:
            _write(baseline, change, bool(apart))
        keep = save_posteriors or (baseline.parent / SAVED).is_dir()
        return sum(_save_all(baseline, table, change is None, store) for table in (apart if keep else []))
    except OSError as error:
        raise UserError(
            f"cannot write '{baseline}': {error.strerror or error}; give a BASELINE that can be written to"
        ) from None


def _write(baseline: Path, change: BaselineChange, apart: bool) -> None:
    """Whenever it ends, no posteriors lie beside a baseline `apart` from NEW that are of other counts than its own."""
    baseline.parent.mkdir(parents=True, exist_ok=True)
    for old, row in change.pairs if apart else []:
        if not (old and row and same_counts(old, row)):
            _remove_posteriors(baseline, filter(None, (old, row)))
    write_named_text(baseline, change.text)


def _save_all(baseline: Path, table: Path, missing: bool, store: Path | None) -> int:
    """The posteriors of a table's rows, or those `missing` beside the baseline; how many were written."""
    run, competing = open_run(table, store), competing_classes(table)
    paths = {row.signature: saved_posteriors(baseline, row) for row in run.rows}
    rows = [row for row in run.rows if not (missing and paths[row.signature].exists())]
    return sum(_save(run, row, competing, paths[row.signature]) for row in rows)


def _remove_posteriors(baseline: Path, rows: Iterable[WrittenRow]) -> None:
    for row in rows:
        saved_posteriors(baseline, row).unlink(missing_ok=True)


def _save(run: StoredRun, row: WrittenRow, competing: tuple[int, ...] | None, path: Path) -> bool:
    """A row's posteriors of NEW, if they are at hand; else those that are there stay: they are of the same counts."""
    try:
        blocks = list(run.recorded(row))
        wrong_images(row, run.labelled(row, blocks), competing)
    except (UserError, ResultError) as error:
        warn(f"no posteriors of {row.id} beside the baseline: {error}")
        return False
    path.parent.mkdir(exist_ok=True)
    join(blocks).save(path)
    return True
