"""Sets in the parts that they are handed out in: what classes are learnt from, and what is tried on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.choices import REGIONS
from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.dataset import Images
from bench.images.image_source import Source
from bench.images.labels.numbered_classes import renumbered_present
from bench.images.learning_parts import WHOLE, open_to_learn, open_unlabelled, parts_to_learn
from bench.images.sets.torch_sets import BACKGROUND101
from bench.images.several_kinds import SEVERAL


@dataclass(frozen=True, eq=False)
class Look:
    """Images that descriptors are made of; `rows` says which is each example's: (N,) int64."""

    images: Images
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class SetPart:
    """A part of a set as it was handed out: N examples.

    `name` is "train", "val" or "test", or "all" of a set without parts. The descriptors of several `looks` are stacked.
    `present` and `difficult`, bool (N, K), say which classes each example is of, and which count neither for nor
    against it; of a set with one label an image one class is present and none difficult.
    """

    name: str
    ids: tuple[str, ...]
    looks: tuple[Look, ...]
    present: np.ndarray
    difficult: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class DividedSet:
    """A set in its parts: `name` as tables show it, `kind` of --data, the names of its K classes.

    With `multi` an image may have several classes, or none, and is judged by average precision; else by recall.
    `notes` say how it was read, `doubts` what speaks against what is measured on it, a sentence each. `region`, of
    REGIONS, is what is looked at of persons whose action is known, "" of other sets. `kept_back` are test images whose
    labels a server keeps to itself, where these were asked for: none is said to be of a class.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    parts: tuple[SetPart, ...]
    multi: bool
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    region: str = ""
    kept_back: SetPart | None = None

    @property
    def whole(self) -> bool:
        """Whether all images of the set are there."""
        return all(len(look.images) == look.images.total for part in self.parts for look in part.looks)


def open_divided(spec: DataSpec, region: str | None = None, submit: bool = False) -> DividedSet:
    """A set of any kind with the parts that it has: train, val and test of Pascal VOC; train, and the one that is
    evaluated, as test, of others; all of a set without parts.

    `region`, of REGIONS, is what is looked at of persons whose action is known (None: image and box); with `submit`
    test images are there too whose labels a server keeps back. Raises UserError, also where there are none.
    """
    unlabelled = open_unlabelled(spec) if submit else None
    for option, value in (("--class-map", spec.class_map), ("--labels", spec.labels)):
        if value:
            raise UserError(f"{option} '{value}': classes are learnt by the set's own labels; leave {option} out")
    opened = {part: open_to_learn(spec, part) for part in parts_to_learn(spec)}
    if spec.kind in SEVERAL:
        _refuse_shared(opened, spec)
        divided = _divided(spec.kind, spec.kind, opened, region or REGIONS[-1])
        if unlabelled is None:
            return divided
        return replace(divided, kept_back=_part("test", unlabelled, len(divided.classes), False, divided.region))
    if WHOLE in opened:
        return divided_of(_with_background(opened[WHOLE]), kind=spec.kind)
    return divided_of(opened["train"], opened["val"], kind=spec.kind)


def divided_of(train: Images, test: Images | None = None, kind: str = "images") -> DividedSet:
    """Images that are learnt from and images that are tried on; or, without these, all images of a set.

    Classes are those that occur in the first, and those of the second are told by name; labels without names are their
    own. Raises UserError for a test image of another class.
    """
    if test is None:
        return _divided(train.name, kind, {WHOLE: _with_classes(train)})
    parts = {"train": _with_classes(train), "test": _in_classes_of(train, test)}
    return _divided(_common_name(train.name, test.name), kind, parts)


def _divided(name: str, kind: str, parts: Mapping[str, Images], region: str = "") -> DividedSet:
    """Examples are called by their images' ids; where two parts share one, all by part and id: `train/cat/1.jpg`."""
    every = [name for images in parts.values() for name in images.ids]
    shared = len(set(every)) < len(every)
    first = next(iter(parts.values()))
    assert first.classes is not None
    notes, doubts = (
        tuple(dict.fromkeys(said for images in parts.values() for said in getattr(images, name)))
        for name in ("notes", "doubts")
    )
    own = tuple(_part(part, images, len(first.classes), shared, region) for part, images in parts.items())
    seen = region if _of_persons(first) else ""
    return DividedSet(name, kind, first.classes, own, first.multi is not None, notes, doubts, seen)


