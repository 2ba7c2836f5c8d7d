"""`--class-map FILE`: which of the net's classes each class of the data is, in the user's own words."""

import csv
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.numbered_classes import WHOLE, renumbered_present

FORMS = """a JSON object {"name": index}, or lines 'name,index'"""
HEADINGS = {"index", "label", "class", "target", "id"}


def mapped(images: Images, place: str) -> Images:
    """The images with the net's indices for labels, as a file says of every class that occurs.

    Classes without names are called by their numbers there. Several may be one of the net's. Raises UserError for a
    file that is none of FORMS, and for a class that is not in it.
    """
    table = read_class_map(place)
    present = images.present.tolist()
    names = [images.classes[label] if images.classes else str(label) for label in present]
    missing = [name for name in names if name not in table]
    if missing:
        raise UserError(
            f"--class-map '{place}': class {missing[0]!r} of data {images.name!r} is not in it ({len(missing)} are "
            f"not); give {FORMS} for all classes that occur"
        )
    numbers = [table[name] for name in names]
    note = f"{len(numbers)} classes of the data are {len(set(numbers))} of the net's, by --class-map {place}"
    return replace(renumbered_present(images, numbers, None), mapped=True, notes=(*images.notes, note))


def read_class_map(place: str) -> dict[str, int]:
    """Indices by name. Raises UserError for a file that is none of FORMS."""
    try:
        text = Path(place).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--class-map '{place}': cannot be read ({error}); give a file with {FORMS}") from None
    try:
        pairs = _of_json(text) if text.lstrip().startswith("{") else _of_lines(text)
        return _one_each(pairs)
    except (ValueError, RecursionError, csv.Error) as error:
        raise UserError(f"--class-map '{place}': {error}; give {FORMS}") from None


def _of_json(text: str) -> list[tuple[str, object]]:
    found = json.loads(text, object_pairs_hook=tuple)  # a dictionary would keep one of two
    return [(name, index) for name, index in found]


def _of_lines(text: str) -> list[tuple[str, object]]:
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), skipinitialspace=True) if row]
    if rows and rows[0][-1].casefold() in HEADINGS:
        rows = rows[1:]
    if short := next((row for row in rows if len(row) < 2), None):
        raise ValueError(f"there is no index behind {short[0]!r}")
    return [(", ".join(row[:-1]), row[-1]) for row in rows]  # synonyms have commas between


def _one_each(pairs: Iterable[tuple[str, object]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, index in pairs:
        if isinstance(index, bool) or not WHOLE.fullmatch(str(index)):
            raise ValueError(f"the index of {name!r} is {index!r}, no whole number from 0")
        if name in found:
            raise ValueError(f"{name!r} is there twice")
        found[name] = int(str(index))
    if not found:
        raise ValueError("there is no class in it")
    return found
