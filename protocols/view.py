"""What a net looks at: a rectangle of the rescaled image, or all of it, perhaps mirrored."""

from typing import NamedTuple


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Box(NamedTuple):
    """A rectangle in pixels, a view's in those of the rescaled image; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int


class View(NamedTuple):
    """One look at an image whose shorter side was rescaled to Q; box None is the whole image."""

    Q: int
    box: Box | None
    flip: bool


def rescaled(size: Size, Q: int) -> Size:
    """Size after isotropic rescaling: shorter side Q, longer int(Q * long / short), torchvision's rule."""
    width, height = size
    if width <= height:
        return Size(Q, int(Q * height / width))
    return Size(int(Q * width / height), Q)
