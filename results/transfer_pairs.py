"""Rows of transfers compared on the same test images: differences of their measure, with intervals by a bootstrap.

Every sample has the same weights of test images for all rows, so that what makes an image hard for both cancels out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from results.average_precision import mean_over_classes
from results.bootstrap import interval, resampled
from results.class_recall import mean_and_deviation
from results.errors import ResultError
from results.every_pair import letters_of
from results.formatting import escaped
from results.formatting import interval as with_ends
from results.measured_classes import measured_by_class
from results.table import markdown_of
from results.transfer_result import MEASURES, RULE_OF, TransferResult
from results.transfer_scores import SplitScores
from results.transfer_table import compared_cells

SEED = 0
CHANGED = 10  # classes
TEXTS = ("", "row", "model", "Q", "over", "pair", "higher", "class")


@dataclass(frozen=True)
class ScoredRow:
    """A row by its name, with what was said of each split's test images."""

    name: str
    result: TransferResult
    scores: Sequence[SplitScores]


@dataclass(frozen=True)
class Difference:
    """One row's measure less another's, in points; `deviation` over splits is None of one split.

    The 95 % interval is over test images; `by_class` (K,) are the classes' own differences, NaN without test images.
    """

    value: float
    low: float
    high: float
    deviation: float | None
    by_class: np.ndarray

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class TransferPairs:
    """Rows, the best first, and every pair of them in that order: the better row's measure less the other's."""

    rows: tuple[ScoredRow, ...] = field(repr=False)
    measure: str
    shares: np.ndarray = field(repr=False)  # (rows, K), mean over splits
    samples: np.ndarray = field(repr=False)  # (rows, R), of all splits together
    of_splits: np.ndarray = field(repr=False)  # (rows, splits)

    @cached_property
    def pairs(self) -> list[tuple[str, str, Difference]]:
        """With the letters of both."""
        letters = letters_of(len(self.rows))
        return [(letters[a], letters[b], self._difference(a, b)) for a, b in combinations(range(len(self.rows)), 2)]

    def __str__(self) -> str:
        """A line for each pair, by the rows' names."""
        names = dict(zip(letters_of(len(self.rows)), (row.name for row in self.rows), strict=True))
        return "\n".join(
            f"{MEASURES[self.measure]}: {names[one]} less {names[other]} "
            f"{with_ends(found.value, found.low, found.high, '+.2f')} points"
            for one, other, found in self.pairs
        )

    def _repr_markdown_(self) -> str:
        """In a notebook."""
        return self.markdown()

    def _difference(self, one: int, other: int) -> Difference:
        value, deviation = mean_and_deviation(100 * (self.of_splits[one] - self.of_splits[other]))
        low, high = interval(100 * (self.samples[one] - self.samples[other]))
        own = None if np.isnan(deviation) else deviation
        return Difference(value, low, high, own, 100 * (self.shares[one] - self.shares[other]))

    def markdown(self, classes: int | None = CHANGED) -> str:
        """The rows, a table of pairs, and of two rows so many of the classes that changed most; None are all."""
        first = self.rows[0]
        splits = f" of {len(first.scores)} splits" if len(first.scores) > 1 else ""
        said = f"{len(self.rows)} rows on the same test images{splits} of {escaped(first.result.data)}"
        cells = [
            {"": letter, "row": escaped(row.name), **compared_cells(row.result.record(), self.measure)}
            for letter, row in zip(letters_of(len(self.rows)), self.rows, strict=True)
        ]
        lines = [f"{said}, by {MEASURES[self.measure]}, the best first", "", markdown_of(cells, TEXTS), ""]
        lines += ["Differences in points, with 95 % intervals by a bootstrap over test images, for each pair alone."]
        lines += ["± is the deviation over splits: how far other training images would move it."] * bool(splits)
        lines += ["", markdown_of([self._pair_cells(*pair) for pair in self.pairs], TEXTS)]
        if len(self.rows) == 2 and classes != 0:
            lines += ["", "Classes that changed most, A less B in points:", "", self._class_table(classes)]
        return "\n".join(lines)

    def _pair_cells(self, one: str, other: str, found: Difference) -> dict[str, str]:
        spread = "" if found.deviation is None else f" ± {found.deviation:.2f}"
        value, bracket, ends = with_ends(found.value, found.low, found.high, "+.2f").partition(" [")
        higher = (one if found.value > 0 else other) if found.beyond_chance else "not told apart"
        return {"pair": f"{one} less {other}", "difference [95 %]": value + spread + bracket + ends, "higher": higher}

    def _class_table(self, classes: int | None) -> str:
        (*_, found) = self.pairs[0]
        known = np.flatnonzero(~np.isnan(found.by_class))
        order = known[np.argsort(-np.abs(found.by_class[known]), kind="stable")][:classes]
        names = self.rows[0].result.classes
        cells = [
            {
                "class": escaped(names[k]),
                "A": f"{100 * self.shares[0, k]:.2f}",
                "B": f"{100 * self.shares[1, k]:.2f}",
                "difference": f"{found.by_class[k]:+.2f}",
            }
            for k in order
        ]
        return markdown_of(cells, TEXTS)

    def record(self) -> dict[str, Any]:
        """Everything, for JSON; measures in %, differences in points."""
        letters = letters_of(len(self.rows))
        rows = {
            letter: {"name": row.name, **row.result.record()} for letter, row in zip(letters, self.rows, strict=True)
        }
        pairs = [
            {
                "first": one,
                "second": other,
                "difference": round(found.value, 4),
                "difference_low": round(found.low, 4),
                "difference_high": round(found.high, 4),
                "difference_deviation": None if found.deviation is None else round(found.deviation, 4),
                "by_class": [None if np.isnan(each) else round(float(each), 4) for each in found.by_class],
            }
            for one, other, found in self.pairs
        ]
        return {"measure": self.measure, "rows": rows, "pairs": pairs}


