"""Data sets that are made here, picture by picture: a folder of pictures with an index, kept whole or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from bench.data import Images
from bench.errors import UserError
from results.aside import abandoned

INDEX = "index.csv"  # written last: a folder without it is not read
COLUMNS = "file,label,sha256\n"


def make_folder(folder: Path, pictures: Callable[[Path], Iterable[str]]) -> None:
    """Make the folder unless it is there; `pictures` saves them into the folder it is given and yields `line`s.

    A folder is made aside and renamed, so that a run that is killed leaves none that could be measured. Raises
    UserError where there is no room.
    """
    if (folder / INDEX).exists():
        return
    aside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in abandoned(folder.parent.glob(f"{folder.name}-{'[a-z0-9_]' * 8}")):
            shutil.rmtree(left, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
        (aside / INDEX).write_text(COLUMNS + "".join(pictures(aside)))
        aside.rename(folder)
    except OSError as error:
        if not (folder / INDEX).exists():  # else another process was faster
            raise UserError(
                f"pictures cannot be written to {folder.parent}: {error.strerror or error}; "
                "free space, or set XDG_CACHE_HOME to another folder"
            ) from None
    finally:
        if aside:
            shutil.rmtree(aside, ignore_errors=True)


def line(name: str, label: int, image: Image.Image) -> str:
    """What the index says of a picture."""
    return f"{name},{label},{pixel_digest(image)}\n"


def pixel_digest(image: Image.Image) -> str:
    """SHA-256 of size and pixels: files of other encoders than ours still give the same digest."""
    return hashlib.sha256(f"{image.width}x{image.height}".encode() + image.tobytes()).hexdigest()


def read_made(folder: Path, name: str, classes: tuple[str, ...]) -> Images:
    """The pictures of a folder that `make_folder` made, in its order."""
    rows = [row.split(",") for row in (folder / INDEX).read_text().splitlines()[1:]]
    names, numbers, digests = zip(*rows, strict=True)
    return Images(
        name=name,
        paths=tuple(folder / each for each in names),
        ids=tuple(Path(each).stem for each in names),
        labels=np.array(numbers, dtype=np.int64),
        classes=classes,
        total=len(names),
        pixel_digests=digests,
    )
