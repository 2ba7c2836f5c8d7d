"""Cats against dogs as Kaggle hands them out: one folder of `cat.0.jpg` and `dog.0.jpg`, or class folders."""

from pathlib import Path

import numpy as np

from bench.data import Images
from bench.errors import UserError
from bench.folder import listing, read_folder, read_whole, require

CLASSES = ("cat", "dog")


def read_catsdogs(folder: Path, split: str) -> Images:
    """Kaggle's images, which are all in one part, as the split `val`; or the split of a folder of class folders.

    Raises UserError and OSError.
    """
    flat = _flat(folder)
    if flat is None:
        return read_folder(folder, split)
    if split != "val":
        raise UserError(f"data {str(folder)!r}: it has no split {split!r}; give --split 0.2 to make parts of it")
    return flat


def read_all_catsdogs(folder: Path) -> Images:
    """All images, of which `--split` makes parts. Raises UserError and OSError."""
    return _flat(folder) or read_whole(folder)


def _flat(folder: Path) -> Images | None:
    """The images of `folder/train` or `folder`; None where these hold folders."""
    require(folder)
    root = folder / "train" if (folder / "train").is_dir() else folder
    folders, names = listing(root)
    if folders:
        return None
    strange = [name for name in names if name.partition(".")[0] not in CLASSES]
    if strange or not names:
        what = f"{strange[0]!r} is neither cat.N.jpg nor dog.N.jpg" if strange else "no image in it"
        raise UserError(f"data {str(root)!r}: {what}; give Kaggle's train/, or a folder with one folder per class")
    return Images(
        name=f"catsdogs:{folder.name}",
        paths=tuple(root / name for name in names),
        ids=tuple(names),
        labels=np.array([CLASSES.index(name.partition(".")[0]) for name in names]),
        classes=CLASSES,
        total=len(names),
    )
