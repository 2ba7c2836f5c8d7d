"""Images of no class at all, told from others by how unsure a net is: the area under the precision-recall curve."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from results.average_precision import average_precision


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
