"""`--data`: from what was typed to a set of images."""

import os
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from bench.cache import cache_folder
from bench.catsdogs import read_all_catsdogs, read_catsdogs
from bench.data import Images
from bench.errors import UserError
from bench.folder import parts_of, read_folder, read_whole
from bench.imagenet import read_imagenet, read_imagenette
from bench.lists import read_list
from bench.mnist import read_mnist
from bench.shapes import SPLITS, read_shapes
from bench.split import split_images
from bench.voc import read_voc2007

MOST_CLASSES = 100_000  # of a net that is trained


class Source(NamedTuple):
    """A kind of data: `read(argument, split)`, how the argument is written behind the kind, and a line about it.

    `read_all(argument)` is what `--split` makes parts of; None where the set has parts of its own.
    """

    read: Callable[[str, str], Images]
    argument: str
    about: str
    read_all: Callable[[str], Images] | None = None


def open_data(spec: str, split: str = "val", share: float | None = None, seed: int = 0) -> Images:
    """Open a data set, `kind` or `kind:argument` with a kind of `DATASETS`, and one of its splits.

    With a share the splits are made here, that much of every class for validation, drawn by the seed. Raises UserError.
    """
    kind, _, argument = spec.partition(":")
    if kind not in DATASETS:
        raise UserError(f"data {spec!r}: give {_forms()}{_hint(spec, kind)}")
    source = DATASETS[kind]
    if argument and not source.argument:
        raise UserError(f"data {spec!r}: {kind} takes no argument; give {kind}")
    if not argument and source.argument.startswith(":"):
        raise UserError(f"data {spec!r}: {kind} needs an argument; give {kind}{source.argument}")
    if split not in SPLITS:
        raise UserError(f"data {spec!r}: there is no split {split!r}; give {' or '.join(SPLITS)}")
    try:
        images = source.read(argument, split) if share is None else _split(source, spec, split, share, seed)
    except OSError as error:
        where = str(error.filename or argument or kind)
        raise UserError(
            f"data {spec!r}: {where!r} cannot be read ({error.strerror or error}); allow it, or give another"
        ) from None
    return _named(images, spec) if split == "train" else images


def has_parts(spec: str) -> bool:
    """Whether a data set comes in training and validation images, as far as that can be seen."""
    kind, _, argument = spec.partition(":")
    if kind not in DATASETS:
        return False
    try:
        return DATASETS[kind].read_all is None or (kind == "folder" and bool(parts_of(_path(argument))))
    except OSError:
        return False


def _named(images: Images, spec: str) -> Images:
    """Training images whose labels are numbers get classes of these names: a net needs to know how many.

    Raises UserError.
    """
    if images.classes is not None:
        return images
    largest = int(images.labels.max())
    if largest >= MOST_CLASSES:
        raise UserError(
            f"data {spec!r}: a label is {largest}, but a net is trained on at most {MOST_CLASSES:,} classes; "
            "number them from 0, or write their names"
        )
    return replace(images, classes=tuple(map(str, range(largest + 1))))


def _split(source: Source, spec: str, split: str, share: float, seed: int) -> Images:
    kind, _, argument = spec.partition(":")
    if source.read_all is None:
        raise UserError(f"--split {share:g}: {kind} has training and validation images of its own; leave --split out")
    train, val = split_images(source.read_all(argument), share, seed)
    return {"train": train, "val": val}[split]


def anywhere(spec: str) -> str:
    """The same data set named so that it is found from any working folder."""
    kind, _, argument = spec.partition(":")
    return f"{kind}:{_path(argument)}" if argument else spec


def _shapes(_: str, split: str) -> Images:
    return read_shapes(split, cache_folder())


def _imagenette(argument: str, split: str) -> Images:
    return read_imagenette(_path(argument) if argument else cache_folder(), split)


def _mnist(argument: str, split: str) -> Images:
    return read_mnist(_path(argument) if argument else cache_folder(), split, cache_folder())


def _list(argument: str, split: str) -> Images:
    if split != "val":
        raise UserError(f"data 'list:{argument}': a list has no split {split!r}; give --split 0.2, or folder:DIR")
    return read_list(_path(argument))


def _at(read: Callable[..., Images]) -> Callable[..., Images]:
    """A reader of a path, for an argument as it was typed."""
    return lambda argument, *split: read(_path(argument), *split)


def _path(argument: str) -> Path:
    """Absolute, with a name even for `.`; the shell does not expand a `~` behind a colon."""
    return Path(os.path.abspath(os.path.expanduser(argument)))


def _forms() -> str:
    return ", ".join(kind + source.argument for kind, source in DATASETS.items())


def _hint(spec: str, kind: str) -> str:
    if os.path.isdir(spec):
        return f"; did you mean 'folder:{spec}'?"
    if os.path.isfile(spec):
        return f"; did you mean 'list:{spec}'?"
    near = get_close_matches(kind.lower(), DATASETS, n=1)
    return f"; did you mean {near[0]}?" if near else ""


DATASETS = {
    "shapes": Source(_shapes, "", "rendered scenes, 24 classes, made on the spot"),
    "imagenet": Source(
        _at(read_imagenet), ":DIR", "ILSVRC-2012: val/<WordNet id>/*.JPEG, or flat val/*.JPEG and a label file"
    ),
    "imagenette": Source(_imagenette, "[:DIR]", "ten ImageNet classes, downloaded into DIR or the cache"),
    "mnist": Source(_mnist, "[:DIR]", "handwritten digits, downloaded into DIR or the cache; val: the test images"),
    "voc2007": Source(_at(read_voc2007), ":DIR", "objects of Pascal VOC 2007 cut out, in DIR/VOCdevkit/VOC2007"),
    "catsdogs": Source(_at(read_catsdogs), ":DIR", "Kaggle's cat.N.jpg and dog.N.jpg", _at(read_all_catsdogs)),
    "folder": Source(_at(read_folder), ":DIR", "one folder per class, in DIR or DIR/val", _at(read_whole)),
    "list": Source(
        _list,
        ":FILE",
        "lines 'path label' or 'label;path', or a CSV with columns file,label or path,label",
        _at(read_list),
    ),
}
