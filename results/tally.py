"""From stored blocks to one row: average the parts, fuse the nets, count, block by block, so that memory stays flat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice

import numpy as np

from results.errors import ResultError
from results.metrics import ranks
from results.posteriors import Posteriors, average, fuse
from results.store import Block, Store, StoreError

Net = Sequence[tuple[Store, Fraction]]  # the blocks of the parts that one net is judged by, and their shares


@dataclass(frozen=True)
class Tally:
    """Per image the number of classes above its own; over all, seconds spent, devices, and ids left out as corrupt."""

    ranks: np.ndarray
    classes: int
    seconds: float
    devices: tuple[str, ...]
    corrupt: tuple[str, ...]

    def wrong(self, k: int) -> int | None:
        """Images whose label is not among the best k classes; None where fewer than k classes compete."""
        return int((self.ranks >= k).sum()) if self.classes >= k else None


def tally(nets: Sequence[Net], blocks: int, scored: np.ndarray | None = None) -> Tally:
    """Count over all blocks; with `scored` (class indices) only those classes compete. Raises StoreError."""
    found: list[np.ndarray] = []
    corrupt: list[str] = []
    devices: set[str] = set()
    seconds, classes = 0.0, 0
    for number in range(blocks):
        contents = _read(nets, number)
        row = _combine(contents, nets)
        found.append(ranks(row, scored))
        seconds += sum(content.seconds for content in contents)
        devices.update(content.device for content in contents)
        corrupt.extend(contents[0].corrupt)
        classes = row.probs.shape[1] if scored is None else len(scored)
    if not any(map(len, found)):
        raise ResultError("no image is left to count: none of them can be decoded")
    return Tally(np.concatenate(found), classes, seconds, tuple(sorted(devices)), tuple(corrupt))


def row_blocks(nets: Sequence[Net], blocks: int) -> Iterator[Posteriors]:
    """The row's posteriors, block by block."""
    for number in range(blocks):
        yield _combine(_read(nets, number), nets)


def _read(nets: Sequence[Net], number: int) -> list[Block]:
    contents = []
    for store, _ in chain.from_iterable(nets):
        block = store.read(number)
        if block is None:
            raise StoreError(f"block {store.path(number)} was damaged or removed while running; run again to mend it")
        contents.append(block)
    if len({content.corrupt for content in contents}) > 1:
        raise StoreError(f"the parts of block {number} lack different images; run again with --fresh")
    return contents


def _combine(contents: Sequence[Block], nets: Sequence[Net]) -> Posteriors:
    """Each net's parts by their shares, then the nets."""
    parts = iter(content.posteriors for content in contents)
    return fuse([average(list(islice(parts, len(net))), [share for _, share in net]) for net in nets])