def compare_transfers(rows: Sequence[ScoredRow]) -> TransferPairs:
    """Every pair of at least two rows. Raises ResultError where their test images or classes are not the same."""
    first = rows[0]
    for other in rows[1:]:
        _check_same(first, other)
    measure = first.result.measure
    samples = np.stack([_in_samples(row.scores, measure) for row in rows])
    by_split = [[_by_class(split, measure)[:, 0] for split in row.scores] for row in rows]
    of_splits = np.array([[mean_over_classes(each[:, None])[0] for each in row] for row in by_split])
    shares = np.stack([mean_over_classes(np.stack(row)) for row in by_split])
    order = np.argsort(-of_splits.mean(axis=1), kind="stable")
    ranked = tuple(rows[place] for place in order)
    return TransferPairs(ranked, measure, shares[order], samples[order], of_splits[order])


def _in_samples(splits: Sequence[SplitScores], measure: str) -> np.ndarray:
    """The measure of what all splits say of their test images, whose weights are the same in all of them: (R,).

    Splits have as many test images of a class each, so the recall of all together is its mean over splits.
    """
    ids, places = np.unique(np.concatenate([each.ids for each in splits]), return_inverse=True)
    values, present, difficult = (
        np.concatenate([getattr(each, name) for each in splits]) for name in ("values", "present", "difficult")
    )
    said = SplitScores(tuple(ids[places].tolist()), values, present, difficult)
    return resampled(len(ids), lambda weights: mean_over_classes(_by_class(said, measure, weights[places])), SEED)


def _by_class(split: SplitScores, measure: str, weights: np.ndarray | None = None) -> np.ndarray:
    return measured_by_class(split.present, split.difficult, split.values, RULE_OF.get(measure), weights)


def _check_same(one: ScoredRow, other: ScoredRow) -> None:
    """Raises ResultError."""
    why = None
    if one.result.classes != other.result.classes:
        why = "their classes differ"
    elif len(one.scores) != len(other.scores):
        why = f"one has {len(one.scores)} splits, the other {len(other.scores)}"
    elif any(a.ids != b.ids for a, b in zip(one.scores, other.scores, strict=True)):
        why = "their test images differ"
    elif any(
        not (np.array_equal(a.present, b.present) and np.array_equal(a.difficult, b.difficult))
        for a, b in zip(one.scores, other.scores, strict=True)
    ):
        why = "their labels differ"
    if why:
        raise ResultError(
            f"{one.name} and {other.name} cannot be compared: {why}; give rows of the same set, splits and seed"
        )
