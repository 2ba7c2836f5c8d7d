"""The ways to look at a rescaled image: each gives the views whose posteriors are averaged.

Views may coincide (at Q = 224 the grid has no room along the short side); `Part.views` counts them.
"""

from collections.abc import Callable

from protocols.view import Box, Size, View

GRID = 5  # crops along each side of the multi-crop grid (section 4.3)


def centre(size: Size, Q: int, side: int) -> list[View]:
    """The one crop in the middle, placed by torchvision's rule (half pixels round to even)."""
    return [View(Q, _square(_middle(size.width, side), _middle(size.height, side), side), flip=False)]


def tencrop(size: Size, Q: int, side: int) -> list[View]:
    """Four corners and the centre of the image and of its mirror image, torchvision's ten (Krizhevsky et al., 2012)."""
    places = _corners_and_middle(size, side)
    # where a crop of the mirror image lies in the image itself: an odd remainder moves the centre by a pixel
    mirrored = [(size.width - side - left, top) for left, top in places]
    return [
        View(Q, _square(left, top, side), flip)
        for flip, corners in ((False, places), (True, mirrored))
        for left, top in corners
    ]


def fivecrop(size: Size, Q: int, side: int) -> list[View]:
    """Four corners and the centre, torchvision's five: `tencrop` without mirror images."""
    return [View(Q, _square(left, top, side), flip=False) for left, top in _corners_and_middle(size, side)]


def multicrop(size: Size, Q: int, side: int) -> list[View]:
    """A regular 5x5 grid and its mirror images: 50 views (section 4.3)."""
    lefts, tops = grid_offsets(size.width, side), grid_offsets(size.height, side)
    return _with_flips(Q, [_square(left, top, side) for top in tops for left in lefts])


def multicrop_noflip(size: Size, Q: int, side: int) -> list[View]:
    """The grid of `multicrop` without mirror images: 25 views."""
    return _without_flips(multicrop(size, Q, side))


def dense(size: Size, Q: int, side: int) -> list[View]:
    """The whole image and its mirror image, for the convolutional net (section 3.2)."""
    return _with_flips(Q, [None])


def dense_noflip(size: Size, Q: int, side: int) -> list[View]:
    """The whole image, for the convolutional net, without its mirror image."""
    return _without_flips(dense(size, Q, side))


def squash(size: Size, Q: int, side: int) -> list[View]:
    """All of an image that was made a square."""
    return [View(Q, _square(0, 0, Q), flip=False)]


def googlenet_crops(size: Size, Q: int, side: int) -> list[View]:
    """Three squares: left, middle and right, or top, middle and bottom; 36 views (Szegedy et al., 2014, section 7).

    Of each square, and of its mirror image, the four corners and the middle, and the square itself resized to the
    crops' side.
    """
    short = min(size)
    right, bottom = size.width - short, size.height - short
    squares = [(0, 0), (_middle(size.width, short), _middle(size.height, short)), (right, bottom)]
    ends = (0, short - side)
    inside = [*((left, top) for top in ends for left in ends), (_middle(short, side), _middle(short, side))]
    crops = [_square(x + left, y + top, side) for x, y in squares for left, top in inside]
    wholes = [View(Q, _square(x, y, short), flip, side) for flip in (False, True) for x, y in squares]
    return [*_with_flips(Q, list(crops)), *wholes]


METHODS: dict[str, Callable[[Size, int, int], list[View]]] = {
    "centre": centre,
    "tencrop": tencrop,
    "dense": dense,
    "multicrop": multicrop,
    "published": centre,
    "published-squash": centre,
    "squash": squash,
    "squash-centre": centre,
    "googlenet-crops": googlenet_crops,
    "dense-noflip": dense_noflip,
    "multicrop-noflip": multicrop_noflip,
    "fivecrop": fivecrop,
    "features": dense,
}
WITHOUT_FLIPS = {
    "dense": "dense-noflip",
    "multicrop": "multicrop-noflip",
    "tencrop": "fivecrop",
}  # their straight views
FEATURES = "features"  # what the net's last layer sees, in place of posteriors (appendix B)
WHOLE = ("dense", "dense-noflip", FEATURES)  # their views are whole images
GRIDS = ("multicrop", "multicrop-noflip")  # their views are the crops of a grid
SQUARE = ("published-squash", "squash", "squash-centre")  # their images are squashed to Q x Q


def grid_offsets(length: int, side: int) -> list[int]:
    """Where the grid's crops begin along a side of `length` pixels: round half up of k * (length - side) / 4."""
    steps = GRID - 1
    return [(2 * k * (length - side) + steps) // (2 * steps) for k in range(GRID)]


def _corners_and_middle(size: Size, side: int) -> list[tuple[int, int]]:
    """Left and top of crops, in torchvision's order."""
    right, bottom = size.width - side, size.height - side
    middle = (_middle(size.width, side), _middle(size.height, side))
    return [(0, 0), (right, 0), (0, bottom), (right, bottom), middle]


def _middle(length: int, side: int) -> int:
    return round((length - side) / 2)


def _square(left: int, top: int, side: int) -> Box:
    return Box(left, top, left + side, top + side)


def _with_flips(Q: int, boxes: list[Box | None]) -> list[View]:
    return [View(Q, box, flip) for flip in (False, True) for box in boxes]


def _without_flips(views: list[View]) -> list[View]:
    return [view for view in views if not view.flip]
