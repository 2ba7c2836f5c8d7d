"""A new baseline written, and the posteriors that belong to it beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.command import say
from bench.errors import UserError
from bench.gate.pairing import SAVED, competing_classes, saved_posteriors
from bench.progress import warn
from bench.stored.run import StoredRun, open_run
from results.atomic_files import write_text_atomically
from results.errors import ResultError
from results.gate_baseline import BaselineChange, change_baseline
from results.gate_pairs import same_counts
from results.posteriors import join
from results.written_tables import WrittenRow
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
    change = change_baseline(baseline, new, about.why, about.drop_missing)
    if change is None:
        say(f"nothing changed: '{new}' has the rows and counts of '{baseline}', which stays as it is")
        return 0
    try:
        _write(baseline, new, change, about.save_posteriors or (baseline.parent / SAVED).is_dir())
    except OSError as error:
        raise UserError(
            f"cannot write '{baseline}': {error.strerror or error}; give a BASELINE that can be written to"
        ) from None
    say("\n".join([f"'{baseline}' is the new baseline; changed:", "", *change.lines()]))
    return 0


def _write(baseline: Path, new: Path, change: BaselineChange, keep: bool) -> None:
    """Whenever it ends, no posteriors lie beside the baseline that are of other counts than its own."""
    baseline.parent.mkdir(parents=True, exist_ok=True)
    apart = baseline.parent.resolve() != new.parent.resolve()  # else NEW's posteriors lie there already
    if apart:
        for old, row in change.pairs:
            if not (old and row and same_counts(old, row)):
                _remove_posteriors(baseline, filter(None, (old, row)))
    write_text_atomically(baseline, change.text)
    if apart and keep:
        run, competing = open_run(new), competing_classes(new)
        for row in filter(None, (row for _, row in change.pairs)):
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
