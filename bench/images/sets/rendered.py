"""Data sets that are made here: a folder of pictures with an index, whole or not at all, or pictures one by one."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.survey import pixel_digest
from results.atomic_files import abandoned, write_atomically

INDEX = "index.csv"  # written last: a folder without it is not read
COLUMNS = "file,label,sha256\n"
PICTURE = re.compile(r"([0-9]{5})-([0-9a-f]{64})\.webp")  # number and pixel digest


def make_folder(folder: Path, pictures: Callable[[Path], Iterable[str]]) -> None:
    """Make the folder unless it is there; `pictures` saves them into the folder it is given and yields `line`s.

    A folder is made aside and renamed, so that a run that is killed leaves none that could be measured. Raises
    UserError where there is no room.
    """
    if is_made(folder):
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
        if not is_made(folder):  # else another process was faster
            raise _no_room(folder.parent, error) from None
    finally:
        if aside:
            shutil.rmtree(aside, ignore_errors=True)


def is_made(folder: Path) -> bool:
    return (folder / INDEX).exists()


def make_pictures(
    folder: Path, numbers: Sequence[int], draw: Callable[[Sequence[int]], Iterable[None]]
) -> Mapping[int, tuple[Path, str]]:
    """The pictures of these numbers, each with its pixel digest; `draw` keeps those that are not there yet.

    Each is whole or not there, whoever else draws them or is killed. Raises UserError where there is no room.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in abandoned(folder.glob(".*")):
            left.unlink(missing_ok=True)
        found = dict(_pictures(folder))
        if missing := [number for number in numbers if number not in found]:
            for _ in draw(missing):
                pass
            found = dict(_pictures(folder))
        return {number: found[number] for number in numbers}
    except OSError as error:
        raise _no_room(folder, error) from None


def keep_picture(folder: Path, number: int, image: Image.Image) -> None:
    """Write one of a folder's pictures, lossless. Raises OSError."""
    content = BytesIO()
    image.save(content, "webp", lossless=True, method=1, quality=20)  # half of PNG's size, twice as fast
    write_atomically(folder / f"{number:05d}-{pixel_digest(image)}.webp", content.getbuffer())


def _pictures(folder: Path) -> Iterator[tuple[int, tuple[Path, str]]]:
    for path in folder.iterdir():
        if match := PICTURE.fullmatch(path.name):
            yield int(match[1]), (path, match[2])


def _no_room(folder: Path, error: OSError) -> UserError:
    return UserError(
        f"pictures cannot be written to {folder}: {error.strerror or error}; "
        "free space, or set XDG_CACHE_HOME to another folder"
    )


def line(name: str, label: int, image: Image.Image) -> str:
    """What the index says of a picture."""
    return f"{name},{label},{pixel_digest(image)}\n"


def read_made(folder: Path, name: str, classes: tuple[str, ...]) -> Images:
    """The pictures of a folder that `make_folder` made, in its order."""
    rows = [row.split(",") for row in (folder / INDEX).read_text().splitlines()[1:]]
    names, numbers, digests = zip(*rows, strict=True)
    return Images(
        name=name,
        sources=tuple(folder / each for each in names),
        ids=tuple(Path(each).stem for each in names),
        labels=np.array(numbers, dtype=np.int64),
        classes=classes,
        total=len(names),
        pixel_digests=digests,
    )
