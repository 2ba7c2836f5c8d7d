"""Cats against dogs as Kaggle hands them out: one folder of `cat.0.jpg` and `dog.0.jpg`, or class folders."""

from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.containers.finder import Finder, Listing
from bench.images.containers.layout import archives, named_training
from bench.images.dataset import Images
from bench.images.sets.folder import read_folder, read_whole, require

CLASSES = ("cat", "dog")


def read_catsdogs(folder: Path, split: str, duplicates: bool = False) -> Images:
    """Kaggle's images, which are all in one part, as the split `val`; or the split of a folder of class folders.

    With `duplicates`, images that links show twice count twice. Raises UserError and OSError.
    """
    flat = _flat(folder, duplicates)
    if flat is None:
        return read_folder(folder, split, duplicates)
    if split != "val":
        raise UserError(f"data {str(folder)!r}: it has no split {split!r}; give --split 0.2 to make parts of it")
    return flat


def read_all_catsdogs(folder: Path, duplicates: bool = False) -> Images:
    """All images, of which `--split` makes parts. Raises UserError and OSError."""
    return _flat(folder, duplicates) or read_whole(folder, duplicates)


def _flat(folder: Path, duplicates: bool) -> Images | None:
    """The images of `folder/train` or `folder`, or of the one folder in these; None where these hold class folders."""
    require(folder)
    finder = Finder(duplicates)
    root = folder
    here = finder.listing(root)
    while inner := _within(here):
        root = root / inner
        here = finder.listing(root)
    if here.folders:
        return None
    strange = [name for name in here.images if name.partition(".")[0] not in CLASSES]
    if strange and root.name != "train" and root != folder:
        return None
    if strange or not here.images:
        what = (
            f"{strange[0]!r} is neither cat.N.jpg nor dog.N.jpg"
            if strange
            else f"no image in it{archives(here.others)}"
        )
        raise UserError(f"data {str(root)!r}: {what}; give Kaggle's train/, or a folder with one folder per class")
    paths = tuple(root / name for name in here.images)
    finder.check_twins(paths)
    finder.leave_out(root, here.others)
    return Images(
        name=f"catsdogs:{folder.name}",
        sources=paths,
        ids=tuple(here.images),
        labels=np.array([CLASSES.index(name.partition(".")[0]) for name in here.images]),
        classes=CLASSES,
        total=len(paths),
        notes=named_training(root) + finder.notes(root),
    )


def _within(here: Listing) -> str | None:
    """Which folder to look into: Kaggle's `train`, or the only one where there are no images."""
    if "train" in here.folders:
        return "train"
    return here.folders[0] if len(here.folders) == 1 and not here.images else None
