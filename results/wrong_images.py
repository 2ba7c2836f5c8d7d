"""Which images a written row got wrong, from its posteriors, and two rows paired image by image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from results.errors import ResultError
from results.metrics import ranks
from results.paired import PairedErrors, paired
from results.posteriors import Posteriors
from results.written_tables import WrittenRow


@dataclass(frozen=True, kw_only=True)
class PairedImages(PairedErrors):
    """Two rows' errors, and the images by id that only one of them has wrong."""

    first_ids: Sequence[str]
    second_ids: Sequence[str]


@dataclass(frozen=True)
class WrongImages:
    """Images by id, sorted, each once, and which of them are wrong: `ids` (N,), `wrong1` and `wrong5` (N,) bool.

    `wrong5` is None where there is no top-5 error.
    """

    ids: np.ndarray
    wrong1: np.ndarray
    wrong5: np.ndarray | None

    def paired(self, other: "WrongImages") -> tuple[PairedImages, PairedImages | None]:
        """Both rows' errors on the same images at top-1 and at top-5, this row first. Raises ResultError."""
        if not np.array_equal(self.ids, other.ids):
            raise ResultError("the posteriors of BASELINE and of NEW are of other images; save both anew")
        top5 = None if self.wrong5 is None or other.wrong5 is None else self._paired(self.wrong5, other.wrong5)
        return self._paired(self.wrong1, other.wrong1), top5

    def _paired(self, first: np.ndarray, second: np.ndarray) -> PairedImages:
        one, other = (self.ids[each].tolist() for each in (first & ~second, second & ~first))
        return PairedImages(**vars(paired(first, second)), first_ids=one, second_ids=other)


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
