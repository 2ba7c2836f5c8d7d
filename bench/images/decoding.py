"""Images from anywhere, files above all, read by PIL: decoded as it decodes them, or refused."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import IO

from PIL import Image, UnidentifiedImageError

from bench.errors import UserError
from bench.images.bit_depth import levels, rangeless
from bench.images.image_source import EnclosedImage, Encoded, Source
from bench.images.limits import MOST_BYTES, MOST_MEMORY, elongated, memory, too_many_scans, too_many_values
from bench.images.memory_budget import Room
from bench.images.orientation import orientation, turn, turned
from bench.images.python_image import PythonImage
from protocols.view import Box, Size

# what classification sets come in; PIL would run another program for EPS, and take any bytes for some old formats
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "JPEG2000", "AVIF")
WEAK = {"BMP", "PPM"}  # known by two letters, which a text may begin with
HEAD = 32  # bytes by which the others are known
# what is wrong with the file itself; a failing disk, a lost network or a right that has ended have other numbers
LASTING = (errno.EISDIR, errno.ELOOP, errno.ENXIO)
ASTRAY = (errno.EINVAL, errno.EOVERFLOW)  # places beyond any file, where a file's contents send the decoder
# in bytes; whoever decodes waits for nobody, so those that have opened a file get their turn
OPENING = Room(MOST_BYTES)
DECODING = Room(MOST_MEMORY)


class UndecodableError(Exception):
    """The image itself is at fault: reading it again will not help. Its text says why."""


class RangelessError(UndecodableError):
    """Nobody knows which of its values stand for black and white."""


class UnreadableError(UserError):
    """A file that cannot be read for now, and `why`, which is lost on the way from a loading process."""

    def __init__(self, text: str, why: str = "") -> None:
        super().__init__(text)
        self.why = why


@contextmanager
def opened(source: Source, box: Box | None = None) -> Iterator[Image.Image]:
    """An image with its header read, a file's pixels not yet, and the memory for them kept free of other images.

    Raises UndecodableError where it is no image, too large or without a range, and UserError for a box outside and for
    what may pass.
    """
    with reading(source):
        if isinstance(source, PythonImage):
            with guarded():
                found = source.fetched()
            with _allowed(source, found, box, 0):
                with guarded():
                    image = source.read(found)
                yield image
        else:
            size = encoded_size(source)
            with (
                OPENING.taken(2 * size),
                encoded(source) as file,
                _open(file) as image,
                _allowed(source, image, box, size),
            ):
                yield image


@contextmanager
def _allowed(source: Source, image: Image.Image, box: Box | None, size: int) -> Iterator[None]:
    """The memory for an image whose header was read, from `size` bytes of a file. Raises what `opened` raises."""
    if box and (box.right > image.width or box.bottom > image.height):
        raise UserError(
            f"image '{source}' is {image.width}x{image.height}, but a box in it is {tuple(box)}; "
            "give the images that the boxes were drawn for"
        )
    with guarded():  # a TIFF's tags may hold anything
        needed = memory(image, size)
        kind = rangeless(image)
    if min(size_of_opened(image, box)) < 1:
        raise UndecodableError("no pixels")
    if needed > MOST_MEMORY:
        raise UndecodableError("too large")
    if kind:
        raise RangelessError(f"{kind} have no known range; convert to 8 bits")
    with DECODING.taken(needed):
        yield


@contextmanager
def reading(source: Source | str) -> Iterator[None]:
    """Tell a file that is at fault, by an UndecodableError, from what a user can mend, by a UserError."""
    try:
        yield
    except OSError as error:
        if error.errno in LASTING:
            raise UndecodableError(str(error.strerror)) from None
        raise _unreadable(source, error.strerror or str(error)) from None
    except MemoryError:
        raise _unreadable(source, "it needs more memory than there is") from None


def _unreadable(source: Source | str, why: str) -> UnreadableError:
    return UnreadableError(f"image '{source}' cannot be read: {why}; mend that and run again", why)


def encoded_size(source: Encoded) -> int:
    """In bytes. Raises UndecodableError for what is no file, or too large a one, and OSError."""
    if isinstance(source, EnclosedImage):
        size = source.size()
    else:
        about = os.stat(source)
        if not stat.S_ISREG(about.st_mode):  # a pipe or a device may never end
            raise UndecodableError("no file")
        size = about.st_size
    if size > MOST_BYTES:
        raise UndecodableError("too large")
    return size


def encoded(source: Encoded) -> IO[bytes]:
    """Its bytes, to be read from the start. Raises UndecodableError and OSError."""
    return BytesIO(source.content()) if isinstance(source, EnclosedImage) else source.open("rb")


def read(source: Source, box: Box | None = None, exif: bool = False) -> Image.Image:
    """The image, or a box of it, in RGB; its EXIF orientation is applied if `exif`.

    Raises what `opened` raises.
    """
    with opened(source, box) as image:
        found = converted(image, box, exif)
        return found.copy() if found is image else found


def converted(image: Image.Image, box: Box | None, exif: bool) -> Image.Image:
    """An opened image, or a box of it, in RGB: the image itself, its pixels read, where that is in RGB already.

    Raises UndecodableError, OSError and MemoryError.
    """
    with guarded():
        number = orientation(image) if exif else 1  # as long as its header alone is read
        table = levels(image)
        part = image.crop(box) if box else image
        if table:
            part = part.convert("I").point(table, "L")
        part.load()
        if part.mode != "RGB":
            part = part.convert("RGB")
        return turn(part, number)


def size_in(source: Source, box: Box | None, exif: bool = False) -> Size:
    """As `read` gives it, from the box or the file's header alone. Raises what `opened` and `rescalable` raise."""
    with opened(source, box) as image:
        size = rescalable(size_of_opened(image, box))
        return turned(size, orientation(image)) if exif else size


def rescalable(size: Size) -> Size:
    """The size of an image that is not too long to be rescaled as a whole. Raises UndecodableError."""
    if elongated(*size):
        raise UndecodableError("too long for its width")
    return size


def _open(file: IO[bytes]) -> Image.Image:
    """Raises UndecodableError, also where the file claims so much that there is no memory for it, and OSError."""
    try:
        with guarded():
            if too_many_values(file):
                raise UndecodableError("too many strips or tiles")
            file.seek(0)
            image = Image.open(file, formats=_formats())
            if too_many_scans(image, file):
                raise UndecodableError("too many scans")
            return image
    except MemoryError:
        raise UndecodableError("too large") from None


def size_of_opened(image: Image.Image, box: Box | None) -> Size:
    """Of the whole image, or of a box of it."""
    return Size(box.right - box.left, box.bottom - box.top) if box else Size(*image.size)


def begins_as_image(source: Encoded) -> bool:
    """Whether a regular file begins as those of a format that is read; one that cannot be opened does, to be named."""
    try:
        with encoded(source) as file:
            head = file.read(HEAD)
            found = {name for name in _formats() if (accept := Image.OPEN[name][1]) and accept(head)}
            if not found <= WEAK:
                return True
            if found:
                _open(file).close()
            return bool(found)
    except UndecodableError:
        return False
    except OSError:
        return True


@cache
def _formats() -> tuple[str, ...]:
    """Those that this PIL was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def guarded() -> Iterator[None]:
    """PIL's decoders raise nearly any type at a broken file; only the system's own errors have a number."""
    try:
        yield
    except (MemoryError, UndecodableError, UserError):
        raise
    except UnidentifiedImageError:
        raise UndecodableError("no image in a format that is read") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, *ASTRAY):
            raise
        raise UndecodableError(str(error)) from None
