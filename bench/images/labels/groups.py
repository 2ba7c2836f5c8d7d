"""Images of a set that are counted in groups as well as together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

CORRUPTION, DETECTION = "corruption", "detection"  # what is measured of groups
OUTSIDE, WITHIN = "outside", "within"  # of all classes


@dataclass(frozen=True)
class Groups:
    """The group of each image, by name; `lacking` says of a group that is not whole what it lacks.

    `measure` is what is measured of them: errors by CORRUPTION, or DETECTION of those OUTSIDE of all classes.
    """

    names: tuple[str, ...]
    lacking: Mapping[str, str] = field(default_factory=dict)
    measure: str = CORRUPTION

    def take(self, indices: Sequence[int]) -> "Groups":
        """Those of some of the images, in the order given."""
        return replace(self, names=tuple(self.names[i] for i in indices))
