"""`--data`: from what was typed to a set of images."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import NamedTuple

from bench.errors import UserError
from bench.images.containers.layout import ARCHIVES
from bench.images.containers.part_names import SEEN
from bench.images.data_spec import DataSpec
from bench.images.dataset import Images
from bench.images.kind import Kind
from bench.images.kinds import KINDS, YOURS
from bench.images.labels.class_map import mapped
from bench.images.labels.class_names import named, read_class_names
from bench.images.labels.class_refusals import several_labels
from bench.images.labels.numbered_classes import as_stated
from bench.images.labels.real_labels import reassessed
from bench.images.labels.relabellings import doubted
from bench.images.sets.lists import Columns
from bench.images.sets.shapes import SPLITS
from bench.images.split import in_both, split_images
from bench.progress import busy
from results.names import mended, text_of

ELSEWHERE = {"wds": "tar", "webdataset": "tar", "imagefolder": "folder"}  # what other tools call kinds
MOST_CLASSES = 100_000  # of a net that is trained


class OpenedData(NamedTuple):
    """What was asked for, and what it is."""

    spec: DataSpec
    images: Images


def open_data(spec: DataSpec, part: str = "val") -> Images:
    """Open a part of a data set, whose source is `kind` or `kind:argument` with a kind of `KINDS`.

    Raises UserError, also for a set with several labels an image.
    """
    kind = kind_of(spec)
    if part not in SPLITS:
        raise UserError(f"data {spec.source!r}: there is no split {part!r}; give {' or '.join(SPLITS)}")
    if kind.several:
        raise several_labels(spec.source)
    return opened(kind, spec, part)


def opened(kind: Kind, spec: DataSpec, part: str) -> Images:
    """A part as its kind reads it, changed as the options say. Raises UserError."""
    if kind.evaluation_only:
        refuse_training(kind, spec, part)
    with busy(f"finding the images of {spec.source}"), readable(spec):
        images = _in_utf8(_read(kind, spec, part), spec.kind) if spec.split is None else _split(kind, spec, part)
    images = _labelled(images, spec)
    if spec.exif:
        images = _turned(images, spec.kind)
    if spec.verify:
        images = replace(images, verify=True)
    if spec.labels:
        images = reassessed(images, spec.labels)
    return (_named(images, spec) if part == "train" else images).limit(spec.limit)


@contextmanager
def readable(spec: DataSpec) -> Iterator[None]:
    """What cannot be read is a line."""
    try:
        yield
    except OSError as error:
        where = str(error.filename or spec.argument or spec.kind)
        raise UserError(
            f"data {spec.source!r}: {where!r} cannot be read ({error.strerror or error}); allow it, or give another"
        ) from None


def kind_of(spec: DataSpec) -> Kind:
    """Raises UserError for a kind that there is not, and for an argument that it does not take, or lacks."""
    name, argument = spec.kind, spec.argument
    if name not in KINDS:
        raise UserError(f"data {spec.source!r}: give {_forms()}{_hint(spec.source, name)}")
    kind = KINDS[name]
    if argument and not kind.argument:
        raise UserError(f"data {spec.source!r}: {name} takes no argument; give {name}")
    if not argument and kind.argument.startswith(":"):
        raise UserError(f"data {spec.source!r}: {name} needs an argument; give {name}{kind.argument}")
    return kind


def _read(kind: Kind, spec: DataSpec, part: str) -> Images:
    """Raises UserError and OSError."""
    if kind.beside is None:
        return kind.read(spec, part)
    other = replace(spec, source=kind.beside(spec.argument), limit=None, exif=False, labels=None)
    return kind.read(spec, part, open_data(other))


def _labelled(images: Images, spec: DataSpec) -> Images:
    """With labels as the options say. Raises UserError."""
    _refuse_options(images, spec)
    if spec.class_map is not None:
        return mapped(images, spec.class_map)
    images = doubted(as_stated(images, spec.class_order, spec.labels_from))
    if spec.classes is None or images.classes is not None:
        return images
    return named(images, read_class_names(spec.classes) if isinstance(spec.classes, str) else spec.classes)


def _refuse_options(images: Images, spec: DataSpec) -> None:
    """Raise UserError for what would change the classes of a set that says itself which are right, or compete."""
    for option, value in (("--class-order", spec.class_order), ("--labels-from", spec.labels_from)):
        if images.multi and value:
            raise UserError(f"{option} '{value}': the classes of {spec.kind} are known by name; leave {option} out")
    if images.right is None and not images.restricted:
        return
    first = spec.labels_from if images.order is None else 0  # else of the images within
    said = (("--class-map", spec.class_map), ("--class-order", spec.class_order), ("--labels-from", first))
    for option, value in said if images.right else said[:1]:
        if value:
            what = "right classes" if images.right else "classes that compete"
            raise UserError(f"{option} '{value}': the {what} of {spec.kind} are ImageNet's by name; leave {option} out")


def fetched(source: str) -> bool:
    """Whether a data set may have to be downloaded, unpacked or rendered before it can be opened."""
    kind = source.partition(":")[0]
    return kind in KINDS and KINDS[kind].fetched


def has_parts(source: str, columns: Columns = None) -> bool:
    """Whether a data set comes in training and validation images, as far as that can be seen.

    `columns` are those of a list that says which.
    """
    name, _, argument = source.partition(":")
    kind = KINDS.get(name)
    if kind is None or kind.parts is None:
        return kind is not None and kind.read_all is None and kind.evaluation_only is None
    try:
        return bool(kind.parts(argument, columns))
    except OSError:
        return False


def refuse_training(kind: Kind, spec: DataSpec, part: str) -> None:
    """Raise UserError for training images of a set that is for evaluation, and where parts of it cannot be made."""
    evaluated = spec.split is None and part == "val"
    parted = spec.split is not None and kind.read_all is not None
    if evaluated or parted:
        return
    what = f"data {spec.source!r}: {spec.kind} {kind.evaluation_only}"
    if part == "val":
        raise UserError(f"{what}, all of it; leave --split out")
    raise UserError(f"{what}; train on other data, such as imagenet:DIR{', or give --split' if kind.read_all else ''}")


def _in_utf8(images: Images, kind: str) -> Images:
    """The images with names that do not depend on the locale; a list's are text in UTF-8 as it is."""
    if sys.getfilesystemencoding() == "utf-8":
        return images
    plain = mended if kind in ("list", "tar") else text_of
    classes = None if images.classes is None else tuple(map(plain, images.classes))
    return replace(images, name=text_of(images.name), ids=tuple(map(plain, images.ids)), classes=classes)


