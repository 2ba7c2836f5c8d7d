"""Images that only Python knows: PIL images and arrays in memory, or what a data set gives when it is asked."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock

import numpy as np
from PIL import Image

from bench.errors import UserError

ONE_AT_A_TIME = RLock()  # data sets and PIL's open files are not made for threads, and two of ours may share one
ARRAYS = "uint8 arrays (H, W, 3) in RGB or (H, W)"
NO_TRANSFORM = "give the data set without its transform: the protocols rescale and crop themselves"
DECIDES = ("format", "tag_v2")  # what PIL's copies lack of what says how pixels become RGB


@dataclass(frozen=True, eq=False)
class PythonImage:
    """An image without a file: `fetch` gives it, a PIL image or a uint8 array, and `name` is what it is called."""

    name: str
    fetch: Callable[[], object]

    def __str__(self) -> str:
        return self.name

    def fetched(self) -> Image.Image:
        """As PIL has it, its pixels perhaps not read yet.

        Raises UserError for what is no image, and what `fetch` raises.
        """
        with ONE_AT_A_TIME:
            found = self.fetch()
        check_image(found, self.name)
        return Image.fromarray(found) if isinstance(found, np.ndarray) else found  # type: ignore[return-value]

    def read(self, image: Image.Image) -> Image.Image:
        """A copy of what was fetched, with its pixels, so that nothing happens to the caller's but that it is read.

        Raises UserError where its file was closed before, and what PIL raises.
        """
        with ONE_AT_A_TIME:
            if _closed(image):
                raise UserError(
                    f"image {self.name!r}: its file was closed before its pixels were read; call its load() before "
                    "that, or give the path"
                )
            image.load()
            copy = image.copy()
        for what in DECIDES:
            if hasattr(image, what):
                setattr(copy, what, getattr(image, what))
        return copy


def check_image(found: object, name: str) -> None:
    """Raise UserError for what is neither a PIL image nor an array that is read as one."""
    if isinstance(found, Image.Image):
        return
    if isinstance(found, np.ndarray):
        if found.dtype != np.uint8 or found.ndim not in (2, 3) or found.shape[2:] not in ((), (3,)):
            raise UserError(f"image {name!r} is {described(found)}; give {ARRAYS}, or PIL images")
        if not found.size:
            raise UserError(f"image {name!r} is {described(found)}, without pixels; leave it out")
        return
    if hasattr(found, "shape"):
        remedy = NO_TRANSFORM
    elif isinstance(found, str | os.PathLike):
        remedy = "give all images of a data set as paths, or none"
    else:
        remedy = f"give PIL images, {ARRAYS}, or paths"
    raise UserError(f"image {name!r} is {described(found)}; {remedy}")


def described(found: object) -> str:
    """What something is, in words: its type, and an array's shape and element type."""
    shape = getattr(found, "shape", None)
    kind = f"of type {type(found).__name__}"
    return kind if shape is None else f"{kind}, {tuple(shape)} of {getattr(found, 'dtype', 'unknown elements')}"


def _closed(image: Image.Image) -> bool:
    """Whether pixels are still to be read from a file that is not open any more."""
    file = getattr(image, "fp", None)
    return bool(getattr(image, "tile", None)) and (file is None or getattr(file, "closed", False))
