"""How a camera was held: the EXIF orientation of an opened image, as PIL's exif_transpose finds and applies it.

PIL would copy every value that EXIF has, and the same bytes may be many values; here one number is read.
"""

import re
import struct
from typing import IO, Any

from PIL import Image

from protocols.view import Size

ORIENTATION = 0x0112
ENDIAN = {b"II": "<", b"MM": ">"}
INTEGERS = {3: "H", 4: "L", 8: "h", 9: "l"}  # EXIF's types
PREFIX = b"Exif\0\0"
XMP = re.compile(rb'tiff:Orientation(="|>)([0-9])')
MOST_CHUNKS = 1 << 16  # of a PNG that are looked through
METHODS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """1 to 8, of a file whose header was read and whose pixels were not; 1 where it says nothing that is understood.

    1 for a TIFF: its orientation is one of the pixels' own tags, which PIL applies as it decodes them.
    """
    if image.format == "TIFF":
        return 1
    found = _of_exif(_exif(image))
    if found is None:
        xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or b""
        match = XMP.search(xmp.encode("utf-8", "replace") if isinstance(xmp, str) else xmp)
        found = int(match[2]) if match else 1
    return found if found in METHODS else 1


def turned_by_decoding(image: Image.Image) -> bool:
    """Whether this is a TIFF that PIL turns as it decodes it, whatever is asked for."""
    return image.format == "TIFF" and getattr(image, "tag_v2", {}).get(ORIENTATION) in METHODS


def turned(size: Size, number: int) -> Size:
    """An image's size when its orientation is applied."""
    return Size(size.height, size.width) if number >= 5 else size


def turn(image: Image.Image, number: int) -> Image.Image:
    """The image with its orientation applied."""
    return image if number == 1 else image.transpose(METHODS[number])


def _exif(image: Image.Image) -> bytes:
    if "exif" in image.info:
        return image.info["exif"]
    if "Raw profile type exif" in image.info:
        try:
            return bytes.fromhex("".join(image.info["Raw profile type exif"].split("\n")[3:]))
        except ValueError:
            return b""
    file: Any = getattr(image, "fp", None)
    return _behind_pixels(file) if image.format == "PNG" and file else b""


def _behind_pixels(file: IO[bytes]) -> bytes:
    """EXIF that a PNG has after its pixels, as some programs add it: PIL sees it when these are read."""
    place = file.tell()
    try:
        file.seek(8)
        for _ in range(MOST_CHUNKS):
            length, kind = struct.unpack(">L4s", file.read(8))
            if kind == b"eXIf":
                return file.read(length)
            file.seek(length + 4, 1)
    except struct.error:  # the end
        pass
    finally:
        file.seek(place)
    return b""


def _of_exif(exif: bytes) -> int | None:
    """The first directory's orientation; None where there is none, or nothing that holds together."""
    found = None
    start = len(PREFIX) * (exif.startswith(PREFIX) + exif.startswith(2 * PREFIX))
    order = ENDIAN.get(exif[start : start + 2])
    if order is None or exif[start + 2 : start + 4] not in (b"*\0", b"\0*"):
        return None
    try:
        (directory,) = struct.unpack_from(order + "L", exif, start + 4)
        (count,) = struct.unpack_from(order + "H", exif, start + directory)
        for k in range(count):
            entry = start + directory + 2 + 12 * k
            tag, kind, values = struct.unpack_from(order + "HHL", exif, entry)
            if tag == ORIENTATION and values == 1 and kind in INTEGERS:
                (found,) = struct.unpack_from(order + INTEGERS[kind], exif, entry + 8)
    except struct.error:  # it is cut short
        pass
    return found
