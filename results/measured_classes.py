"""What each class is measured by: average precision where an image may be of several, else recall."""

import numpy as np

from results.average_precision import by_class
from results.class_recall import recall_by_class


def measured_by_class(
    present: np.ndarray, difficult: np.ndarray, scores: np.ndarray, rule: str | None, weights: np.ndarray | None = None
) -> np.ndarray:
    """Average precision by `rule`, or recall without one, of K classes: (K, R), NaN of those without images.

    `present` and `difficult` are bool (N, K), `scores` (N, K); an image is taken for the class of its highest score.
    `weights` (N, R) says how much each image counts in each of R samples; without, R is 1 and all count once.
    """
    if rule is not None:
        return by_class(present, difficult, scores, rule, weights)
    return recall_by_class(present.argmax(axis=1), scores.argmax(axis=1), present.shape[1], weights)
