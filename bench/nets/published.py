"""What torchvision says of the weights that it publishes: their pixels, the side of their crops, their figures."""

import hashlib
import math
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bench.images.pixels import Pixels

HASHED = re.compile(r"-([0-9a-f]{8})\.pth$")
PIECE = 1 << 20  # bytes that are read at once
TRANSFORMED = ("GoogLeNet_Weights", "Inception_V3_Weights")
# torchvision builds these two with a transform_input that turns its pixels into these
TRANSFORMED_PIXELS = Pixels("RGB", 1, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class Recipe(NamedTuple):
    """How the makers of weights evaluate them: the rescaled image's side or sides, and what came out.

    With `square` the image is squashed to `resize` x `resize` pixels, else that is its shorter side; then follows the
    centre crop. `top1` and `top5` are errors in % on ILSVRC-2012's validation set, None where nobody says them.
    """

    resize: int
    square: bool = False
    top1: float | None = None
    top5: float | None = None


def recipe_of(member: Any) -> Recipe:
    """How torchvision evaluates a member, and the errors that it publishes."""
    accuracies = member.meta.get("_metrics", {}).get("ImageNet-1K", {})
    top1, top5 = (_error(accuracies.get(f"acc@{k}")) for k in (1, 5))
    return Recipe(member.transforms().resize_size[0], False, top1, top5)


def _error(accuracy: float | None) -> float | None:
    """Accuracy to error in %; weights that are none of a classifier's say NaN."""
    return None if accuracy is None or math.isnan(accuracy) else round(100 - accuracy, 4)


def pixels_of(member: Any) -> Pixels:
    """What a member of one of torchvision's weights enumerations takes."""
    if type(member).__name__ in TRANSFORMED:
        return TRANSFORMED_PIXELS
    preset = member.transforms()
    return Pixels("RGB", 1, tuple(preset.mean), tuple(preset.std), preset.interpolation.value)


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


def member_of(file: Path) -> Any | None:
    """The member that a file holds: torchvision's files are called by the beginning of their SHA-256."""
    named = HASHED.search(file.name)
    if named is None or file.name not in published_files():
        return None
    total = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            total.update(piece)
    return published_files()[file.name] if total.hexdigest().startswith(named[1]) else None


@cache
def published_files() -> dict[str, Any]:
    """torchvision's members by what their files are called."""
    from torchvision import models

    members = [member for name in models.list_models(module=models) for member in models.get_model_weights(name)]
    return {member.url.rpartition("/")[2]: member for member in members}


def _members(name: str) -> Any:
    from torchvision import models  # takes seconds, which our own nets do without

    return models.get_model_weights(name)
