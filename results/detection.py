"""Images of no class at all, told from others by how unsure a net is: the area under the precision-recall curve."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Detection:
    """How well images outside of all classes are told from those within: their numbers, and the AUPR in [0, 1]."""

    outside: int
    within: int
    aupr: float

    def record(self) -> dict[str, Any]:
        """For tables of results; the AUPR in %."""
        return {"aupr": round(100 * self.aupr, 4), "outside": self.outside, "within": self.within}

    def __str__(self) -> str:
        chance = 100 * self.outside / (self.outside + self.within)
        return (
            f"AUPR {100 * self.aupr:.2f} %, by chance {chance:.2f} %: {self.outside} images of no class among "
            f"{self.within} others, by the least of the highest posteriors of the classes that compete"
        )


def detection(outside: np.ndarray, confidence: np.ndarray) -> Detection:
    """From which images are outside, (N,) bool with both kinds in it, and how sure the net is of its best class, (N,).

    Those outside are the positive ones, and the least sure come first, as in Hendrycks et al., "Natural Adversarial
    Examples", CVPR 2021.
    """
    return Detection(int(outside.sum()), int((~outside).sum()), average_precision(outside, -confidence))


def average_precision(positive: np.ndarray, score: np.ndarray) -> float:
    """The area under the precision-recall curve as a sum of steps, from (N,) bool and scores that rise with belief.

    At each threshold that the scores have, the precision counts with what the recall grows; images of one score come in
    together.
    """
    order = np.argsort(-score, kind="stable")
    right, ranked = positive[order], score[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each score
    found = np.cumsum(right)[last]
    return float((np.diff(found, prepend=0) * found / (last + 1)).sum() / found[-1])