def _turned(images: Images, kind: str) -> Images:
    """With their EXIF orientation applied. Raises UserError."""
    if images.boxes is not None:
        raise UserError(f"--exif: the boxes of {kind} are in the files' own pixels, not turned ones; leave --exif out")
    return replace(images, exif=True)


def _named(images: Images, spec: DataSpec) -> Images:
    """Training images whose labels are numbers get classes of these names: a net needs to know how many.

    Raises UserError.
    """
    if images.classes is not None:
        return images
    smallest, largest = int(images.labels.min()), int(images.labels.max())
    if largest >= MOST_CLASSES:
        raise UserError(
            f"data {spec.source!r}: a label is {largest}, but a net is trained on at most {MOST_CLASSES:,} classes; "
            "number them from 0, or write their names"
        )
    if smallest == 1:
        note = "labels begin at 1: class 0 has no image; --labels-from 1 if they count from 1"
        images = replace(images, notes=(*images.notes, note))
    return replace(images, classes=tuple(map(str, range(largest + 1))))


def _split(kind: Kind, spec: DataSpec, part: str) -> Images:
    assert spec.split is not None
    if kind.read_all is None:
        raise split_refused(spec)
    images = unseen(_in_utf8(kind.read_all(spec), spec.kind))
    train, val = split_images(images, spec.split, spec.seed)
    if spec.allow_duplicates and (count := in_both(train, val)):
        val = replace(val, notes=(*val.notes, f"{count} of the validation images are training images too, by links"))
    return {"train": train, "val": val}[part]


def split_refused(spec: DataSpec) -> UserError:
    """Why a set with parts of its own is not divided."""
    return UserError(
        f"--split {spec.split:g}: {spec.kind} has training and validation images of its own; leave --split out"
    )


def unseen(images: Images) -> Images:
    """Without what is said of sets that no parts are made of."""
    return replace(images, notes=tuple(note for note in images.notes if not note.endswith(SEEN)))


def _forms() -> str:
    """Those that most people need: all would fill a screen."""
    forms = ", ".join(name + kind.argument for name, kind in {**YOURS, "imagenet": KINDS["imagenet"]}.items())
    return f"{forms}, shapes, or another of bench.run --list data"


def _hint(spec: str, kind: str) -> str:
    if os.path.isdir(spec):
        return f"; did you mean 'folder:{spec}'?"
    if os.path.isfile(spec) and spec.lower().endswith(ARCHIVES) and not spec.endswith(".tar"):
        return f"; unpack {spec!r} and give folder:DIR"
    if os.path.isfile(spec):
        return f"; did you mean '{'tar' if spec.endswith('.tar') else 'list'}:{spec}'?"
    near = get_close_matches(kind.lower(), KINDS, n=1)
    meant = ELSEWHERE.get(kind.lower()) or (near[0] if near else None)
    return f"; did you mean {meant}?" if meant else ""
