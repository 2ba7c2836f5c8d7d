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
    """One look at an image that was rescaled to Q; box None is the whole image.

    What it shows is resized to a square of `side` pixels where that is given.
    """

    Q: int
    box: Box | None
    flip: bool
    side: int | None = None

    def shown(self, image: Size) -> Size:
        """Its own size, where the rescaled image has this one."""
        if self.side is not None:
            return Size(self.side, self.side)
        return Size(self.box.right - self.box.left, self.box.bottom - self.box.top) if self.box else image


def rescaled(size: Size, Q: int, square: bool = False) -> Size:
    """Size after isotropic rescaling: shorter side Q, longer int(Q * long / short), torchvision's rule.

    With `square` it is Q x Q: the image is squashed.
    """
    if square:
        return Size(Q, Q)
    width, height = size
    if width <= height:
        return Size(Q, int(Q * height / width))
    return Size(int(Q * width / height), Q)
