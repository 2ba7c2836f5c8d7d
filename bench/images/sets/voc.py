"""Pascal VOC 2007, for classification: every annotated object is an image, the box around it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError, parse

import numpy as np

from bench.errors import UserError
from bench.images.containers.finder import folders_in
from bench.images.dataset import Images, distinct
from bench.progress import progress
from protocols.view import Box

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
SIZES = {"train": 2501, "val": 2510}  # images, as published
LISTS = (*SIZES, "trainval", "test")
LABELS = {name: label for label, name in enumerate(CLASSES)}


class Thing(NamedTuple):
    """An annotated object: `000005#2` is the second of image 000005, those marked difficult counted."""

    name: str
    label: int
    box: Box


def read_voc2007(folder: Path, split: str, duplicates: bool = False) -> Images:
    """The objects of a split, in the split's order, without those marked difficult, as the challenge leaves them out.

    `folder` holds `VOCdevkit/VOC2007`; with `duplicates`, images that a list names twice count twice. Raises UserError
    and OSError.
    """
    from torchvision.datasets import VOCDetection

    folder = unpacked_in(folder, "2007")
    try:
        found = VOCDetection(str(folder), "2007", split)
    except RuntimeError:
        raise UserError(
            f"data {str(folder)!r}: no VOCdevkit/VOC2007 in it; give the folder that VOCtrainval_06-Nov-2007.tar was "
            "unpacked in"
        ) from None
    root = folder / "VOCdevkit" / "VOC2007"
    _require_whole_lists(root)
    again = _again(found, root / "ImageSets" / "Main" / f"{split}.txt", duplicates)
    paths: list[Path] = []
    things: list[Thing] = []
    pairs = zip(found.images, found.annotations, strict=True)
    for path, annotation in progress(pairs, len(found), f"reading voc2007/{split}"):
        here = _things(Path(annotation))
        things += here
        paths += [Path(path)] * len(here)
    if not things:
        raise UserError(f"data {str(folder)!r}: no object in split {split}; unpack VOC 2007 again")
    names, labels, boxes = zip(*things, strict=True)
    cut = f"{split}.txt names {len(found)} images; that of VOC 2007 has {SIZES[split]}"
    notes = (cut,) * (len(found) != SIZES[split]) + again
    ids = distinct(names)
    return Images(
        f"voc2007/{split}", tuple(paths), ids, np.array(labels), CLASSES, len(names), boxes=boxes, notes=notes
    )


def unpacked_in(folder: Path, year: str) -> Path:
    """The folder that holds VOCdevkit: this one, or one in it that holds nothing else."""
    place = folder
    while not (place / "VOCdevkit" / f"VOC{year}").is_dir():
        inside = folders_in(place)
        if len(inside) != 1:
            return folder
        place = place / inside[0]
    return place


def _again(found: Any, file: Path, duplicates: bool) -> tuple[str, ...]:
    """What to say of images that the list names twice. Raises UserError for them without `duplicates`."""
    seen = Counter(Path(image).stem for image in found.images)
    twice = [name for name, count in seen.items() if count > 1]
    if twice and not duplicates:
        raise UserError(
            f"data {str(file)!r}: it names {twice[0]!r} twice ({len(twice)} images); leave one line each, or give "
            "--allow-duplicates"
        )
    return (f"{len(found) - len(seen)} images count again (--allow-duplicates): {twice[0]!r}",) if twice else ()


def _require_whole_lists(root: Path) -> None:
    """Raise UserError where annotated images are in no list, as where one was cut short."""
    lists = sorted((root / "ImageSets" / "Main").glob("[tv]*.txt"))
    listed = {name for file in lists if file.stem in LISTS for name in file.read_text(errors="replace").split()}
    left = sorted({file.stem for file in (root / "Annotations").glob("*.xml")} - listed)
    if left:
        raise UserError(
            f"data {str(root)!r}: {len(left)} annotated images are in no list of ImageSets/Main, first {left[0]!r}; a "
            "list was cut short, unpack VOC 2007 again, or remove their annotations"
        )


def _things(file: Path) -> list[Thing]:
    with annotation_of(file, "2007") as annotation:
        width, height = (int(annotation["size"][side]) for side in ("width", "height"))
        return [
            Thing(f"{file.stem}#{number}", LABELS[each["name"]], box_of(each["bndbox"], width, height))
            for number, each in enumerate(annotation["object"], start=1)
            if each.get("difficult") != "1"
        ]


@contextmanager
def annotation_of(file: Path, year: str) -> Iterator[dict[str, Any]]:
    """What is annotated of an image; what is met in it that is not as it should be is one line. Raises OSError."""
    from torchvision.datasets import VOCDetection

    try:
        yield VOCDetection.parse_voc_xml(parse(file).getroot())["annotation"]
    except (ParseError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        why = f"{error} is missing or unknown" if isinstance(error, KeyError) else error
        raise UserError(
            f"data {str(file)!r}: no annotation of VOC {year} ({why}); mend it, or unpack it again"
        ) from None


def box_of(corners: dict[str, Any], width: int, height: int) -> Box:
    """VOC counts pixels from 1 and includes the last. Raises ValueError for a box that is empty or leaves the image."""
    left, top, right, bottom = (int(corners[side]) for side in ("xmin", "ymin", "xmax", "ymax"))
    if not (1 <= left <= right <= width and 1 <= top <= bottom <= height):
        raise ValueError(f"box {left},{top} to {right},{bottom} in an image of {width}x{height}")
    return Box(left - 1, top - 1, right, bottom)
