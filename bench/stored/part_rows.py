"""Rows that a run's stored parts make: by test scale, by kind of view, with mirror images and without."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.progress import progress
from bench.stored.part_sums import Flips, Label, Sum, sums
from bench.stored.run import StoredRun
from results.inspection import check_counts
from results.metrics import Standings
from results.posteriors import Posteriors
from results.result import error_rate
from results.store import BLOCK
from results.tally import stored_standings
from results.written_tables import WrittenRow

TOP = 5  # of five or fewer classes there is no top-5 error


@dataclass(frozen=True, eq=False)
class PartRow:
    """A sum of stored parts, counted: of which net, what it looks at, and where each image's class stands.

    `net`, `weights` and `S` are the table's; of fused nets one each, ` + ` between. `protocol` is what is summed up and
    `methods` and `Q` are what occurs in it, methods as they are called with mirror images; `flips` says whether there
    are such. `ids` (N,) are the images', `ranks` (N,) int32 the classes above each one's own; `ties1` and `ties5` as a
    `Result` has them; `top5` says whether there is a top-5 error. `whole` are the table's rows that it is, by id.
    """

    net: str
    weights: str
    S: str
    protocol: str
    methods: tuple[str, ...]
    Q: tuple[int, ...]
    flips: Flips
    ids: np.ndarray = field(repr=False)
    ranks: np.ndarray = field(repr=False)
    ties1: int
    ties5: int
    top5: bool
    whole: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        return len(self.ranks)

    @property
    def wrong1(self) -> int:
        return int((self.ranks >= 1).sum())

    @property
    def wrong5(self) -> int | None:
        """None where five classes or fewer compete."""
        return int((self.ranks >= 5).sum()) if self.top5 else None

    @property
    def errors(self) -> dict[str, float | None]:
        """Top-1 and top-5 error in % with their 95 % intervals, named as in tables."""
        top5 = error_rate("top5", self.wrong5, self.ties5, self.n)
        return {**error_rate("top1", self.wrong1, self.ties1, self.n), **top5}

    def wrong(self, k: int) -> np.ndarray:
        """Which images are wrong at top-k, (N,) bool, in the order of `ids`."""
        return self.ranks >= k


@dataclass(frozen=True)
class PartRows:
    """All that the parts of some rows make, each sum once, and which of these belong to a row of the table."""

    rows: tuple[PartRow, ...]
    found: Mapping[tuple[str, str], Mapping[Label, PartRow]] = field(repr=False)

    def parts(self, row: WrittenRow) -> Mapping[tuple[str, int, Flips], PartRow]:
        """Its parts one by one, by method, Q and flips."""
        return self._found(row, "part")

    def so_far(self, row: WrittenRow) -> Mapping[tuple[str, int, Flips], PartRow]:
        """Each method over its lowest Q, its two lowest and so on to all, by method, their number and flips."""
        return self._found(row, "so far")

    def by_Q(self, row: WrittenRow) -> Mapping[tuple[int, Flips], PartRow]:
        """All of its methods at one Q, by Q and flips."""
        return self._found(row, "Q")

    def by_view(self, row: WrittenRow) -> Mapping[tuple[str, Flips], PartRow]:
        """Each method over all of its Q, by method and flips."""
        return self._found(row, "view")

    def whole(self, row: WrittenRow) -> Mapping[tuple[Flips], PartRow]:
        """All of it: as the table has it, and where mirror images can be told apart without them and of them alone."""
        return self._found(row, "whole")

    def _found(self, row: WrittenRow, how: str) -> Mapping[Any, PartRow]:
        return self.found.get((row.id, how), {})


def part_rows(run: StoredRun, rows: Sequence[WrittenRow] | None = None) -> PartRows:
    """What the stored parts of a run's rows make, None for all rows; each block is read once for everything.

    Mirror images are told apart where the store also has the part without them, of this run or of another. Rows of
    nets that are not kept in the store are left out. Raises UserError, and ResultError where blocks are damaged or the
    table's own counts do not come out.
    """
    kept = [row for row in (run.rows if rows is None else rows) if row.id in run.origin.rows]
    blocks = -(-run.origin.images // BLOCK)
    wanted = {row.id: list(sums(run.origin.nets(row.id, run.store), blocks)) for row in kept}
    distinct: dict[Hashable, tuple[WrittenRow, Sum]] = {}
    whole: dict[Hashable, list[WrittenRow]] = defaultdict(list)
    for row in kept:
        for _, _, each in wanted[row.id]:
            distinct.setdefault(each.same, (row, each))
        whole[next(each.same for how, _, each in wanted[row.id] if how == "whole")].append(row)
    ids, standings = _counted(run, kept, [each for _, each in distinct.values()], blocks)
    made = {
        same: _part_row(run, row, each, whole[same], ids, stands)
        for (same, (row, each)), stands in zip(distinct.items(), standings, strict=True)
    }
    found: dict[tuple[str, str], dict[Label, PartRow]] = defaultdict(dict)
    for row in kept:
        for how, label, each in wanted[row.id]:
            found[row.id, how].setdefault(label, made[each.same])
    return PartRows(tuple(made.values()), found)


def _counted(
    run: StoredRun, rows: Sequence[WrittenRow], wanted: Sequence[Sum], blocks: int
) -> tuple[np.ndarray, list[Standings]]:
    """The images' ids, and where their classes stand in every sum."""
    if not rows:
        return np.array([], dtype=str), []

    def labelled(block: Posteriors) -> Posteriors:
        if block.probs.shape[1] != len(run.origin.classes):
            raise ValueError(f"{block.probs.shape[1]} classes, not {len(run.origin.classes)}")
        return next(run.labelled(rows[0], [block]))

    scored = None if run.origin.competing is None else np.array(run.origin.competing)
    read = stored_standings([each.stored for each in wanted], blocks, labelled, scored)
    ids, found = [], []
    for names, stands in progress(read, blocks, "reading the parts", unit="block"):
        ids.append(names)
        found.append([Standings(each.above.astype(np.int32), each.level.astype(np.int32)) for each in stands])
    return np.concatenate(ids), [
        Standings(*map(np.concatenate, zip(*each, strict=True))) for each in zip(*found, strict=True)
    ]


def _part_row(
    run: StoredRun, row: WrittenRow, one: Sum, whole: Sequence[WrittenRow], ids: np.ndarray, stands: Standings
) -> PartRow:
    """A sum of a row's parts; it is the rows `whole`, whose counts it must have."""
    for each in whole:
        check_counts(each, len(ids), stands.wrong(1), stands.wrong(5))
    protocols = list(map(str, one.protocols))
    parts = [part for protocol in one.protocols for part in protocol.parts]
    competing = len(run.origin.classes if run.origin.competing is None else run.origin.competing)
    return PartRow(
        net=row["model"],
        weights=row["weights"],
        S=row["S"],
        protocol=protocols[0] if len(set(protocols)) == 1 else " + ".join(protocols),
        methods=tuple(dict.fromkeys(part.method for part in parts)),
        Q=tuple(sorted({part.Q for part in parts})),
        flips=one.flips,
        ids=ids,
        ranks=stands.above,
        ties1=stands.ties(1),
        ties5=stands.ties(5) if competing > TOP else 0,
        top5=competing > TOP,
        whole=tuple(each.id for each in whole),
    )
