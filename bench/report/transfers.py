"""The rows of transfers that a page is about: what was learnt of whose descriptors, with the scores of test images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.report.net_names import known_by_weights, net_name
from bench.report.rows import IN_WORDS, shown_names
from results.formatting import shortened, shown
from results.transfer_files import NAME, read_transfer, scores_of
from results.transfer_result import TransferResult
from results.transfer_scores import SplitScores


@dataclass(frozen=True)
class ReportedTransfer:
    """A row of a transfer's table; `number` counts on from the rows of other kinds that are on the page.

    `with_weights` says whether its net is known only with its weights, since others are called the same.
    """

    number: int
    folder: Path
    row: TransferResult
    with_weights: bool = False

    @property
    def key(self) -> str:
        """What scripts and anchors call it."""
        return f"row{self.number}"

    @property
    def net(self) -> str:
        """The net, or those that are stacked, with S; no two are called alike."""
        return net_name(self.row.model, self.row.S, self.row.weights if self.with_weights else None)

    @property
    def descriptor(self) -> str:
        """What it was learnt from: the scales, and what becomes of several."""
        return f"Q {self.row.Q}" + (f", {self.row.over}" if self.row.over else "")

    @property
    def per_class(self) -> str:
        """How many images of each class were drawn to learn from; nothing where parts were taken whole."""
        return f"{self.row.drawn.per_class} a class" if self.row.drawn else ""

    @property
    def protocol(self) -> str:
        """What tells it from others of its net."""
        return ", ".join(filter(None, (self.descriptor, self.per_class)))

    @property
    def images(self) -> tuple[str, ...]:
        """The set and what of it was judged: others' measures are of something else."""
        row = self.row
        drawn = "" if row.drawn is None else str(row.drawn.test_per_class)
        return (row.data, row.region, row.tested, drawn, *row.classes)

    @property
    def set(self) -> str:
        """The images as people know them."""
        return self.row.data + (f", {self.row.region}" if self.row.region else "")

    @property
    def label(self) -> str:
        """What people know it by."""
        return shown(f"{self.number}. {self.row.model} {self.protocol}")

    @property
    def in_words(self) -> str:
        """What a sentence calls it."""
        return shown(f"row {self.number}, {shortened(self.row.model, IN_WORDS)} {self.protocol}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the classes, as they are shown."""
        return tuple(shown_names(self.row.classes))

    @cached_property
    def scores(self) -> SplitScores | None:
        """Of the first split's test images; None where none were kept. Raises ResultError."""
        if self.row.scores is None:
            return None
        return scores_of(self.folder, self.row)[0]


def transfer_rows(places: Sequence[Path], first: int = 1) -> list[ReportedTransfer]:
    """All rows of the folders, numbered from `first`; of those that say the same, one. Raises ResultError."""
    found = list(_distinct(places))
    by_weights = known_by_weights([(row.model, row.S, row.weights) for _, row in found])
    return [
        ReportedTransfer(number, folder, row, each)
        for number, ((folder, row), each) in enumerate(zip(found, by_weights, strict=True), first)
    ]


def _distinct(places: Sequence[Path]) -> Iterator[tuple[Path, TransferResult]]:
    seen = []
    for place in places:
        folder = place.parent if place.name == NAME else place
        for row in read_transfer(folder):
            if (row.signature, row.measures) not in seen:
                seen.append((row.signature, row.measures))
                yield folder, row


def by_images(rows: Sequence[ReportedTransfer]) -> list[list[ReportedTransfer]]:
    """Rows that can be compared, together."""
    sets: dict[tuple[str, ...], list[ReportedTransfer]] = {}
    for row in rows:
        sets.setdefault(row.images, []).append(row)
    return list(sets.values())
