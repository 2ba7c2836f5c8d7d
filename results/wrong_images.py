"""Which images a written row got wrong, from its posteriors, and two rows paired image by image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from results.errors import ResultError
from results.gate import NOT_SAVED, Pairing
from results.metrics import ranks
from results.origin import read_origin
from results.paired import PairedErrors, paired
from results.posteriors import Posteriors
from results.result import signature_id
from results.store import BLOCK
from results.tally import row_blocks
from results.written_tables import WrittenRow

SAVED = "posteriors"  # the folder beside a table in which --save-posteriors writes an .npz a row


@dataclass(frozen=True)
class WrongImages:
    """Images by id, sorted, each once, and which of them are wrong: `ids` (N,), `wrong1` and `wrong5` (N,) bool.

    `wrong5` is None where there is no top-5 error.
    """

    ids: np.ndarray
    wrong1: np.ndarray
    wrong5: np.ndarray | None

    def paired(self, other: "WrongImages") -> tuple[PairedErrors, PairedErrors | None]:
        """Both rows' errors on the same images at top-1 and at top-5, this row first. Raises ResultError."""
        if not np.array_equal(self.ids, other.ids):
            raise ResultError("the posteriors of BASELINE and of NEW are of other images; save both anew")
        top5 = None if self.wrong5 is None or other.wrong5 is None else paired(self.wrong5, other.wrong5)
        return paired(self.wrong1, other.wrong1), top5


def wrong_images(row: WrittenRow, blocks: Iterable[Posteriors], competing: Sequence[int] | None = None) -> WrongImages:
    """From a row's posteriors, block by block; only the `competing` classes (indices) compete, None for all.

    Raises ResultError unless the row's own counts come out: these are other posteriors than it was counted from.
    """
    scored = None if competing is None else np.array(competing)
    try:
        parts = [(block.ids, ranks(block, scored)) for block in blocks]
        ids, above = (np.concatenate(each) for each in zip(*parts, strict=True))
    except (ValueError, IndexError) as error:
        raise ResultError(f"the posteriors do not fit the row ({error}); save them anew") from None
    order = np.argsort(ids, kind="stable")
    ids, above = ids[order], above[order]
    wrong5 = None if row.counts.wrong5 is None else above >= 5
    counted = (len(ids), int((above >= 1).sum()), None if wrong5 is None else int(wrong5.sum()))
    if counted != tuple(row.counts) or (ids[1:] == ids[:-1]).any():
        raise ResultError(
            f"the posteriors give wrong1 {counted[1]}, wrong5 {counted[2]}, n {counted[0]}, not what the table says: "
            "they were computed anew since, or the table was altered; save both anew"
        )
    return WrongImages(ids, above >= 1, wrong5)


def saved_posteriors(table: Path, row: WrittenRow) -> Path:
    """Where --save-posteriors writes those of a row of a table; nothing need be there."""
    return table.parent / SAVED / f"{signature_id(row.signature)}.npz"


def competing_classes(table: Path) -> tuple[int, ...] | None:
    """The classes that compete in the run whose table this is, None for all or where the run is not there."""
    try:
        return read_origin(table.parent).competing
    except ResultError:
        return None


def blocks_at_hand(table: Path, row: WrittenRow) -> Iterable[Posteriors]:
    """A row's posteriors: as --save-posteriors wrote them beside its table, else from the run's store.

    Raises ResultError, the latter also while they are read.
    """
    saved = saved_posteriors(table, row)
    if saved.exists():
        return [Posteriors.load(saved)]
    origin, name = read_origin(table.parent), signature_id(row.signature)
    if name not in origin.rows:
        raise ResultError(f"row {name} is not in '{table.parent}/origin.json': its table is of another run")
    return row_blocks(origin.nets(name), [None] * -(-origin.images // BLOCK))


def pairing_of(baseline: Path, new: Path) -> Pairing | None:
    """How rows of two tables are paired image by image, None where no posteriors are saved beside the baseline.

    The baseline's are those saved beside it and never those of a store, which a later run may have computed anew.
    """
    if not (baseline.parent / SAVED).is_dir():
        return None
    competing = competing_classes(new) or competing_classes(baseline)

    def pairing(old: WrittenRow, row: WrittenRow) -> tuple[PairedErrors, PairedErrors | None]:
        saved = saved_posteriors(baseline, old)
        if not saved.exists():
            raise ResultError(NOT_SAVED)
        try:
            before = wrong_images(old, [Posteriors.load(saved)], competing)
        except ResultError as error:
            raise ResultError(f"BASELINE: {error}") from None
        try:
            after = wrong_images(row, blocks_at_hand(new, row), competing)
        except ResultError as error:
            raise ResultError(f"NEW: {error}") from None
        return after.paired(before)

    return pairing
