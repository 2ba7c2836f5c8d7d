"""Bootstrap over test images: how far a measure would move with other images of the same kind.

In each sample every image counts with a weight of its own, drawn from an exponential distribution: Rubin, "The Bayesian
Bootstrap", Annals of Statistics 9, 1981, with percentile intervals. Drawing images with replacement would do the same
by whole weights, but then a class of few images is missing in many samples, and an image that stands twice in a list
helps itself to a higher precision: samples of a mean average precision would lie above it. Learning is not repeated, so
the interval is about the test images alone. Splits have test images in common, so each image has one weight in all of
them: three splits that are judged on the same images are not three times as many.
"""

from collections.abc import Callable

import numpy as np

SAMPLES = 1000
LEVEL = 0.95
AT_ONCE = 100  # samples; of 5,000 images 4 MB of weights, which stay in the processor's cache

Measure = Callable[[np.ndarray], np.ndarray]  # from weights (N, R) of the images in each of R samples, to (R,)


def resampled(images: int, measure: Measure, seed: int, times: int = SAMPLES) -> np.ndarray:
    """The measure in so many samples of N images: (times,). `seed` decides, with the bit generator PCG64."""
    random = np.random.Generator(np.random.PCG64(seed))
    pieces = [min(AT_ONCE, times - start) for start in range(0, times, AT_ONCE)]
    return np.concatenate([measure(random.exponential(size=(images, piece))) for piece in pieces])


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of a measure's values in all samples."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
