"""Tiny ImageNet's validation images: in one folder, with their WordNet ids in `val_annotations.txt` beside it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.containers.finder import Finder, folders_in
from bench.images.dataset import Images

FILE = "val_annotations.txt"


def annotated(folder: Path) -> bool:
    """Whether a folder is Tiny ImageNet's, or its `val`, as handed out: images in one folder, not sorted by class."""
    return any((place / FILE).is_file() and folders_in(place) == ["images"] for place in (folder / "val", folder))


def read_annotated(folder: Path, name: str, notes: tuple[str, ...] = (), duplicates: bool = False) -> Images:
    """The images with the labels that the annotations give them; classes are their WordNet ids, sorted.

    Raises UserError where images and annotations do not match, and OSError.
    """
    val = folder / "val" if (folder / "val" / FILE).is_file() else folder
    labels = _labels(val / FILE)
    finder = Finder(duplicates)
    names = finder.listing(val / "images").images
    _match(val / FILE, "images have no label", sorted(set(names) - set(labels)))
    _match(val / FILE, "labelled images are missing", sorted(set(labels) - set(names)))
    paths = tuple(val / "images" / each for each in names)
    finder.check_twins(paths)
    classes = tuple(sorted(set(labels.values())))
    return Images(
        name=name,
        sources=paths,
        ids=tuple(names),
        labels=np.array([classes.index(labels[each]) for each in names], dtype=np.int64),
        classes=classes,
        total=len(names),
        notes=(*notes, f"Tiny ImageNet: labels are those of val/{FILE}", *finder.notes(val)),
    )


def _labels(file: Path) -> dict[str, str]:
    """WordNet ids by file name; behind them stand four numbers, a box."""
    labels: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="surrogateescape").splitlines(), start=1):
        name, *more = line.split("\t")
        if not line.strip():
            continue
        if not more or not more[0].startswith("n") or name in labels:
            raise UserError(
                f"data {str(file)!r}: line {number} is {line[:100]!r}; each image has one line "
                "'val_0.JPEG n03444034 0 32 44 62', with tabs between; unpack it again"
            )
        labels[name] = more[0].strip()
    return labels


def _match(file: Path, what: str, names: Sequence[str]) -> None:
    if names:
        raise UserError(
            f"data {str(file)!r}: {len(names)} {what}, first {names[0]!r}; unpack tiny-imagenet-200.zip again"
        )
