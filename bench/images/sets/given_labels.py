"""Labels that are given in Python: numbers of classes, or their names."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bench.errors import UserError
from bench.images.python_image import described
from bench.images.sets.given_pairs import Given

MOST = 10**9  # as in lists


def numbered(given: Given, name: str, classes: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Labels as indices, int64 (N,), and the names that they count in, None where only the weights know them.

    `classes` come before those of the set. Raises UserError for what is no label, and for one beyond the classes.
    """
    told = None if classes is None else _distinct(classes, name)
    labels = [plain(label) for label in given.labels]
    for id_, label in zip(given.ids, labels, strict=True):
        if not isinstance(label, int | str) or isinstance(label, bool):
            raise UserError(
                f"data {name!r}: the label of image {id_!r} is {_said(label)}; give the number of a class, from 0, or "
                "its name"
            )
        if isinstance(label, int) and not 0 <= label < MOST:
            raise UserError(f"data {name!r}: the label of image {id_!r} is {label}; give numbers of classes, from 0")
    texts = [label for label in labels if isinstance(label, str)]
    if not texts:
        return _of_numbers(given, name, np.array(labels, dtype=np.int64), told)
    if len(texts) < len(labels):
        number = next(label for label in labels if not isinstance(label, str))
        raise UserError(
            f"data {name!r}: labels are numbers, such as {number}, and names, such as {texts[0]!r}; give one kind"
        )
    return _of_names(given, name, texts, told)


def plain(label: object) -> object:
    """Numbers and texts of numpy's and tensors without dimensions as Python's own."""
    if isinstance(label, str):
        return str(label)
    return label.item() if hasattr(label, "item") and getattr(label, "ndim", None) == 0 else label


def _of_numbers(
    given: Given, name: str, labels: np.ndarray, told: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    largest = int(labels.argmax())
    if told and labels[largest] >= len(told):
        raise UserError(
            f"data {name!r}: the label of image {given.ids[largest]!r} is {labels[largest]}, but there are "
            f"{len(told)} classes; give the names of all, in the order of their numbers"
        )
    own = given.classes if given.classes and labels[largest] < len(given.classes) else None
    return labels, told or own


def _of_names(
    given: Given, name: str, labels: Sequence[str], told: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    own = given.classes if given.classes and set(labels) <= set(given.classes) else tuple(sorted(set(labels)))
    index = {each: number for number, each in enumerate(told or own)}
    for id_, label in zip(given.ids, labels, strict=True):
        if label not in index:
            raise UserError(
                f"data {name!r}: the class of image {id_!r} is {label!r}, which is none of the {len(index)} that are "
                f"given, such as {next(iter(index))!r}; give all of them"
            )
    return np.array([index[label] for label in labels], dtype=np.int64), told or own


def _distinct(classes: Sequence[str], name: str) -> tuple[str, ...]:
    found = tuple(map(str, classes))
    twice = [each for each, count in Counter(found).items() if count > 1]
    if twice or not found or isinstance(classes, str):
        what = f"class {twice[0]!r} is there twice" if twice else f"classes {classes!r}"
        raise UserError(f"data {name!r}: {what}; give a list of names, each another one")
    return found


def _said(label: object) -> str:
    return repr(label) if isinstance(label, bool | float) else described(label)
