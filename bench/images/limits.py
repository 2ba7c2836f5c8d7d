"""What an image file may ask for: bytes, memory, parts and passes; known before much is spent on any."""

import re
import struct
from typing import IO, Any

from PIL import Image

MOST_BYTES = 1 << 28  # of a file
MOST_PIXELS = 50_000_000  # of a file in most formats
MOST_ELONGATED = 16  # longer side by shorter one: how large an image can become when its shorter side is Q
MOST_SCANS = 100  # of a JPEG; encoders make about ten
MOST_DIRECTORIES = 16  # of a TIFF, with those inside one another
MOST_VALUES = 1 << 16  # of a TIFF's tag; PIL makes an object or two of each strip's or tile's place
PER_PIXEL = 12  # bytes of memory that decoding takes; at most 12.3, for a progressive JPEG in CMYK
PER_PIXEL_OF = {"JPEG2000": 24, "WEBP": 24, "AVIF": 24}  # at most 24.9, 19.6 and 17
MOST_MEMORY = PER_PIXEL * MOST_PIXELS
LIMITS = (
    f"above {MOST_PIXELS / 1e6:.0f} million pixels, half as many in JPEG 2000, WebP and AVIF, "
    f"{MOST_BYTES / 1e6:.0f} MB, {MOST_SCANS} scans, {MOST_VALUES} strips or tiles, "
    f"or {MOST_ELONGATED} times as long as wide"
)
READ_WHOLE = ("WEBP", "AVIF")
TILE = (322, 323)  # TIFF's tags of a tile's width and height
PLAIN = (1, 2, 7)  # TIFF's types that PIL keeps as bytes or text
DIRECTORIES = (34665, 34853, 40965)  # TIFF's tags of directories within one, which PIL reads with it
ENDIAN = {b"II": "<", b"MM": ">"}
VERSIONS = (b"*\0", b"\0*", b"+\0", b"\0+")
MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd7])", re.DOTALL)  # but those that stand between a scan's bytes


def elongated(width: int, height: int) -> bool:
    """Whether an image, or a box of one, becomes too large when it is rescaled as a whole; a crop of it does not."""
    return max(width, height) > MOST_ELONGATED * min(width, height)


def memory(image: Image.Image, size: int) -> int:
    """Bytes that decoding an opened file of `size` bytes takes, but for a tenth."""
    pixels = image.width * image.height + _tile(image)
    held = 2 * size if image.format in READ_WHOLE else 0
    return PER_PIXEL_OF.get(image.format or "", PER_PIXEL) * pixels + held


def _tile(image: Image.Image) -> int:
    """Pixels of a TIFF's tile, which is decoded as a whole however small the image is."""
    tags: Any = getattr(image, "tag_v2", {})
    return abs(int(tags.get(TILE[0], 0)) * int(tags.get(TILE[1], 0)))


def too_many_values(file: IO[bytes]) -> bool:
    """Whether a TIFF has more of them in a tag than PIL can make objects of, or directories without end."""
    file.seek(0)
    header = file.read(16)
    order, big = ENDIAN.get(header[:2]), header[2:3] == b"+"  # as PIL tells them
    if order is None or header[2:4] not in VERSIONS:
        return False
    number, entry = (order + "Q", order + "HHQQ") if big else (order + "H", order + "HHLL")
    (first,) = struct.unpack_from(order + "Q", header, 8) if big else struct.unpack_from(order + "L", header, 4)
    found = [first]
    for directory in found:
        file.seek(directory)
        (count,) = struct.unpack(number, file.read(struct.calcsize(number)))
        for _ in range(count):
            tag, kind, values, place = struct.unpack(entry, file.read(struct.calcsize(entry)))
            if values > MOST_VALUES and kind not in PLAIN:
                return True
            if tag in DIRECTORIES and place not in found:
                found.append(place)
            if len(found) > MOST_DIRECTORIES:
                return True
    return False


def too_many_scans(image: Image.Image, file: IO[bytes]) -> bool:
    """Whether decoding a JPEG takes more passes; only one that takes several is read for that."""
    if image.format != "MPO" and (image.format != "JPEG" or _in_one_scan(image, file)):
        return False
    file.seek(2)
    content = file.read()
    count = position = 0
    while count <= MOST_SCANS and (found := MARKER.search(content, position)) and found[1] != b"\xd9":  # the end
        count += found[1] == b"\xda"
        position = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    return count > MOST_SCANS


def _in_one_scan(image: Any, file: IO[bytes]) -> bool:
    """Whether the scan whose header PIL has just read holds all of the pixels."""
    length = 6 + 2 * image.layers
    file.seek(max(0, file.tell() - length))
    return "progressive" not in image.info and file.read(3) == bytes([0, length, image.layers])
