"""Several classes of ImageNet that are right for one image, by which it is counted in place of its label."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

RULE = "top-1 is right if the best class is one of them, top-5 if one of them is among the best five"


@dataclass(frozen=True)
class RightLabels:
    """The right classes of each image of a set, as indices of ImageNet's 1000, or where a net has these; of an image
    without any nothing counts.

    `source` says in a word where they are from, for signatures; `said` in a sentence what they are, for the header.
    """

    source: str
    said: str
    classes: tuple[tuple[int, ...], ...]

    @property
    def unlabelled(self) -> int:
        """How many images have none."""
        return sum(not each for each in self.classes)

    @property
    def told(self) -> str:
        """For the header: what they are, and what is left out."""
        left_out = f"; {self.unlabelled} of {len(self.classes)} images have no right label and are left out"
        return self.said + left_out * bool(self.unlabelled)

    def take(self, indices: Sequence[int]) -> "RightLabels":
        """Those of some of the images, in the order given."""
        return replace(self, classes=tuple(self.classes[i] for i in indices))

    def renumbered(self, places: Sequence[int]) -> "RightLabels":
        """With label `places[k]` for label k."""
        return replace(self, classes=tuple(tuple(places[label] for label in each) for each in self.classes))


def digest_of(classes: Sequence[Sequence[int]]) -> str:
    """Twelve hexadecimal digits that say which these are."""
    return hashlib.sha256(json.dumps(classes).encode()).hexdigest()[:12]
