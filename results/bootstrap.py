"""Bootstrap over test images: how far a measure would move with other images of the same kind.

Images are drawn with replacement, as many as there are, and the measure is counted again: Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993, chapter 13, percentile intervals. Learning is not repeated, so the interval is
about the test images alone. Splits have test images in common, so these are drawn once for all of them: three splits
that are judged on the same images are not three times as many. Where classes count alike, as in a mean of their
recalls, each class's images are drawn by themselves (chapter 8.4): a class of few images would be missing in many
samples, and their mean be another measure's.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95
AT_ONCE = 100  # samples; of 5,000 images 4 MB of counts, which stay in the processor's cache

Measure = Callable[[np.ndarray], np.ndarray]  # from counts (N, R), how often each image is there, to (R,)


class Resampled(NamedTuple):
    """A measure of N test images; `groups` (N,) are labels within which images are drawn, None for all."""

    images: int
    measure: Measure
    groups: np.ndarray | None = None


def resampled(of: Resampled, seed: int, times: int = RESAMPLES) -> np.ndarray:
    """The measure in so many samples of the images: (times,). `seed` decides, with the bit generator PCG64."""
    random = np.random.Generator(np.random.PCG64(seed))
    pieces = [min(AT_ONCE, times - start) for start in range(0, times, AT_ONCE)]
    return np.concatenate([of.measure(_counts(random, of, piece)) for piece in pieces])


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of resampled values, of those that are defined. NaN where none is."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_interval(of: Resampled, seed: int, times: int = RESAMPLES, level: float = LEVEL) -> tuple[float, float]:
    """The interval of a measure over samples of its images."""
    return interval(resampled(of, seed, times), level)


def _counts(random: np.random.Generator, of: Resampled, samples: int) -> np.ndarray:
    """How often each image is drawn in each of the samples: (N, samples), a multinomial's counts, as floats."""
    images = of.images
    drawn = (
        random.integers(images, size=(samples, images)) if of.groups is None else _within(random, of.groups, samples)
    )
    flat = drawn + np.arange(samples)[:, None] * images
    counts = np.bincount(flat.ravel(), minlength=samples * images).reshape(samples, images)
    return np.ascontiguousarray(counts.T, dtype=float)


def _within(random: np.random.Generator, groups: np.ndarray, samples: int) -> np.ndarray:
    """Images drawn for each image from its own group: (samples, N)."""
    order = np.argsort(groups, kind="stable")
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    starts, sizes = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    return order[starts + (random.random((samples, len(groups))) * sizes).astype(int)]
