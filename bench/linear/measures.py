"""What rows are measured by: means over classes, over splits, and how far other test images would move them."""

from collections.abc import Sequence

import numpy as np

from bench.errors import UserError
from bench.images.divided import DividedSet
from bench.linear.judging import Judged, Truth, truth_of
from bench.linear.splits import Split
from bench.linear.usual import usual
from results.average_precision import mean_over_classes
from results.bootstrap import interval, resampled
from results.class_recall import mean_and_deviation
from results.transfer_result import RULE_OF, Measure

RECALL: dict[str, str | None] = {"recall": None}


def measures_of(
    divided: DividedSet, splits: Sequence[Split], judged: Sequence[Judged], seed: int
) -> dict[str, Measure]:
    """Each measure of a set, its own first, from what was said of each split's test images.

    Raises UserError where no image counts.
    """
    rules = sorted((RULE_OF if divided.multi else RECALL).items(), key=lambda each: each[1] != usual(divided).rule)
    return {name: _measure(divided, rule, splits, judged, seed) for name, rule in rules}


def _measure(
    divided: DividedSet, rule: str | None, splits: Sequence[Split], judged: Sequence[Judged], seed: int
) -> Measure:
    truth = truth_of(divided, rule)
    own = [(truth.take(split.test), found.scores) for split, found in zip(splits, judged, strict=True)]
    by_class = np.stack([true.by_class(scores)[:, 0] for true, scores in own])
    value, deviation = mean_and_deviation(mean_over_classes(by_class.T))
    if np.isnan(value):
        raise UserError(f"data {divided.name!r}: no image that is judged is of a class; give more of them")
    low, high = interval(_in_samples(truth, splits, judged, seed))
    shares = tuple(None if np.isnan(share) else float(share) for share in mean_over_classes(by_class))
    return Measure(value, low, high, None if len(own) == 1 else deviation, shares)


def _in_samples(truth: Truth, splits: Sequence[Split], judged: Sequence[Judged], seed: int) -> np.ndarray:
    """The measure of what all splits say of their test images, whose weights are the same in all of them: (R,).

    Splits have as many test images of a class each, so the recall of all together is its mean over splits.
    """
    images, places = np.unique(np.concatenate([split.test for split in splits]), return_inverse=True)
    said, scores = truth.take(images[places]), np.concatenate([each.scores for each in judged])
    return resampled(len(images), lambda weights: said.measure(scores, weights[places]), seed)
