"""From stored blocks to one row: average the parts, fuse the nets, count, block by block, so that memory stays flat."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from results.doubts import Relabelling, Trial
from results.errors import ResultError
from results.metrics import Standings, standings
from results.posteriors import Posteriors, combine, resolved
from results.store import Block, Blocks, Expected, StoreError

AGAIN = "run bench.run again"
StoredNet = Sequence[
    tuple[Blocks[Posteriors], Fraction]
]  # the blocks of the parts that one net is judged by, and their shares


@dataclass(frozen=True)
class Tally:
    """Where each image's class stands among all that compete; seconds, devices, and ids left out as corrupt.

    `made` are the machines and versions that computed the blocks, each once; `trials` what other readings of the labels
    would give.
    """

    standings: Standings
    classes: int
    seconds: float
    devices: tuple[str, ...]
    corrupt: tuple[str, ...]
    made: tuple[Mapping[str, str], ...] = ()
    trials: tuple[Trial, ...] = ()

    @property
    def ranks(self) -> np.ndarray:
        """Per image the number of classes above its own, (N,) int64."""
        return self.standings.above

    def makers(self, name: str) -> str:
        """Everything of one kind that computed blocks, such as each version of torch, the lowest first."""
        return made_by(self.made, name)

    @property
    def top5(self) -> bool:
        """Whether there is a top-5 error: of five or fewer classes it is 0 whatever the net says."""
        return self.classes > 5


def made_by(made: Iterable[Mapping[str, str]], name: str) -> str:
    """Everything of one kind among what computed blocks, such as each version of torch, the lowest first."""
    found = {each.get(name, "unknown") for each in made} or {"unknown"}
    return "; ".join(sorted(found, key=lambda text: ([int(each) for each in re.findall(r"\d+", text)], text)))


def tally(
    rows: Sequence[Sequence[StoredNet]],
    blocks: Iterable[Expected],
    scored: np.ndarray | None = None,
    relabellings: Sequence[Relabelling] = (),
) -> list[Tally]:
    """Count rows over all blocks, each block read once for all of them; with `scored` only these classes compete.

    Images for which several classes are right are counted by the best of these, and not at all where there is none.
    What the `relabellings` would give is counted beside it.
    Every block must hold the images that are expected of it, so that each is counted once and under its own label.
    Raises StoreError, and ResultError where no image is left.
    """
    counts = [_Count(nets, [Trial(each) for each in relabellings]) for nets in rows]
    for number, expected in enumerate(blocks):
        read: dict[Path, Block[Posteriors]] = {}
        for count in counts:
            count.add(_read(count.nets, number, expected, read), scored, expected)
    return [count.tally() for count in counts]


@dataclass
class _Count:
    """A row on its way to a tally."""

    nets: Sequence[StoredNet]
    trials: Sequence[Trial] = ()
    standings: list[Standings] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    seconds: float = 0.0
    classes: int = 0
    made: dict[frozenset[tuple[str, str]], Mapping[str, str]] = field(default_factory=dict)

    def add(self, contents: Sequence[Block[Posteriors]], scored: np.ndarray | None, expected: Expected) -> None:
        row = _combine(contents, self.nets)
        if expected.right is not None:
            row = resolved(row, dict(zip(expected.ids, expected.right, strict=True)))
        found, best = standings(row, scored), row.probs.max(1)
        self.standings.append(found)
        for trial in self.trials:
            trial.add(row, found.above >= 1, best, scored)
        self.seconds += sum(content.seconds for content in contents)
        self.devices.update(content.device for content in contents)
        self.made.update((frozenset(content.made.items()), content.made) for content in contents)
        self.corrupt.extend(contents[0].corrupt)
        self.classes = row.probs.shape[1] if scored is None else len(scored)

    def tally(self) -> Tally:
        found = Standings(*map(np.concatenate, zip(*self.standings, strict=True)))
        if not len(found.above):
            raise ResultError("no image is left to count: none of them can be decoded")
        devices, made = tuple(sorted(self.devices)), tuple(self.made.values())
        return Tally(found, self.classes, self.seconds, devices, tuple(self.corrupt), made, tuple(self.trials))


def stored_standings(
    rows: Sequence[Sequence[StoredNet]],
    blocks: int,
    labelled: Callable[[Posteriors], Posteriors] = lambda block: block,
    scored: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, list[Standings]]]:
    """Block by block, each read once for all rows: the images' ids, and where their classes stand in every row.

    `blocks` is how many there are; which images they hold is not known, but all rows must hold the same. `labelled`
    puts a block under the labels that count; with `scored` only these classes compete. A share may be negative, as
    in 2 x (both - 1/2 x straight), which is the mirror images alone. Raises ResultError.
    """
    for number in range(blocks):
        read: dict[Path, Block[Posteriors]] = {}
        try:
            found = [labelled(_combine(_read(nets, number, None, read), nets)) for nets in rows]
            if any(each.ids.tolist() != found[0].ids.tolist() for each in found):
                raise ValueError("they are of different images")
            yield found[0].ids, [standings(each, scored) for each in found]
        except (ValueError, IndexError) as error:
            raise ResultError(f"block {number}: its posteriors do not fit the rows ({error}); {AGAIN}") from None


def row_blocks(nets: Sequence[StoredNet], blocks: Iterable[Expected | None]) -> Iterator[Posteriors]:
    """The row's posteriors, block by block; None stands for a block whose images are not known."""
    for number, expected in enumerate(blocks):
        yield _combine(_read(nets, number, expected, {}), nets)


def _read(
    nets: Sequence[StoredNet], number: int, expected: Expected | None, read: dict[Path, Block[Posteriors]]
) -> list[Block[Posteriors]]:
    """The blocks of a row's parts under one number; `read` keeps them by their place for other rows."""
    contents = []
    for store, _ in chain.from_iterable(nets):
        place = store.path(number)
        block = read.get(place) or store.read(number)
        if block is None:
            raise StoreError(f"block {place} is damaged or was removed; run again what computed it")
        if expected and place not in read and not block.holds(expected):
            raise StoreError(f"block {place} does not hold the images of the data set; run again what computed it")
        read[place] = block
        contents.append(block)
    if len({content.corrupt for content in contents}) > 1:
        raise StoreError(f"the parts of block {number} lack different images; run again with --fresh")
    return contents


def _combine(contents: Sequence[Block[Posteriors]], nets: Sequence[StoredNet]) -> Posteriors:
    """`contents` are those of all parts of all nets, in their order."""
    parts = iter(content.rows for content in contents)
    return combine([[(next(parts), share) for _, share in net] for net in nets])
