"""Class names that are numbers: what order they are in, and what the user says of it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images

WHOLE = re.compile(r"[0-9]{1,9}")
NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
NUMBERED = re.compile(r"([^0-9]*)([0-9]{1,18}).*", re.DOTALL)


def whole_numbers(names: Sequence[str] | None) -> tuple[int, ...] | None:
    """The names as numbers from 0, where all of them are such, each another one."""
    if not names or not all(map(WHOLE.fullmatch, names)):
        return None
    found = tuple(map(int, names))
    return found if len(set(found)) == len(found) else None


def from_one(numbers: tuple[int, ...]) -> bool:
    """Whether numbers are 1 to their count, so that nobody knows whether 1 is the first or the second class."""
    return sorted(numbers) == list(range(1, len(numbers) + 1))


def by_number(names: Sequence[str]) -> list[str] | None:
    """The names by their numbers, where most are numbers, or all have one behind the same beginning; else None."""
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    if 2 * len(numbers) > len(names):
        others = sorted(set(names) - set(numbers))
        return sorted(numbers, key=lambda name: (Fraction(name), name)) + others
    found = {name: match for name in names if (match := NUMBERED.fullmatch(name))}
    if len(found) < len(set(names)) or len({match[1].casefold() for match in found.values()}) > 1:
        return None
    return sorted(names, key=lambda name: (int(found[name][2]), name))


def as_stated(images: Images, class_order: str | None, labels_from: int) -> Images:
    """The images as `--class-order` and `--labels-from` say: classes in that order, numbers that count from 0.

    Raises UserError for names that are no numbers.
    """
    if labels_from and images.order is None:  # else the set's reader has counted from there
        images = replace(_from_zero(images, labels_from), order="number")
    if class_order is None:
        return images
    images = replace(images, order=class_order)
    return images if class_order == "text" or images.classes is None else _sorted_by_number(images)


def _from_zero(images: Images, first: int) -> Images:
    if images.classes is None:
        if (below := np.flatnonzero(images.labels < first)).size:
            raise UserError(
                f"--labels-from {first}: image {images.ids[below[0]]!r} of data {images.name!r} has label "
                f"{images.labels[below[0]]}; leave --labels-from out"
            )
        return replace(images, labels=images.labels - first)
    numbers = whole_numbers(images.classes)
    if numbers is None or min(numbers) < first:
        odd = next((name for name in images.classes if not WHOLE.fullmatch(name) or int(name) < first), "01 beside 1")
        raise UserError(
            f"--labels-from {first}: the classes of data {images.name!r} are no numbers from {first}, such as {odd!r}; "
            "leave it out"
        )
    return _sorted_by_number(replace(images, classes=tuple(str(number - first) for number in numbers)))


def _sorted_by_number(images: Images) -> Images:
    assert images.classes is not None
    classes = by_number(images.classes)
    if classes is None:
        raise UserError(
            f"--class-order number: the classes of data {images.name!r} are not numbered, such as "
            f"{images.classes[0]!r}; leave it out"
        )
    place = {name: number for number, name in enumerate(classes)}
    return renumbered(images, [place[name] for name in images.classes], tuple(classes))


def renumbered_present(images: Images, numbers: Sequence[int], classes: tuple[str, ...] | None) -> Images:
    """The images with label `numbers[k]` for the k-th of the labels that occur, counting in `classes`."""
    table = np.array(numbers, dtype=np.int64)
    occurring = None if images.occurring is None else table
    labels = table[np.searchsorted(images.present, images.labels)]
    return replace(images, labels=labels, occurring=occurring, classes=classes)


def renumbered(images: Images, numbers: Sequence[int], classes: tuple[str, ...] | None) -> Images:
    """The images with label `numbers[k]` for label k, counting in `classes`."""
    table = np.array(numbers, dtype=np.int64)
    occurring = None if images.occurring is None else table[images.occurring]
    return replace(images, labels=table[images.labels], occurring=occurring, classes=classes)
