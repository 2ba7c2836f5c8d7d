"""From posteriors to counts of wrong images."""

import math
from statistics import NormalDist

import numpy as np

from results.posteriors import Posteriors


def ranks(posteriors: Posteriors, classes: np.ndarray | None = None) -> np.ndarray:
    """How many classes score strictly above each image's own: (N,) int64; the image is wrong@k where rank >= k.

    With `classes` (indices), only those compete. Strictness makes the count independent of how ties are sorted.
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
    rivals = probs if classes is None else probs[:, classes]
    return (rivals > own[:, None]).sum(1)


def wilson(wrong: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for an error rate, as two rates (Wilson, 1927)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, shrink = wrong / n, 1 + z * z / n
    middle = (rate + z * z / (2 * n)) / shrink
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / shrink
    return max(0.0, middle - half), min(1.0, middle + half)
