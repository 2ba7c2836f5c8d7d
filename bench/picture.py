"""Image files from anywhere, read by PIL: decoded as it decodes them, or refused."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from PIL import Image

from bench.errors import UserError
from protocols.view import Box, Size

# what classification sets come in; PIL would run another program for EPS, and take any bytes for some old formats
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "JPEG2000", "AVIF")
MOST_PIXELS = 1 << 26  # of a file, 67 million: decoding takes up to 12 bytes for each
MOST_ELONGATED = 16  # longer side by shorter one: how large an image can become when its shorter side is Q


class UndecodableError(Exception):
    """The file itself is at fault: reading it again will not help."""


DECODE_ERRORS = (OSError, UndecodableError)


@contextmanager
def opened(path: Path, box: Box | None = None) -> Iterator[Image.Image]:
    """An image file with its header read, its pixels not yet.

    Raises UndecodableError where it is no image or too large, OSError where it cannot be read, and UserError for a box
    outside.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device may never end
        raise UndecodableError("no file")
    with _guarded():
        image = Image.open(path, formats=_formats())
    with image:
        if box and (box.right > image.width or box.bottom > image.height):
            raise UserError(
                f"image '{path}' is {image.width}x{image.height}, but a box in it is {tuple(box)}; "
                "give the images that the boxes were drawn for"
            )
        if image.width * image.height > MOST_PIXELS or not _fit(_size(image, box)):
            raise UndecodableError("too large")
        yield image


def read(path: Path, box: Box | None = None) -> Image.Image:
    """The file, or a box of it, as an RGB image by PIL's rules; EXIF orientation is not applied.

    Raises what `opened` raises.
    """
    with opened(path, box) as image:
        return converted(image, box)


def converted(image: Image.Image, box: Box | None) -> Image.Image:
    """An opened image, or a box of it, in RGB. Raises UndecodableError, and OSError where it cannot be read."""
    with _guarded():
        return (image.crop(box) if box else image).convert("RGB")


def size_in(path: Path, box: Box | None) -> Size:
    """From the box or the file's header alone. Raises what `opened` raises."""
    with opened(path, box) as image:
        return _size(image, box)


def _size(image: Image.Image, box: Box | None) -> Size:
    return Size(box.right - box.left, box.bottom - box.top) if box else Size(*image.size)


def _fit(size: Size) -> bool:
    """To be rescaled."""
    return 0 < max(size) <= MOST_ELONGATED * min(size)


@cache
def _formats() -> tuple[str, ...]:
    """Those that this PIL was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def _guarded() -> Iterator[None]:
    """PIL's decoders raise nearly any type at a broken file; only the system's own errors have a number."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UndecodableError(str(error)) from None
