"""Average precision of scores that should put the images of a class first: plainly, and by the two rules of VOC.

VOC 2007 takes the mean of the precision at eleven recalls, VOC 2010 and later the area under the curve, both with the
precision made monotone: at a recall stands the best precision of that recall or a higher one. Everingham et al., "The
Pascal Visual Object Classes (VOC) Challenge", IJCV 88, 2010, section 4.2; VOCevalcls.m and VOCap.m of the VOC 2012
development kit (2007's VOCevalcls.m for eleven points). Images that are difficult for a class are out of its list.

Images of one score come in together, so their order in the set does not matter. Recalls are compared as whole numbers
of images: a recall of 3 in 10 reaches the point 0.3, whatever the rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]  # found and taken, (T, R) both, to (R,)


@dataclass(frozen=True)
class Curve:
    """By threshold, highest first: the images of the class `found`, and all `taken`, with that score or more. (T,)."""

    thresholds: np.ndarray
    found: np.ndarray
    taken: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        return self.found / self.taken

    @property
    def recall(self) -> np.ndarray:
        """In [0, 1], ascending to 1. NaN where the class has no image."""
        return self.found / self.found[-1] if self.found[-1] else np.full(len(self.found), np.nan)


def precision_recall(positive: np.ndarray, score: np.ndarray, counted: np.ndarray | None = None) -> Curve:
    """The curve over all scores there are, from (N,) bool and scores; of the images `counted`, (N,) bool, or all.

    Raises ValueError for scores that are not finite, and where no image counts.
    """
    order, last = _ranked(score, counted)
    found = np.cumsum(np.asarray(positive, bool)[order])[last]
    return Curve(score[order][last], found, last + 1)


def average_precision(positive: np.ndarray, score: np.ndarray) -> float:
    """The area under the precision-recall curve as a sum of steps, from (N,) bool and scores that rise with belief.

    At each threshold that the scores have, the precision counts with what the recall grows; images of one score come in
    together. No interpolation: what scikit-learn calls average precision.
    """
    curve = precision_recall(positive, score)
    return float((np.diff(curve.found, prepend=0) * curve.precision).sum() / curve.found[-1])


def eleven_points(found: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """VOC 2007's rule: the mean of the monotone precision at the recalls 0, 0.1, ..., 1."""
    best, column = _monotone(found, taken), np.arange(found.shape[1])
    places = [(10 * found < tenths * found[-1]).sum(axis=0) for tenths in range(11)]  # the first of that recall
    return np.mean([best[place, column] for place in places], axis=0)


def area(found: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The rule of VOC 2010 and later: the area under the monotone precision."""
    return (np.diff(found, axis=0, prepend=0) * _monotone(found, taken)).sum(axis=0) / found[-1]


RULES: dict[str, Rule] = {"11 points": eleven_points, "area": area}


def voc_average_precision(
    positive: np.ndarray,
    score: np.ndarray,
    rule: str,
    counted: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Average precision by one of RULES, from (N,) bool and scores, of the images `counted`, (N,) bool, or all.

    `weights` (N, R) says how much each image counts in each of R samples of them; without, R is 1 and all count
    once. (R,), NaN where no image of the class is there. Raises ValueError for scores that are not finite.
    """
    weights = np.ones((len(score), 1)) if weights is None else weights
    if not np.any(positive if counted is None else positive & counted):
        return np.full(weights.shape[1], np.nan)
    order, last = _ranked(score, counted)
    right, there = np.asarray(positive, bool)[order], weights[order]
    group = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))  # of each image: those of its score
    with_right = np.unique(group[right])  # the recall grows at their scores alone, and there the precision is best
    ends = last[with_right] + 1
    taken = np.add.reduceat(there[: ends[-1]], np.append(0, ends[:-1]), axis=0, dtype=float).cumsum(axis=0)
    found = np.add.reduceat(there[right], np.unique(group[right], return_index=True)[1], axis=0, dtype=float)
    found = found.cumsum(axis=0)
    with np.errstate(invalid="ignore"):  # a sample without the class
        return np.where(found[-1] > 0, RULES[rule](found, taken), np.nan)


def by_class(
    present: np.ndarray, difficult: np.ndarray, scores: np.ndarray, rule: str, weights: np.ndarray | None = None
) -> np.ndarray:
    """Average precision of K classes, (K, R), from (N, K) each; images difficult for a class are out of its list."""
    columns = range(scores.shape[1])
    return np.stack(
        [voc_average_precision(present[:, k], scores[:, k], rule, ~difficult[:, k], weights) for k in columns]
    )


def mean_over_classes(values: np.ndarray) -> np.ndarray:
    """Mean of (K, R) over the classes that have one, those with images: (R,). NaN where none has."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values, 0).sum(axis=0) / there.sum(axis=0)


def _ranked(score: np.ndarray, counted: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The places of the images that count, highest score first, and where in this order each score is last."""
    score = np.asarray(score)
    places = np.arange(len(score)) if counted is None else np.flatnonzero(counted)
    if not len(places):
        raise ValueError("average precision: no image counts")
    if not np.isfinite(score[places]).all():
        raise ValueError("average precision: scores must be finite")
    order = places[np.argsort(-score[places], kind="stable")]
    return order, np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)


def _monotone(found: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """At each threshold the best precision there or at a lower one; 0 where nothing is taken."""
    precision = found / np.maximum(taken, 1)
    return np.maximum.accumulate(precision[::-1])[::-1]
