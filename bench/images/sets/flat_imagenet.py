"""ImageNet's validation images all in one folder, with their labels in a file or in their names."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from bench.errors import UserError
from bench.images.containers.any_folder import Folder, sources_of
from bench.images.containers.finder import Finder
from bench.images.containers.layout import KAGGLE_PLACE
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.known_images import Order, orders, published_otherwise
from bench.images.labels.relabellings import doubts_of
from bench.images.sets.devkit import ARCHIVE, GROUND_TRUTH, bare_entries, check_known, devkit_file, order_of
from bench.images.sets.list_entries import alike, read_entries
from bench.images.sets.list_lines import Entry
from bench.images.sets.list_tables import COLUMNS, table_of
from bench.images.sets.lists import indices

KAGGLE_LABELS = "LOC_val_solution.csv"
KAGGLE_COLUMNS = (("ImageId", "PredictionString"),)
SYNSETS = "imagenet_2012_validation_synset_labels.txt"  # TensorFlow's: WordNet ids, one a line
LABEL_FILES = ("val.txt", "val_labels.txt", "labels.txt", "val.csv", "labels.csv", KAGGLE_LABELS, SYNSETS)
DEVKIT_ARCHIVE = "ILSVRC2012_devkit_t12.tar.gz"
NAMED = re.compile(r".*_(n[0-9]{8})\.[^.]*", re.DOTALL)  # ILSVRC2012_val_00000001_n01751748.JPEG


class Labelled(NamedTuple):
    """Labels of validation images, int64 (N,), whether they were numbers, and known images told which, and notes."""

    labels: np.ndarray
    counted: bool = False
    told: bool = False
    notes: tuple[str, ...] = ()


def read_flat(places: Sequence[Path], root: Folder, finder: Finder, notes: tuple[str, ...], first: int = 0) -> Images:
    """The images in `root`, with the labels of a file in one of the places, or else of their names.

    Labels that are indices count the sorted WordNet ids from `first`; those of the devkit, its own ids.
    Raises UserError where images and labels do not match, and OSError.
    """
    here = finder.listing(root)
    finder.leave_out(root, [name for name in here.others if not is_label_file(name)])
    paths = [Path(root, name) for name in here.images]
    finder.check_twins(paths)
    found = _labels(places, root, here.images, first)
    for other in published_otherwise(here.images, [wnids()[label] for label in found.labels]):
        raise UserError(f"data {str(root)!r}: {other}; mend the labels, or give list:FILE for labels of your own")
    unsure = found.counted and not found.told and not first
    return Images(
        name="imagenet/val",
        sources=sources_of(root, paths),
        ids=tuple(here.images),
        labels=found.labels,
        classes=wnids(),
        total=len(paths),
        order="number" if found.counted and first else None,
        assumed=frozenset({"class order"} if unsure else ()),
        doubts=doubts_of(found.labels) if unsure else (),
        notes=notes + found.notes + finder.notes(root),
    )


def is_label_file(name: str) -> bool:
    return name in LABEL_FILES or bool(GROUND_TRUTH.fullmatch(name) or ARCHIVE.fullmatch(name))


def _labels(places: Sequence[Path], root: Folder, names: Sequence[str], first: int) -> Labelled:
    if files := _label_files(places):
        file, *others = files
        found = _labels_in(file, names, first)
        unread = ", ".join(other.name for other in others)
        note = (f"labels are read in {file.name}, and not in {unread}",) if others else ()
        return found._replace(notes=found.notes + note)
    named = [match[1] for name in names if (match := NAMED.fullmatch(name)) and match[1] in wnids()]
    if len(named) < len(names):
        raise _no_labels(places[0] if isinstance(root, Path) else root)
    labels = np.array([wnids().index(each) for each in named], dtype=np.int64)
    return Labelled(labels, notes=("labels are the WordNet ids in the images' names",))


def _labels_in(file: Path, names: Sequence[str], first: int) -> Labelled:
    """Labels of the images in `names`, which are just those that the file names. Raises UserError."""
    bare = bare_entries(file)
    entries = _label_entries(file, len(names)) if bare is None else list(alike(file, bare, names=False))
    labels, classes = indices([entry.label for entry in entries])
    order, notes = None, tuple[str, ...]()
    if classes is None:
        order = order_of(file, entries)
        labels = _in_order(file, entries, order, first) if order else _from(file, entries, labels, first)
        usual = order is not None and bare is None and (order.first, order.classes) == (first, wnids())
        notes = () if usual else (f"labels of {file.name} are taken as {_as_which(order, first)}",)
    elif bare is not None:
        check_known(file, entries)
    matched = _matched(file, entries, labels, names)
    return Labelled(np.array(matched, dtype=np.int64), classes is None, order is not None, notes)


def _as_which(order: Order | None, first: int) -> str:
    """As what numbers are taken, and why."""
    if order:
        return f"{order.about}, by known images"
    return f"{orders()[first].about}: none of the images' labels is known"


def _in_order(file: Path, entries: Sequence[Entry], order: Order, first: int) -> np.ndarray:
    """Labels as indices, int64 (N,), of an order that known images tell. Raises UserError."""
    if first > order.first:
        raise UserError(
            f"--labels-from {first}: the labels of {str(file)!r} are {order.about}, by known images; leave it out"
        )
    number = {name: place for place, name in enumerate(wnids())}
    meanings = [order.meaning(int(entry.label)) for entry in entries]
    for entry, meaning in zip(entries, meanings, strict=True):
        if meaning is None:
            raise UserError(
                f"data {str(file)!r}: line {entry.line} has label {entry.label}, but labels are {order.about}, "
                "by known images; mend the line"
            )
    return np.array([number[meaning] for meaning in meanings if meaning], dtype=np.int64)


def _from(file: Path, entries: Sequence[Entry], labels: np.ndarray, first: int) -> np.ndarray:
    """Labels as indices of numbers that count from `first`. Raises UserError for one beyond the classes."""
    labels = labels - first
    outside = np.flatnonzero((labels < 0) | (labels >= len(wnids())))
    if len(outside):
        entry = entries[outside[0]]
        one = "" if first or labels.min() < 1 else "; if they count the sorted ids from 1, give --labels-from 1"
        raise UserError(
            f"data {str(file)!r}: line {entry.line} has label {entry.label}; labels are {first} to "
            f"{len(wnids()) - 1 + first} in the order of the sorted WordNet ids (the devkit's 1 to 1000 are in "
            f"another), or the WordNet ids themselves{one}"
        )
    return labels


def _matched(file: Path, entries: Sequence[Entry], labels: np.ndarray, names: Sequence[str]) -> list[int]:
    """The labels of the images in `names`. Raises UserError where they and the entries are not one to one."""
    label_of = {_stem(entry.path): label for entry, label in zip(entries, labels, strict=True)}
    cut = len(entries) > len(names)
    if len(label_of) < len(entries):
        count = f"{'at least ' * cut}{len(entries) - len(label_of)}"
        raise UserError(f"data {str(file)!r}: {count} images are in it twice; leave one line each")
    stems = [_stem(name) for name in names]
    times = Counter(stems)
    again = [name for name, stem in zip(names, stems, strict=True) if times[stem] > 1]
    _refuse(file, "images differ from others in their endings alone", again)
    missing = sorted(set(label_of) - set(stems))
    _refuse(file, "images have no label", [] if cut else [name for name in names if _stem(name) not in label_of])
    _refuse(file, "labelled images are missing", missing, "at least " * cut)
    return [int(label_of[stem]) for stem in stems]


def _label_files(places: Sequence[Path]) -> list[Path]:
    """Those that are there, the one to be read first."""
    files = [place / name for place in places for name in LABEL_FILES]
    base = places[0]
    if base.match(f"*/{KAGGLE_PLACE}"):
        files.append(base.parents[2] / KAGGLE_LABELS)
    if devkit := devkit_file(places):
        files.append(devkit)
    return [file for file in dict.fromkeys(files) if file.is_file()]


def _no_labels(place: Folder) -> UserError:
    return UserError(
        f"data {str(place)!r}: no label file ({', '.join(LABEL_FILES)}) for the images in it; give val.txt with "
        "lines 'ILSVRC2012_val_00000001.JPEG LABEL' (LABEL a WordNet id, or its index among the sorted ones), Kaggle's "
        f"{KAGGLE_LABELS}, or the devkit, {DEVKIT_ARCHIVE}, packed or not"
    )


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
