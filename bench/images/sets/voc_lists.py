"""The class lists of Pascal VOC: which examples each class is in, one list a class and part."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.errors import UserError
from bench.images.labels.multi_labels import MultiLabels

PARTS = ("train", "val", "test")
VALUES = {"1": 1, "-1": -1, "0": 0}  # present, absent, difficult
NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]*")  # of a file, with no folder before it
NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")


class Listed(NamedTuple):
    """The examples of a part, in the lists' order: an image's name, and behind it what tells examples of one apart."""

    examples: list[tuple[str, ...]]
    labels: MultiLabels


def read_lists(folder: Path, classes: Sequence[str], part: str, words: int) -> Listed:
    """`<class>_<part>.txt` of all classes, whose lines are `words` that name an example, and a value.

    Raises UserError for a list that is missing, broken, empty, or not of the same examples as the others, and OSError.
    """
    files = [folder / f"{each}_{part}.txt" for each in classes]
    lists = [_read(file, words) for file in files]
    examples = list(lists[0][0])
    for file, (own, _) in zip(files, lists, strict=True):
        if own != examples:
            raise UserError(f"data {str(file)!r}: {_difference(own, examples, files[0].name)}; unpack the set again")
    if not examples:
        raise UserError(f"data {str(files[0])!r}: there is no image in it; unpack the set again")
    values = np.array([values for _, values in lists], dtype=np.int8).T
    return Listed(examples, MultiLabels(values == 1, values == 0))


def read_unlabelled(folder: Path, classes: Sequence[str], words: int) -> Listed:
    """The test examples whose labels are kept back, from a class's list or `test.txt`: in no class, as far as is known.

    Raises UserError for lists that are missing, broken or empty, and OSError.
    """
    file = next((each for each in _test_lists(folder, classes) if each.is_file()), None)
    if file is None:
        raise UserError(
            f"data {str(folder)!r}: no list of test images is there, neither {classes[0]}_test.txt nor test.txt; "
            "unpack the archive of test images there too"
        )
    lines = [(number, line.split()) for number, line in enumerate(_lines(file), start=1) if line.strip()]
    for number, found in lines:
        if not _is_example(found[:words], words) or len(found) > words + 1:
            form = "an image" + " and the number of an object" * (words == 2)
            raise UserError(f"data {str(file)!r}: line {number} is {' '.join(found)[:100]!r}; a line is {form}")
    if not lines:
        raise UserError(f"data {str(file)!r}: there is no image in it; unpack the set again")
    unknown = np.zeros((len(lines), len(classes)), bool)
    return Listed([tuple(found[:words]) for _, found in lines], MultiLabels(unknown, unknown))


def _test_lists(folder: Path, classes: Sequence[str]) -> tuple[Path, Path]:
    return folder / f"{classes[0]}_test.txt", folder / "test.txt"


def parts_in(folder: Path, classes: Sequence[str], words: int) -> tuple[str, ...]:
    """Those that lists with labels make: train and val; test where its lists say that classes are there, and are not.

    Lists without values, or with one and the same, stand in for labels that are kept back. Raises OSError.
    """
    said = {value for each in classes for value in _values(folder / f"{each}_test.txt", words)}
    return PARTS if {"1", "-1"} <= said else PARTS[:2]


def said_of_parts(folder: Path, classes: Sequence[str], words: int) -> tuple[str, ...]:
    """What is to be said where test images have no labels, as in the archives of 2012."""
    if "test" in parts_in(folder, classes, words):
        return ()
    return (f"ImageSets/{folder.name} has no lists with labels for test images: val is the last part",)


def _values(file: Path, words: int) -> set[str]:
    """Those that a list has, if it is there, behind the words that name an example."""
    lines = _lines(file) if file.is_file() else []
    return {line.split()[-1] for line in lines if len(line.split()) > words}


def _lines(file: Path) -> list[str]:
    """Bytes that are no text are in no name, and refused with their line."""
    return file.read_bytes().decode("utf-8-sig", "replace").splitlines()


def said_of_sizes(part: str, count: int, published: int | None) -> tuple[str, ...]:
    return () if published in (None, count) else (f"{part}: {count:,} images, not the {published:,} of the set",)


def _read(file: Path, words: int) -> tuple[list[tuple[str, ...]], list[int]]:
    """Examples and values."""
    if not file.is_file():
        raise UserError(f"data {str(file)!r}: this list is not there; unpack the set again")
    examples: list[tuple[str, ...]] = []
    values: list[int] = []
    for number, line in enumerate(_lines(file), start=1):
        match line.split():
            case []:
                continue
            case [*example, value] if _is_example(example, words) and value in VALUES:
                examples.append(tuple(example))
                values.append(VALUES[value])
            case _:
                form = "an image, " + "the number of an object, " * (words == 2) + "and 1, -1 or 0"
                raise UserError(f"data {str(file)!r}: line {number} is {line[:100]!r}; a line is {form}")
    return examples, values


def _is_example(example: Sequence[str], words: int) -> bool:
    forms = (NAME, NUMBER)[:words]
    return len(example) == words and all(form.fullmatch(word) for form, word in zip(forms, example, strict=True))


def _difference(own: Sequence[tuple[str, ...]], first: Sequence[tuple[str, ...]], name: str) -> str:
    if len(own) != len(first):
        return f"it has {len(own)} lines, {name} {len(first)}: one was cut short"
    line = next(k for k, pair in enumerate(zip(own, first, strict=True)) if pair[0] != pair[1])
    return f"its image {line + 1} is {' '.join(own[line])!r}, that of {name} {' '.join(first[line])!r}"