def _of_persons(images: Images) -> bool:
    """Whether examples are persons in boxes, whose action is known."""
    return images.multi is not None and images.boxes is not None


def _part(name: str, images: Images, count: int, shared: bool, region: str) -> SetPart:
    if images.multi:
        present, difficult = images.multi.present, images.multi.difficult
    else:
        present = images.labels[:, None] == np.arange(count)
        difficult = np.zeros_like(present)
    ids = tuple(f"{name}/{each}" for each in images.ids) if shared else images.ids
    return SetPart(name, ids, _looks(images, region), present, difficult)


def _looks(images: Images, region: str) -> tuple[Look, ...]:
    """The images as they are; of persons in boxes, first the whole images, each once, if these are looked at."""
    alone = Look(images, np.arange(len(images)))
    if not region or not _of_persons(images):
        return (alone,)
    first: dict[Source, int] = {}
    for index, source in enumerate(images.sources):
        first.setdefault(source, index)
    place = {source: row for row, source in enumerate(first)}
    names = tuple(images.ids[index].partition("#")[0] for index in first.values())
    total = len(first) if len(images) == images.total else images.total  # of a limited set, in persons
    whole = replace(images.take(list(first.values())), ids=names, boxes=None, multi=None, total=total)
    around = Look(whole, np.array([place[source] for source in images.sources], dtype=np.int64))
    return {"image": (around,), "box": (alone,), "image+box": (around, alone)}[region]


def _refuse_shared(parts: Mapping[str, Images], spec: DataSpec) -> None:
    """Raise UserError where two parts name the same image: one would be tried on what it was learnt from."""
    if spec.allow_duplicates:
        return
    seen: dict[Source, str] = {}
    for part, images in parts.items():
        for source in dict.fromkeys(images.sources):
            if (other := seen.setdefault(source, part)) != part:
                raise UserError(
                    f"data {spec.source!r}: the lists of {other} and {part} both name {Path(str(source)).stem!r}; mend "
                    "them, or give --allow-duplicates"
                )


def _with_background(images: Images) -> Images:
    """Says of Caltech-101 without its background that the paper counts it as a class."""
    if images.name != "caltech101" or BACKGROUND101 in (images.classes or ()):
        return images
    count = len(images.classes or ())
    note = f"{BACKGROUND101} is not there: {count} classes, where the paper counts the background as one more, 102"
    return replace(images, notes=(*images.notes, note))


def _with_classes(images: Images) -> Images:
    """The images with names for their classes, of those that occur. Raises UserError for several right labels."""
    if images.right:
        raise UserError(f"data {images.name!r}: several classes are right for one image; give a set with one each")
    return images if images.multi else renumbered_present(images, range(len(images.present)), _names(images))


def _in_classes_of(train: Images, test: Images) -> Images:
    """Test images with labels that count in the classes of the training images. Raises UserError."""
    if train.multi or test.multi:
        if train.multi is None or test.multi is None or train.classes != test.classes:
            raise UserError(
                f"data {test.name!r}: its classes are not those of {train.name!r}; give images of the same ones"
            )
        return test
    known, own = _names(train), _names(test)
    if train.classes == test.classes:  # of which two may have one name
        known, own = (tuple(map(str, images.present.tolist())) for images in (train, test))
    place = {name: label for label, name in enumerate(known)}
    unknown = [label for label, name in enumerate(own) if name not in place]
    if unknown or len(place) < len(known):
        what = f"no training image is of class {_names(test)[unknown[0]]!r}" if unknown else "two classes have one name"
        raise UserError(
            f"data {test.name!r}: {what}; the {len(known)} classes of {train.name!r} are {', '.join(_names(train)[:5])}"
            f"{', ...' * (len(known) > 5)}; learn from images of the same ones"
        )
    return renumbered_present(_with_classes(test), [place[name] for name in own], _names(train))


def _names(images: Images) -> tuple[str, ...]:
    """Of the classes that occur: labels without names are their own."""
    return tuple(images.classes[label] if images.classes else str(label) for label in images.present.tolist())


def _common_name(train: str, test: str) -> str:
    """What two parts are called together: `cifar10/train` and `cifar10/test` are cifar10."""
    above = train.rpartition("/")[0]
    if train == test:
        return train
    return above if above and above == test.rpartition("/")[0] else f"{train} and {test}"
