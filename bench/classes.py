"""Whose class 3 is it? From a data set's own labels to the indices of the weights' classes."""

from collections import Counter
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

import numpy as np

from bench.data import Images
from bench.errors import UserError


@cache
def wnids() -> tuple[str, ...]:
    """The WordNet ids of ImageNet's 1000 classes (ILSVRC-2012), sorted: their order is that of everybody's weights."""
    return tuple((files("bench") / "imagenet_wnids.txt").read_text().split())


def readable(names: tuple[str, ...] | None, count: int) -> tuple[str, ...]:
    """What to call the weights' classes: ImageNet's, where they are known by number or WordNet id, by their nouns."""
    if count == len(wnids()) and names in (None, wnids()):
        from torchvision import models

        return tuple(models.get_model_weights("vgg16").DEFAULT.meta["categories"])
    return names or tuple(map(str, range(count)))


def reconcile(images: Images, count: int, names: tuple[str, ...] | None, source: str) -> Images:
    """Make the labels indices of the weights' classes, by name where both sides have names.

    `count` and `names` are the weights' classes, `source` the weights' name for messages; the images' classes become
    `names` where they are known. Raises UserError where label and class cannot be matched.
    """
    if images.classes is None:
        return replace(_in_range(images, count, source), classes=names)
    if names and set(images.classes) <= set(names):
        return relabelled(images, names)
    if count == len(wnids()) and set(images.classes) <= set(wnids()):
        return replace(relabelled(images, wnids()), classes=names or wnids())
    if names:
        raise _unknown_class(images, names, source)
    if len(images.classes) != count:
        raise UserError(
            f"data {images.name!r}: class count {len(images.classes)}, but {source} has {count} classes "
            "and no names for them; give data and weights of the same classes"
        )
    return images


def relabelled(images: Images, names: tuple[str, ...]) -> Images:
    """The images with labels that count in `names`, which hold all their classes. Raises UserError for twins there."""
    assert images.classes is not None
    counts = Counter(names)
    for name in images.classes:
        if counts[name] > 1:
            raise UserError(
                f"data {images.name!r}: {counts[name]} classes of the weights are named {name!r}; rename them"
            )
    index = {name: number for number, name in enumerate(names)}
    numbers = np.array([index[name] for name in images.classes], dtype=np.int64)
    return replace(images, labels=numbers[images.labels], classes=names)


def _in_range(images: Images, count: int, source: str) -> Images:
    outside = np.flatnonzero(images.labels >= count)
    if len(outside):
        first = outside[0]
        raise UserError(
            f"data {images.name!r}: image {images.ids[first]!r} has label {images.labels[first]}, but {source} has "
            f"{count} classes, labels 0 to {count - 1} ({len(outside)} of {len(images)} images are outside)"
        )
    return images


def _unknown_class(images: Images, names: tuple[str, ...], source: str) -> UserError:
    known = set(names)
    unknown = [name for name in images.classes or () if name not in known]
    first = next((name for name in unknown if name not in wnids()), unknown[0])  # the odd one among WordNet ids
    near = get_close_matches(first, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "rename the class, or give other weights"
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return UserError(
        f"data {images.name!r}: {source} does not know class {first!r} ({len(unknown)} classes are unknown); "
        f"it knows {len(names)}: {some}; {hint}"
    )
