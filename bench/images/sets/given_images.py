"""Images that are given in Python: pairs of image and label in a list or a data set, or images alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images, distinct
from bench.images.labels.relabellings import doubted
from bench.images.python_image import ARRAYS, described
from bench.images.sets.given_labels import numbered
from bench.images.sets.given_pairs import Given, pair_of, source_of
from bench.images.sets.torch_dataset import read_dataset

ALLOWED = f"give a list of (image, label), the images PIL's, {ARRAYS}, or paths; or a data set of such pairs"


def read_given(given: Any, name: str | None = None, classes: Sequence[str] | None = None) -> Images:
    """A labelled set from a list of (image, label), or from a data set as torchvision's, without its transform.

    An image is a path, a PIL image, or a uint8 array (H, W, 3) in RGB or (H, W); a label is the number of a class, from
    0, or its name. `classes` are the names that the numbers count in; else those that a data set has, else names of
    labels, sorted, else only the weights know them. A data set's images are fetched when they are read, one at a time.
    `name` is what tables call the set. Raises UserError for anything else.
    """
    if isinstance(given, list | tuple):
        found = _of_list(given)
    elif hasattr(given, "__getitem__") and hasattr(given, "__len__") and not isinstance(given, str | np.ndarray | dict):
        found = read_dataset(given)
    else:
        iterable = hasattr(given, "dataset")  # as torch's loaders have
        raise UserError(f"data {described(given)}: {'give its dataset, or ' * iterable}{ALLOWED}")
    name = name or found.name
    if not found.sources:
        raise UserError(f"data {name!r}: there is no image in it; {ALLOWED}")
    labels, known = numbered(found, name, classes)
    ids = distinct(found.ids)
    return doubted(Images(name, found.sources, ids, labels, known, len(ids)))


def read_unlabelled(given: Any) -> Images:
    """Images without labels, from a list of paths, PIL images and uint8 arrays, or one of them; all labels are -1.

    Raises UserError for anything else.
    """
    alone = given if isinstance(given, list | tuple) else [given]
    if not alone:
        raise UserError(f"no image: give paths, PIL images, or {ARRAYS}")
    ids, sources = zip(*(source_of(image, str(index)) for index, image in enumerate(alone)), strict=True)
    return Images("images", sources, distinct(ids), np.full(len(ids), -1), None, len(ids))


def _of_list(given: Sequence[Any]) -> Given:
    ids, sources, labels = [], [], []
    for index, item in enumerate(given):
        image, label = pair_of(item, str(index))
        own, source = source_of(image, str(index))
        ids.append(own)
        sources.append(source)
        labels.append(label)
    return Given("list", tuple(sources), tuple(ids), labels)
