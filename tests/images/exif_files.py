"""Images that carry an orientation in their EXIF, and what is said of them."""

import struct
from pathlib import Path

import numpy as np

from bench.images.dataset import Images
from bench.images.orientation import ORIENTATION

NOT_APPLIED = "carry an EXIF orientation, which is not applied (ImageNet's convention); --exif applies it"


def exif(number: int, order: str = "<", kind: int = 3, count: int = 1) -> bytes:
    """As a camera writes it, among other tags."""
    short = struct.pack(order + ("H" if kind in (3, 8) else "L"), number).ljust(4, b"\0")
    entries = struct.pack(order + "HHL", 0x010F, 2, 4) + b"Own\0" + struct.pack(order + "HHL", ORIENTATION, kind, count)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LH", 8, 2)
    return b"Exif\0\0" + start + entries + short + bytes(4)


def images(*paths: Path, exif: bool = False) -> Images:
    names = tuple(path.name for path in paths)
    return Images("x", paths, names, np.zeros(len(paths), int), ("x",), len(paths), exif=exif)
