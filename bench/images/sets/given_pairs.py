"""One item that was given in Python: a pair of image and label, and what an image is read from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.errors import UserError
from bench.images.image_source import Source
from bench.images.python_image import PythonImage, check_image, described
from results.names import text_of


@dataclass(frozen=True)
class Given:
    """A set as it was given: labels as they came, and the names of classes that it has of its own."""

    name: str
    sources: tuple[Source, ...]
    ids: tuple[str, ...]
    labels: Sequence[object]
    classes: tuple[str, ...] | None = None


def pair_of(item: object, name: str) -> tuple[object, object]:
    """Image and label. Raises UserError for what is no pair."""
    if not isinstance(item, tuple | list):
        raise UserError(f"item {name!r} is {described(item)}; give pairs of image and label")
    if len(item) != 2:
        raise UserError(f"item {name!r} is {len(item)} things; give pairs of image and label")
    return item[0], item[1]


def source_of(image: object, name: str) -> tuple[str, Source]:
    """An image's id and what it is read from: its path as it was given, or `name` and itself. Raises UserError."""
    if isinstance(image, str | os.PathLike):
        return named_path(image)
    check_image(image, name)
    return name, PythonImage(name, partial(_itself, image))


def _itself(image: object) -> object:
    return image


def named_path(given: str | os.PathLike) -> tuple[str, Path]:
    """A path as it was given, and absolute: the working folder may be another when it is read. Raises UserError."""
    path = os.fsdecode(given)
    try:
        if "\0" in path:
            raise ValueError
        return text_of(path), Path(os.path.abspath(os.path.expanduser(path)))
    except ValueError:
        raise UserError(f"image {path!r}: this can be no path; give one of a file") from None
