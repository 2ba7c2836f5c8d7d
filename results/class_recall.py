"""Mean class recall, the accuracy that Caltech's sets are measured by, and its spread over random splits."""

import numpy as np


def recall_by_class(
    labels: np.ndarray, predicted: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """The share of each class's images that are taken for it: (K, R), NaN without images.

    `labels` and `predicted` (N,) are classes below K; `weights` (N, R) says how much each image counts in each of R
    samples of them; without, R is 1 and all are there once. Fei-Fei, Fergus and Perona, CVPR workshop 2004, normalise
    so, since their classes have from 31 to 800 images.
    """
    there = np.ones((len(labels), 1)) if weights is None else weights
    order = np.argsort(labels, kind="stable")
    found, starts = np.unique(labels[order], return_index=True)
    recall = np.full((classes, there.shape[1]), np.nan)
    if len(found):
        right = (there * (labels == predicted)[:, None])[order]
        images = np.add.reduceat(there[order], starts, axis=0, dtype=float)
        with np.errstate(invalid="ignore"):  # a sample without the class
            recall[found] = np.add.reduceat(right, starts, axis=0, dtype=float) / images
    return recall


def mean_and_deviation(values: np.ndarray) -> tuple[float, float]:
    """Of a measure over splits: their mean, and the sample deviation (n - 1 below), NaN of one split."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
