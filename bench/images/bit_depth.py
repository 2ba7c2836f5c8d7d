"""Grey of more than 8 bits, which PIL's own conversion to RGB makes white, and pixels whose range nobody knows."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from PIL import Image

RULE = "16-bit grey >> 8"  # in the signature of sets that have such images
BITS, WHITE_IS_ZERO, FORMAT = 258, 262, 339  # TIFF's tags: bits of a sample, what 0 means, what a sample is
SIGNED = 2  # of a sample's format
SCALED = ("PNG", "PPM")  # formats whose 16 bits PIL has in mode I; of PPM scaled to 65535, whatever its largest value


def bits(image: Image.Image) -> int:
    """Of a grey sample, where they are more than 8 and its range is known; else 8: PIL converts it as it should be."""
    if image.mode.startswith("I;16"):
        return int(_tags(image).get(BITS, (16,))[0])  # 12 in some TIFFs, which PIL leaves as they are
    return 16 if image.mode == "I" and image.format in SCALED else 8


def levels(image: Image.Image) -> Sequence[int] | None:
    """For grey of more than 8 bits the level, 0..255, of each of 65,536 values; None for other images.

    The highest 8 bits, which is what PIL, libpng, OpenCV and torchvision take of 16-bit colour: black stays black,
    white white, and 8 bits that were made 16 by any usual rule come back.
    """
    depth = bits(image)
    return None if depth == 8 else _highest(depth, inverted=_tags(image).get(WHITE_IS_ZERO) == 0)


def rangeless(image: Image.Image) -> str | None:
    """What an opened image's pixels are, if nobody knows which values stand for black and white."""
    if image.mode == "F":
        return "floating-point pixels"
    if image.mode == "I" and bits(image) == 8:
        return "32-bit or signed pixels"
    return "signed pixels" if SIGNED in _tags(image).get(FORMAT, ()) else None


@cache
def _highest(depth: int, inverted: bool) -> tuple[int, ...]:
    found = (min(value >> depth - 8, 255) for value in range(1 << 16))
    return tuple(255 - level for level in found) if inverted else tuple(found)  # PIL inverts 8 bits, but not 16


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})
