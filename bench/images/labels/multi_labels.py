"""Several labels an image: which classes are in it, and which may be, as Pascal VOC has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MultiLabels:
    """The classes of N images, of K: bool, (N, K).

    What is `present` is in the image; what is `difficult` counts neither for nor against the class (VOC's 0), and is
    nowhere present. Raises ValueError for arrays that are not so.
    """

    present: np.ndarray
    difficult: np.ndarray

    def __post_init__(self) -> None:
        two = self.present, self.difficult
        if any(each.ndim != 2 or each.dtype != bool for each in two) or two[0].shape != two[1].shape:
            raise ValueError("present and difficult are to be bool and of one shape, images by classes")
        if (self.present & self.difficult).any():
            raise ValueError("a class is present and difficult at once")

    def take(self, indices: Sequence[int]) -> "MultiLabels":
        """Those of some of the images, in the order given."""
        return MultiLabels(self.present[list(indices)], self.difficult[list(indices)])

    @property
    def lines(self) -> list[str]:
        """Each image's in a word behind a tab, for digests: `+` present, `-` absent, `0` difficult, class by class."""
        marks = np.where(self.present, "+", np.where(self.difficult, "0", "-"))
        return ["\t" + "".join(row) for row in marks]
