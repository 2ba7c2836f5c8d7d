"""Data sets in Python, as torchvision's: pairs of image and label, fetched by index."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.images.decoding import UndecodableError, guarded, reading
from bench.images.image_source import Source
from bench.images.python_image import NO_TRANSFORM, ONE_AT_A_TIME, PythonImage, check_image
from bench.images.sets.given_labels import plain
from bench.images.sets.given_pairs import Given, named_path, pair_of, source_of
from bench.progress import progress
from results.names import text_of

LABELS = ("targets", "labels")  # what torchvision's data sets call all of theirs
NAMES = ("wnids", "classes")  # of their classes; ImageNet's `classes` are several words each
BROKEN = object()  # the label of an item that cannot be fetched


class Items(NamedTuple):
    """A data set, the one that torch's subsets of it are of, and the index there of each item."""

    dataset: Any
    base: Any
    indices: Sequence[int]

    @property
    def name(self) -> str:
        return type(self.base).__name__


def read_dataset(dataset: Any) -> Given:
    """What a data set holds: the files of torchvision's folders of images, else images that are fetched when needed.

    An image's id is its path within the data set's `root`, or its index. Raises UserError for items that are no pairs
    of image and label, and for images that a transform has made tensors.
    """
    items = _items_of(dataset)
    if not items.indices:
        return Given(items.name, (), (), [])
    samples = _files(items.base)
    if samples is not None:
        return _of_pairs(items, [samples[index] for index in items.indices], items.base.target_transform)
    number, image, label = _first(items)
    if isinstance(image, str | os.PathLike):
        return _of_pairs(items, _read_pairs(items))
    check_image(image, str(items.indices[number]))
    labels = _labels(items, number, label) or _read_labels(items)
    sources = tuple(
        PythonImage(str(index), partial(_image, items, number, plain(labels[number])))
        for number, index in enumerate(items.indices)
    )
    never_counted = [label if each is BROKEN else each for each in labels]
    return Given(items.name, sources, tuple(map(str, items.indices)), never_counted, _classes(items.base))


def _items_of(dataset: Any) -> Items:
    from torch.utils.data import Subset

    try:
        if getattr(type(dataset), "__getitem__", None) is not Subset.__getitem__:  # one of its own may transform
            return Items(dataset, dataset, range(len(dataset)))
        whole = _items_of(dataset.dataset)
        return Items(dataset, whole.base, [whole.indices[int(index)] for index in dataset.indices])
    except (IndexError, NotImplementedError, TypeError) as error:
        raise UserError(
            f"data {type(dataset).__name__!r}: its items cannot be counted ({error}); give one with a length"
        ) from None


def _files(base: Any) -> Sequence[tuple[str, Any]] | None:
    """Paths and labels of torchvision's folders of images; None of others, or where a loader of their own reads them.

    Raises UserError where such a set has a transform.
    """
    from torchvision.datasets import DatasetFolder
    from torchvision.datasets.folder import accimage_loader, default_loader, pil_loader

    if not isinstance(base, DatasetFolder):
        return None
    if base.transform is not None:
        raise UserError(f"data {type(base).__name__!r}: it has a transform; {NO_TRANSFORM}")
    usual = type(base).__getitem__ is DatasetFolder.__getitem__
    return base.samples if usual and base.loader in (default_loader, pil_loader, accimage_loader) else None


def _of_pairs(items: Items, pairs: Sequence[tuple[Any, Any]], relabel: Any = None) -> Given:
    """A set of paths; an image among them stays one."""
    root = getattr(items.base, "root", None)
    ids, sources = zip(
        *(_place(image, str(index), root) for (image, _), index in zip(pairs, items.indices, strict=True)), strict=True
    )
    labels = [relabel(label) if relabel else label for _, label in pairs]
    return Given(items.name, sources, ids, labels, _classes(items.base))


def _place(image: Any, name: str, root: Any) -> tuple[str, Source]:
    """An image's id and what it is read from."""
    own, source = source_of(image, name)
    try:
        return text_of(source.relative_to(named_path(root)[1]).as_posix()), source  # type: ignore[union-attr]
    except (AttributeError, TypeError, ValueError):  # no file, no root, or a file elsewhere
        return own, source


