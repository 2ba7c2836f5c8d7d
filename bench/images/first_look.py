"""What was found of a set, said before anything slow begins: a label off by one is seen in its first images."""

import numpy as np

from bench.images.dataset import Images
from bench.images.divided import DividedSet
from bench.images.labels.imagenet_names import nouns, wnids
from results.formatting import shown

SHOWN = 3  # images


def first_look(images: Images) -> str:
    """How many images of how many classes there are, and what the labels of the first ones mean."""
    taken = f"{len(images):,} of " if len(images) < images.total else ""
    count = f"{taken}{images.total:,} image{'s' * (images.total != 1)}"
    return f"Found {count} of {_classes(images)} in {shown(images.name)}: {'; '.join(first_images(images))}"


def first_look_at_parts(divided: DividedSet) -> str:
    """How many images of how many classes there are, part by part, and which classes the first ones have."""
    first = divided.parts[0]
    counts = ", ".join(f"{part.name} {len(part):,}" for part in divided.parts)
    shows = [
        f"{shown(name)} is {' and '.join(shown(divided.classes[k]) for k in row.nonzero()[0]) or 'of no class'}"
        for name, row in zip(first.ids[:SHOWN], first.present, strict=False)
    ]
    return f"Found {len(divided.classes):,} classes in {shown(divided.name)}: {counts}; {'; '.join(shows)}"


def first_images(images: Images, count: int | None = None) -> list[str]:
    """Ids of the first images with what their labels mean to a net of `count` classes; before that is known (None), the
    names that the set has.

    Labels that nothing names are said as they are; where there are 1000 classes they are taken for ImageNet's. Where
    several classes are right for an image, or in it, all are said.
    """
    if images.multi:
        rows = zip(images.ids, images.multi.present[:SHOWN], strict=False)
        return [f"{shown(name)} is {_all_of(images.classes or (), present)}" for name, present in rows]
    own = [(label,) for label in images.labels[:SHOWN].tolist()]
    pairs = zip(images.ids, images.right.classes[:SHOWN] if images.right else own, strict=False)
    return [f"{shown(name)} is {_meanings(images.classes, labels, count)}" for name, labels in pairs]


def _classes(images: Images) -> str:
    occur, known = len(images.present), len(images.classes or ())
    if images.multi:
        occur = int(images.multi.present.any(axis=0).sum())
    return f"{occur:,} {f'of {known:,} ' * (known > occur)}class{'es' * (max(occur, known) != 1)}"


def _all_of(classes: tuple[str, ...], present: np.ndarray) -> str:
    return " and ".join(classes[label] for label in np.flatnonzero(present)) or "of no class"


def _meanings(classes: tuple[str, ...] | None, labels: tuple[int, ...], count: int | None) -> str:
    return " or ".join(_meaning(classes, label, count) for label in labels) or "of no class that is right"


def _meaning(classes: tuple[str, ...] | None, label: int, count: int | None) -> str:
    if classes is None:
        return f"class {label}" + (f" ({nouns()[label]})" if count == len(wnids()) else "")
    name = shown(classes[label]) + (f" ({_noun(classes[label])})" if classes[label] in wnids() else "")
    return name if count is None else f"class {label}, {name}"


def _noun(wnid: str) -> str:
    return nouns()[wnids().index(wnid)]
