"""Pascal VOC as its challenges of classification and action have it: several labels an image, or a person in one."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images, distinct
from bench.images.sets.voc import CLASSES, annotation_of, box_of, unpacked_in
from bench.images.sets.voc_lists import Listed, parts_in, read_lists, read_unlabelled, said_of_parts, said_of_sizes
from bench.progress import progress
from protocols.view import Box

ACTIONS = (
    *("jumping", "phoning", "playinginstrument", "reading", "ridingbike", "ridinghorse"),
    *("running", "takingphoto", "usingcomputer", "walking"),
)
SIZES = {  # images of classification, as published; 2012's test images have no labels
    "2007": {"train": 2501, "val": 2510, "test": 4952},
    "2012": {"train": 5717, "val": 5823, "test": 10991},
}
ARCHIVES = {"2007": "VOCtrainval_06-Nov-2007.tar", "2012": "VOCtrainval_11-May-2012.tar"}


def read_classification(year: str, folder: Path, part: str, duplicates: bool = False) -> Images:
    """The images of a part with the classes of objects that are in them; difficult ones count neither way.

    `folder` holds `VOCdevkit/VOC<year>`; with `duplicates`, images that the lists name twice count twice. Raises
    UserError and OSError.
    """
    root = _root(folder, year)
    lists = root / "ImageSets" / "Main"
    notes = said_of_parts(lists, CLASSES, words=1) if part == "val" else ()
    return _photographs(year, root, part, read_lists(lists, CLASSES, part, words=1), duplicates, notes)


def read_unlabelled_classification(year: str, folder: Path) -> Images:
    """The test images where their labels are kept back, each in no class. Raises UserError and OSError."""
    root = _root(folder, year)
    return _photographs(year, root, "test", read_unlabelled(root / "ImageSets" / "Main", CLASSES, words=1))


def _photographs(
    year: str, root: Path, part: str, listed: Listed, duplicates: bool = False, notes: tuple[str, ...] = ()
) -> Images:
    lists, (names, labels) = root / "ImageSets" / "Main", listed
    paths = _paths(root, [name for (name,) in names])
    again = _again(lists, names, part, duplicates)
    ids = distinct([name for (name,) in names])
    size = said_of_sizes(part, len(set(names)), SIZES[year].get(part))
    nothing = np.zeros(len(ids), dtype=np.int64)
    said = (*size, *again, *notes)
    return Images(f"voc{year}-cls/{part}", paths, ids, nothing, CLASSES, len(ids), notes=said, multi=labels)


def read_action(folder: Path, part: str, duplicates: bool = False) -> Images:
    """The persons of a part with what they do: `2010_006215#1` is the first object of an image, the box around it.

    Those who do something else are there, in no class. Otherwise as read_classification. Raises UserError and OSError.
    """
    root = _root(folder, "2012")
    lists = root / "ImageSets" / "Action"
    notes = said_of_parts(lists, ACTIONS, words=2) if part == "val" else ()
    return _persons(root, part, read_lists(lists, ACTIONS, part, words=2), duplicates, notes)


def read_unlabelled_action(folder: Path) -> Images:
    """The persons to test on where their labels are kept back, each in no class. Raises UserError and OSError."""
    root = _root(folder, "2012")
    return _persons(root, "test", read_unlabelled(root / "ImageSets" / "Action", ACTIONS, words=2))


def _persons(root: Path, part: str, listed: Listed, duplicates: bool = False, notes: tuple[str, ...] = ()) -> Images:
    lists, (found, labels) = root / "ImageSets" / "Action", listed
    paths = _paths(root, [name for name, _ in found])
    again = _again(lists, found, part, duplicates)
    ids = distinct([f"{name}#{int(number)}" for name, number in found])
    boxes = tuple(
        _person(root / "Annotations" / f"{name}.xml", int(number))
        for name, number in progress(found, len(found), f"reading voc2012-action/{part}")
    )
    nothing = np.zeros(len(ids), dtype=np.int64)
    name, said = f"voc2012-action/{part}", (*again, *notes)
    return Images(name, paths, ids, nothing, ACTIONS, len(ids), boxes=boxes, notes=said, multi=labels)


def parts_of_classification(year: str, folder: Path) -> tuple[str, ...]:
    """The parts whose labels are there. Raises UserError and OSError."""
    return parts_in(_root(folder, year) / "ImageSets" / "Main", CLASSES, words=1)


def parts_of_action(folder: Path) -> tuple[str, ...]:
    """The parts whose labels are there. Raises UserError and OSError."""
    return parts_in(_root(folder, "2012") / "ImageSets" / "Action", ACTIONS, words=2)


def _root(folder: Path, year: str) -> Path:
    root = unpacked_in(folder, year) / "VOCdevkit" / f"VOC{year}"
    if not root.is_dir():
        raise UserError(
            f"data {str(folder)!r}: no VOCdevkit/VOC{year} in it; give the folder that {ARCHIVES[year]} was unpacked in"
        )
    return root


def _paths(root: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Raises UserError for images that are not there."""
    paths = tuple(root / "JPEGImages" / f"{name}.jpg" for name in names)
    missing = [path for path in dict.fromkeys(paths) if not path.is_file()]
    if missing:
        raise UserError(
            f"data {str(root)!r}: {len(missing)} of the lists' images are not there, first {str(missing[0])!r}; unpack "
            "the set again"
        )
    return paths


def _again(lists: Path, examples: Sequence[tuple[str, ...]], part: str, duplicates: bool) -> tuple[str, ...]:
    """What to say of examples that the lists name twice. Raises UserError for them without `duplicates`."""
    twice = [" ".join(example) for example, count in Counter(examples).items() if count > 1]
    if twice and not duplicates:
        raise UserError(
            f"data {str(lists)!r}: the lists of {part} name {twice[0]!r} twice ({len(twice)} of them); leave one line "
            "each, or give --allow-duplicates"
        )
    more = len(examples) - len(set(examples))
    return (f"{part}: {more} of them count again (--allow-duplicates): {twice[0]!r}",) if twice else ()


def _person(file: Path, number: int) -> Box:
    """The box of object `number`, from 1. Raises UserError for what is no person, and OSError."""
    with annotation_of(file, "2012") as annotation:
        width, height = (int(annotation["size"][side]) for side in ("width", "height"))
        things = annotation["object"]
        if number > len(things):
            raise ValueError(f"it has {len(things)} objects, no object {number}")
        thing = things[number - 1]
        if thing["name"] != "person":
            raise ValueError(f"its object {number} is {thing['name']!r}, no person")
        return box_of(_in_pixels(thing["bndbox"], width, height), width, height)


def _in_pixels(corners: dict[str, Any], width: int, height: int) -> dict[str, int]:
    """Corners of 2012, some of which are between pixels, or a pixel outside."""
    most = {"xmin": width, "xmax": width, "ymin": height, "ymax": height}
    return {side: min(max(round(float(corners[side])), 1), most[side]) for side in most}