def _first(items: Items) -> tuple[int, Any, object]:
    """The first item that can be fetched, its number, image and label: the others are like it. Raises UserError."""
    why = ""
    for number in range(len(items.indices)):
        try:
            return number, *_fetched(items, number)
        except UndecodableError as error:
            why = why or str(error)
    raise UserError(f"data {items.name!r}: none of its items can be fetched ({why}); mend the data set")


def _fetched(items: Items, number: int) -> tuple[Any, object]:
    """An item. Raises UserError where it is no pair, and UndecodableError where the data set raises something."""
    name = str(items.indices[number])
    with ONE_AT_A_TIME, reading(name), guarded():
        item = items.dataset[number]
    return pair_of(item, name)


def _read_pairs(items: Items) -> list[tuple[Any, object]]:
    """All items. Raises UserError for one that cannot be fetched."""
    pairs = []
    for number in range(len(items.indices)):
        try:
            pairs.append(_fetched(items, number))
        except UndecodableError as error:
            name = str(items.indices[number])
            raise UserError(
                f"data {items.name!r}: item {name!r} cannot be fetched ({error}); mend the data set"
            ) from None
    return pairs


def _image(items: Items, number: int, expected: object) -> object:
    """An item's image. Raises what `_fetched` raises, and UserError where its label is not what it was."""
    image, label = _fetched(items, number)
    if (label := plain(label)) != expected:
        before = "there was none" if expected is BROKEN else f"it was {expected!r}"
        raise UserError(
            f"image {str(items.indices[number])!r} has the label {label!r}, but {before} when the set was opened; give "
            "a data set whose labels stay"
        )
    return image


def _labels(items: Items, number: int, label: object) -> Sequence[object] | None:
    """Labels that a data set says without reading images; None where it does not, or where its items have others, as
    item `number` shows, which has this label.
    """
    if _relabels(items.base):
        return None
    for each in LABELS:
        found: Any = getattr(items.base, each, None)
        found = found.tolist() if hasattr(found, "tolist") else found
        if isinstance(found, list | tuple) and len(found) == len(items.base):
            labels = [found[index] for index in items.indices]
            known, shown = plain(labels[number]), plain(label)
            return labels if isinstance(known, int | str) and type(known) is type(shown) and known == shown else None
    return None


def _read_labels(items: Items) -> Sequence[object]:
    """Labels, from reading every item; `BROKEN` of those that cannot be."""
    labels = []
    for number in progress(range(len(items.indices)), len(items.indices), f"reading the labels of {items.name}"):
        try:
            labels.append(_fetched(items, number)[1])
        except UndecodableError:
            labels.append(BROKEN)
    return labels


def _classes(base: Any) -> tuple[str, ...] | None:
    """The names of classes in the order of their numbers, where a data set has them.

    Raises UserError for one that is put together of parts which number their classes differently.
    """
    from torch.utils.data import ConcatDataset

    if _relabels(base):
        return None
    for each in NAMES:
        names = getattr(base, each, None)
        if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
            return tuple(map(str, names)) if len(set(names)) == len(names) else None
    index = getattr(base, "class_to_idx", None)
    if isinstance(index, Mapping) and sorted(index.values()) == list(range(len(index))):
        return tuple(map(str, sorted(index, key=index.__getitem__)))
    if getattr(type(base), "__getitem__", None) is ConcatDataset.__getitem__:
        return _agreed([_classes(_items_of(part).base) for part in base.datasets])
    return None


def _agreed(parts: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """The names that all parts have. Raises UserError where some have others or none."""
    other = next((names for names in parts if names != parts[0]), parts[0])
    if other == parts[0]:
        return other
    one, two = (f"classes {', '.join(names)[:60]}" if names else "no names of classes" for names in (parts[0], other))
    raise UserError(
        f"data 'ConcatDataset': one part has {one} and another {two}, so that a number would be two classes; give "
        "parts of the same classes, or their target_transform to the numbers of the net's"
    )


def _relabels(base: Any) -> bool:
    """Whether a data set changes its labels after it has looked them up, so that its lists say others."""
    joint = getattr(base, "transforms", None)  # torchvision's own of both has each as an attribute
    return getattr(base, "target_transform", None) is not None or getattr(joint, "target_transform", joint) is not None
