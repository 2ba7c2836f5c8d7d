"""ImageNet's validation images all in one folder, with their labels in a file or in their names."""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from bench.errors import UserError
from bench.images.classes import wnids
from bench.images.dataset import Images
from bench.images.files import Finder
from bench.images.layout import KAGGLE_PLACE
from bench.images.relabellings import doubts_of
from bench.images.sets.list_entries import COLUMNS, Entry, alike, read_entries, table_of
from bench.images.sets.lists import indices

KAGGLE_LABELS = "LOC_val_solution.csv"
KAGGLE_COLUMNS = (("ImageId", "PredictionString"),)
LABEL_FILES = ("val.txt", "val_labels.txt", "labels.txt", "val.csv", "labels.csv", KAGGLE_LABELS)
DEVKIT_LABELS = "ILSVRC2012_validation_ground_truth.txt"
NAMED = re.compile(r".*_(n[0-9]{8})\.[^.]*", re.DOTALL)  # ILSVRC2012_val_00000001_n01751748.JPEG


def read_flat(places: Sequence[Path], root: Path, finder: Finder, notes: tuple[str, ...], first: int = 0) -> Images:
    """The images in `root`, with the labels of a file in one of the places, or else of their names.

    Labels that are indices count the sorted WordNet ids from `first`.
    Raises UserError where images and labels do not match, and OSError.
    """
    here = finder.listing(root)
    finder.leave_out(root, [name for name in here.others if name not in (*LABEL_FILES, DEVKIT_LABELS)])
    named = [match[1] for name in here.images if (match := NAMED.fullmatch(name)) and match[1] in wnids()]
    file = _label_file(places)
    if file is None and len(named) < len(here.images):
        raise _no_labels(places)
    labels, counted = _labels_in(file, here.images, first) if file else ([wnids().index(each) for each in named], False)
    paths = tuple(root / name for name in here.images)
    finder.check_twins(paths)
    return Images(
        name="imagenet/val",
        sources=paths,
        ids=tuple(here.images),
        labels=np.array(labels, dtype=np.int64),
        classes=wnids(),
        total=len(paths),
        order="number" if counted and first else None,
        doubts=doubts_of(np.array(labels)) if counted and not first else (),
        notes=notes + ("labels are the WordNet ids in the images' names",) * (file is None) + finder.notes(root),
    )


def _labels_in(file: Path, names: Sequence[str], first: int) -> tuple[list[int], bool]:
    """Labels of the images in `names`, which are just those that the file names, and whether these are indices.

    Raises UserError.
    """
    entries = _label_entries(file, len(names))
    labels, classes = indices([entry.label for entry in entries])
    labels -= first if classes is None else 0
    outside = np.flatnonzero((labels < 0) | (labels >= len(wnids())))
    if len(outside):
        entry = entries[outside[0]]
        one = "" if first or labels.min() < 1 else "; if they count the sorted ids from 1, give --labels-from 1"
        raise UserError(
            f"data {str(file)!r}: line {entry.line} has label {entry.label}; labels are {first} to "
            f"{len(wnids()) - 1 + first} in the order of the sorted WordNet ids (the devkit's 1 to 1000 are in "
            f"another), or the WordNet ids themselves{one}"
        )
    label_of = {_stem(entry.path): label for entry, label in zip(entries, labels, strict=True)}
    cut = len(entries) > len(names)
    if len(label_of) < len(entries):
        count = f"{'at least ' * cut}{len(entries) - len(label_of)}"
        raise UserError(f"data {str(file)!r}: {count} images are in it twice; leave one line each")
    stems = [_stem(name) for name in names]
    missing = sorted(set(label_of) - set(stems))
    _refuse(file, "images have no label", [] if cut else [name for name in names if _stem(name) not in label_of])
    _refuse(file, "labelled images are missing", missing, "at least " * cut)
    return [int(label_of[stem]) for stem in stems], classes is None


def _label_file(places: Sequence[Path]) -> Path | None:
    files = [place / name for place in places for name in LABEL_FILES]
    base = places[0]
    if base.match(f"*/{KAGGLE_PLACE}"):
        files.append(base.parents[2] / KAGGLE_LABELS)
    return next((file for file in files if file.is_file()), None)


def _no_labels(places: Sequence[Path]) -> UserError:
    advice = (
        "give val.txt with lines 'ILSVRC2012_val_00000001.JPEG LABEL' (LABEL a WordNet id, or its index among the "
        f"sorted ones) or Kaggle's {KAGGLE_LABELS}"
    )
    folder = str(places[0])
    if any((place / DEVKIT_LABELS).is_file() for place in places):
        return UserError(
            f"data {folder!r}: {DEVKIT_LABELS} counts the devkit's class ids 1 to 1000, in another order than the "
            f"weights' classes; {advice}"
        )
    return UserError(f"data {folder!r}: no label file ({', '.join(LABEL_FILES)}) for the images in it; {advice}")


def _label_entries(file: Path, count: int) -> list[Entry]:
    """One more than there are images suffices to tell that images are missing, or twice in it."""
    columns = KAGGLE_COLUMNS if file.name == KAGGLE_LABELS else COLUMNS
    entries = read_entries(file, table_of(file, columns))
    if file.name == KAGGLE_LABELS:  # PredictionString: WordNet id and box, repeated
        entries = (entry._replace(label=entry.label.partition(" ")[0]) for entry in entries)
    return list(islice(alike(file, entries, names=False), count + 1))


def _refuse(file: Path, what: str, names: Sequence[str], least: str = "") -> None:
    if names:
        count = f"{least}{len(names)}"
        raise UserError(f"data {str(file)!r}: {count} {what}, first {names[0]!r}; labels and images must match")


def _stem(path: str) -> str:
    return PurePosixPath(path).stem
