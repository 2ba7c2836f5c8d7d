"""A new baseline written, and the posteriors that belong to it beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.command import say
from bench.errors import UserError
from bench.gate.pairing import SAVED, competing_classes, saved_posteriors
from bench.progress import busy, warn
from bench.stored.run import StoredRun, open_run
from results.atomic_files import write_named_text
from results.errors import ResultError
from results.gate_baseline import BaselineChange, change_baseline
from results.gate_pairs import same_counts
from results.posteriors import join
from results.written_tables import WrittenRow, read_table
from results.wrong_images import wrong_images


@dataclass(frozen=True)
class Update:
    """Why there is a new baseline; whether rows that NEW lacks may go, and whether posteriors are kept beside it.

    Where posteriors lie beside the old baseline they are kept anyway.
    """

    why: str
    drop_missing: bool = False
    save_posteriors: bool = False


def update(baseline: Path, new: Path, about: Update) -> int:
    """Write it if something changed, say what, and return the exit code. Raises UserError and ResultError."""
    with busy("writing the baseline"):
        change = change_baseline(baseline, new, about.why, about.drop_missing)
        if change is not None:
            write_change(baseline, [new], change, about.save_posteriors)
    if change is None:
        say(f"nothing changed: '{new}' has the rows and counts of '{baseline}', which stays as it is")
        return 0
    say("\n".join([f"'{baseline}' is the new baseline; changed:", "", *change.lines()]))
    return 0


def write_change(baseline: Path, tables: Sequence[Path], change: BaselineChange, save_posteriors: bool = False) -> None:
    """Write a new baseline, and beside it the posteriors of the rows of these tables, where some are already.

    Raises UserError where it cannot be written.
    """
    try:
        _write(baseline, tables, change, save_posteriors or (baseline.parent / SAVED).is_dir())
    except OSError as error:
        raise UserError(
            f"cannot write '{baseline}': {error.strerror or error}; give a BASELINE that can be written to"
        ) from None


def _write(baseline: Path, tables: Sequence[Path], change: BaselineChange, keep: bool) -> None:
    """Whenever it ends, no posteriors lie beside the baseline that are of other counts than its own."""
    baseline.parent.mkdir(parents=True, exist_ok=True)
    apart = [table for table in tables if table.parent.resolve() != baseline.parent.resolve()]  # else they lie there
    for old, row in change.pairs if apart else []:
        if not (old and row and same_counts(old, row)):
            _remove_posteriors(baseline, filter(None, (old, row)))
    write_named_text(baseline, change.text)
    for table in apart if keep else []:
        run, competing = open_run(table), competing_classes(table)
        for row in read_table(table).values():
            _save(run, row, competing, saved_posteriors(baseline, row))


def _remove_posteriors(baseline: Path, rows: Iterable[WrittenRow]) -> None:
    for row in rows:
        saved_posteriors(baseline, row).unlink(missing_ok=True)


def _save(run: StoredRun, row: WrittenRow, competing: tuple[int, ...] | None, path: Path) -> None:
    """A row's posteriors of NEW; where they are not at hand, those that are there stay: they are of the same counts."""
    try:
        blocks = list(run.recorded(row))
        wrong_images(row, run.labelled(row, blocks), competing)
    except (UserError, ResultError) as error:
        warn(f"no posteriors of {row.id} beside the baseline: {error}")
        return
    path.parent.mkdir(exist_ok=True)
    join(blocks).save(path)
