"""From posteriors to counts of wrong images."""

import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from results.posteriors import Posteriors

MCNEMAR_BITS = 256  # kept of each term, so that the sum is right to the last bit of a float
MOST_EXACT = 50_000  # images whose binomial is summed exactly, in hundredths of a second: ImageNet's validation set


class Standings(NamedTuple):
    """Where each image's own class stands: how many others are `above` it and how many `level` with it, (N,) int64."""

    above: np.ndarray
    level: np.ndarray

    def wrong(self, k: int) -> int:
        """Images whose label is not among the best k classes; a tie counts for it."""
        return int((self.above >= k).sum())

    def ties(self, k: int) -> int:
        """Images that would be wrong@k if ties counted against the label, and are not."""
        return int(((self.above < k) & (self.above + self.level >= k)).sum())


def ranks(posteriors: Posteriors, classes: np.ndarray | None = None) -> np.ndarray:
    """How many classes score above each image's own: (N,) int64, `standings` without the ties."""
    return standings(posteriors, classes).above


def standings(posteriors: Posteriors, classes: np.ndarray | None = None) -> Standings:
    """How many classes score strictly above each image's own, which is wrong@k where k do, and how many just as much.

    With `classes` (indices), only those compete. Strictness makes the count independent of how ties are sorted. A label
    whose posterior is exactly 0 was given up by the net: all others are above it, and none is level.
    Raises ValueError for a posterior that is not finite and for a label that is not among the classes.
    """
    probs, labels = posteriors.probs, posteriors.labels
    bad = ~np.isfinite(probs).all(1)
    if bad.any():
        raise ValueError(f"posteriors of {posteriors.ids[bad.argmax()]} are not finite")
    out = (labels < 0) | (labels >= probs.shape[1])
    if classes is not None:
        out |= ~np.isin(labels, classes)
    if out.any():
        which = out.argmax()
        raise ValueError(f"label {labels[which]} of {posteriors.ids[which]} is not one of the scored classes")
    own = probs[np.arange(len(labels)), labels]
    rivals, some = probs if classes is None else probs[:, classes], own > 0
    above, level = (rivals > own[:, None]).sum(1), (rivals == own[:, None]).sum(1) - 1
    return Standings(np.where(some, above, rivals.shape[1] - 1), np.where(some, level, 0))


def wilson(wrong: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for an error rate, as two rates (Wilson, 1927)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, shrink = wrong / n, 1 + z * z / n
    middle = (rate + z * z / (2 * n)) / shrink
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / shrink
    return max(0.0, middle - half), min(1.0, middle + half)


@lru_cache(1 << 12)
def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p of McNemar's test, from the images that only one of two classifiers got wrong.

    Binomial: if both were equally good, each such image would be either's with probability 1/2 (McNemar, 1947).
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    term = math.comb(n, fewer)  # ways of choosing so many of n: the largest term, from which each smaller one follows
    cut = max(0, term.bit_length() - MCNEMAR_BITS)
    term >>= cut
    ways = 0
    for k in range(fewer, -1, -1):
        if not term:
            break
        ways += term
        term = term * k // (n - k + 1)
    return min(1.0, 2 * ways / 2 ** (n - cut))


def mcnemar_bound(wrong_first: int, wrong_second: int, n: int) -> float:
    """The largest p that McNemar's exact test can give, from how many of n images two classifiers got wrong each.

    Which images these were is not known. As many as possible are taken to be wrong for one alone, since the more there
    are, the likelier is a difference by chance; they are at most those wrong for either, and those right for either.
    Beyond MOST_EXACT of them the bound is Tusnady's, between the binomial and the normal (Massart, 2002).
    """
    only_first, only_second = min(wrong_first, n - wrong_second), min(wrong_second, n - wrong_first)
    apart, difference = only_first + only_second, abs(only_first - only_second)
    if apart <= MOST_EXACT:
        return mcnemar(only_first, only_second)
    return math.erfc(max(0, difference - 2) / math.sqrt(2 * apart))


def paired_difference(
    only_first: int, only_second: int, n: int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """The first's error rate less the second's on the same n images, and its interval (Bonett and Price, 2012)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    first, second = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = z * math.sqrt((first + second - (first - second) ** 2) / (n + 2))
    middle = first - second
    return (only_first - only_second) / n, max(-1.0, middle - half), min(1.0, middle + half)
