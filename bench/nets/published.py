"""What torchvision says of the weights that it publishes: the pixels that they take, and the side of their crops."""

from functools import cache
from typing import Any

from bench.images.pixels import Pixels

TRANSFORMED = ("GoogLeNet_Weights", "Inception_V3_Weights")
# torchvision builds these two with a transform_input that turns its pixels into these
TRANSFORMED_PIXELS = Pixels("RGB", 1, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def pixels_of(member: Any) -> Pixels:
    """What a member of one of torchvision's weights enumerations takes."""
    if type(member).__name__ in TRANSFORMED:
        return TRANSFORMED_PIXELS
    preset = member.transforms()
    return Pixels("RGB", 1, tuple(preset.mean), tuple(preset.std))


def side_of(member: Any) -> int:
    """Side of the crops, in pixels, that a member is evaluated at."""
    return member.transforms().crop_size[0]


@cache
def usual_pixels(name: str) -> Pixels:
    """What the default weights of one of torchvision's nets take."""
    return pixels_of(_members(name).DEFAULT)


@cache
def usual_side(name: str) -> int:
    """Side of the crops, in pixels, that the default weights of one of torchvision's nets are evaluated at."""
    return side_of(_members(name).DEFAULT)


@cache
def sides(name: str) -> frozenset[int]:
    """The sides that the published weights of one of torchvision's nets are evaluated at."""
    return frozenset(side_of(member) for member in _members(name))


def _members(name: str) -> Any:
    from torchvision import models  # takes seconds, which our own nets do without

    return models.get_model_weights(name)
