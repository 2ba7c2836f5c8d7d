"""`--data`: from what was typed to a set of images."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.cache import cache_folder
from bench.errors import UserError
from bench.images.class_map import mapped
from bench.images.class_names import named, read_class_names
from bench.images.data_spec import DataSpec
from bench.images.dataset import Images
from bench.images.layout import SEEN
from bench.images.numbered_classes import as_stated
from bench.images.real_labels import reassessed
from bench.images.relabellings import doubted
from bench.images.sets.catsdogs import read_all_catsdogs, read_catsdogs
from bench.images.sets.folder import parts_within, read_folder, read_whole
from bench.images.sets.hub import parse_hub, read_hub, read_whole_hub
from bench.images.sets.imagenet import read_imagenet, read_imagenette, read_tiny_imagenet
from bench.images.sets.imagenet_c import read_corrupted
from bench.images.sets.imagenet_o import both_sets, read_outside
from bench.images.sets.imagenet_relatives import read_relative
from bench.images.sets.imagenet_v2 import read_imagenet_v2
from bench.images.sets.lists import Columns, parts_of_list, read_list, read_whole_list
from bench.images.sets.mnist import read_mnist
from bench.images.sets.objectnet import read_objectnet, refuse_training
from bench.images.sets.parquet import read_parquet, read_whole_parquet
from bench.images.sets.parquet_files import parts_within as parts_of_parquet
from bench.images.sets.shapes import SPLITS, read_shapes
from bench.images.sets.tar import parts_of_tar, read_tar, read_whole_tar
from bench.images.sets.torch_set import read_torch_set
from bench.images.sets.torch_sets import SETS
from bench.images.sets.voc import read_voc2007
from bench.images.split import in_both, split_images
from results.names import mended, text_of

MOST_CLASSES = 100_000  # of a net that is trained


class OpenedData(NamedTuple):
    """What was asked for, and what it is."""

    spec: DataSpec
    images: Images


class Source(NamedTuple):
    """A kind of data: `read(spec, part)`, how the argument is written behind the kind, and a line about it.

    `read_all(spec)` is what `--split` makes parts of; None where the set has parts of its own.
    """

    read: Callable[[DataSpec, str], Images]
    argument: str
    about: str
    read_all: Callable[[DataSpec], Images] | None = None


def open_data(spec: DataSpec, part: str = "val") -> Images:
    """Open a part of a data set, whose source is `kind` or `kind:argument` with a kind of `DATASETS`.

    Raises UserError.
    """
    kind, argument = spec.kind, spec.argument
    if kind not in DATASETS:
        raise UserError(f"data {spec.source!r}: give {_forms()}{_hint(spec.source, kind)}")
    source = DATASETS[kind]
    if argument and not source.argument:
        raise UserError(f"data {spec.source!r}: {kind} takes no argument; give {kind}")
    if not argument and source.argument.startswith(":"):
        raise UserError(f"data {spec.source!r}: {kind} needs an argument; give {kind}{source.argument}")
    if part not in SPLITS:
        raise UserError(f"data {spec.source!r}: there is no split {part!r}; give {' or '.join(SPLITS)}")
    try:
        images = _in_utf8(source.read(spec, part), kind) if spec.split is None else _split(source, spec, part)
    except OSError as error:
        where = str(error.filename or argument or kind)
        raise UserError(
            f"data {spec.source!r}: {where!r} cannot be read ({error.strerror or error}); allow it, or give another"
        ) from None
    images = _labelled(images, spec)
    if spec.exif:
        images = _turned(images, kind)
    if spec.verify:
        images = replace(images, verify=True)
    if spec.labels:
        images = reassessed(images, spec.labels)
    return (_named(images, spec) if part == "train" else images).limit(spec.limit)


def _labelled(images: Images, spec: DataSpec) -> Images:
    """With labels as the options say. Raises UserError."""
    if spec.class_map is not None:
        return mapped(images, spec.class_map)
    images = doubted(as_stated(images, spec.class_order, spec.labels_from))
    if spec.classes is None or images.classes is not None:
        return images
    return named(images, read_class_names(spec.classes) if isinstance(spec.classes, str) else spec.classes)


def fetched(source: str) -> bool:
    """Whether a data set may have to be downloaded, unpacked or rendered before it can be opened."""
    kind = source.partition(":")[0]
    return kind == "hf" or (kind in DATASETS and not DATASETS[kind].argument.startswith(":"))


def has_parts(source: str, columns: Columns = None) -> bool:
    """Whether a data set comes in training and validation images, as far as that can be seen.

    `columns` are those of a list that says which.
    """
    kind, _, argument = source.partition(":")
    if kind not in DATASETS:
        return False
    if kind == "hf":
        return parse_hub(argument).split is None
    try:
        if kind == "list":
            return bool(parts_of_list(_path(argument), columns))
        found = {"folder": parts_within, "tar": parts_of_tar, "parquet": parts_of_parquet}
        return DATASETS[kind].read_all is None or (kind in found and bool(found[kind](_path(argument))))
    except OSError:
        return False


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


def _split(source: Source, spec: DataSpec, part: str) -> Images:
    assert spec.split is not None
    if source.read_all is None:
        raise UserError(
            f"--split {spec.split:g}: {spec.kind} has training and validation images of its own; leave --split out"
        )
    images = _in_utf8(source.read_all(spec), spec.kind)
    images = replace(images, notes=tuple(note for note in images.notes if not note.endswith(SEEN)))  # parts are new
    train, val = split_images(images, spec.split, spec.seed)
    if spec.allow_duplicates and (count := in_both(train, val)):
        val = replace(val, notes=(*val.notes, f"{count} of the validation images are training images too, by links"))
    return {"train": train, "val": val}[part]


def anywhere(source: str) -> str:
    """The same data set named so that it is found from any working folder."""
    kind, _, argument = source.partition(":")
    if kind == "imagenet-o":
        folder, within = both_sets(argument)
        return f"{kind}:{_path(folder)}+{anywhere(within)}"
    return f"{kind}:{parse_hub(argument) if kind == 'hf' else _path(argument)}" if argument else source


def _shapes(spec: DataSpec, part: str) -> Images:
    return read_shapes(part, cache_folder(), spec.limit)


def _imagenet(spec: DataSpec, part: str) -> Images:
    return read_imagenet(_path(spec.argument), part, spec.allow_duplicates, spec.labels_from)


def _imagenette(spec: DataSpec, part: str) -> Images:
    return read_imagenette(_path(spec.argument) if spec.argument else cache_folder(), part, spec.allow_duplicates)


def _mnist(spec: DataSpec, part: str) -> Images:
    return read_mnist(_path(spec.argument) if spec.argument else cache_folder(), part, cache_folder())


def _outside(spec: DataSpec, part: str) -> Images:
    folder, within = both_sets(spec.argument)
    images = open_data(replace(spec, source=within, limit=None, exif=False, labels=None))
    return read_outside(_path(folder), images, part, spec.allow_duplicates)


def _relative(kind: str, about: str) -> Source:
    return _alone(partial(read_relative, kind), about)


def _torch_set(kind: str) -> Source:
    def read(spec: DataSpec, part: str = "val") -> Images:
        folder = _path(spec.argument) if spec.argument else cache_folder()
        return read_torch_set(kind, folder, part, spec.allow_duplicates)

    return Source(read, "[:DIR]", f"torchvision's: {SETS[kind].about}", None if SETS[kind].trained else read)


def _alone(read: Callable[..., Images], about: str) -> Source:
    """A set in a folder that has one part, for evaluation."""
    return Source(_at(read), ":DIR", about, _at(read))


def _at(read: Callable[..., Images]) -> Callable[..., Images]:
    """A reader of a path, for an argument as it was typed."""
    return lambda spec, *part: read(_path(spec.argument), *part, duplicates=spec.allow_duplicates)


def _listed(read: Callable[..., Images]) -> Callable[..., Images]:
    """A reader of a list."""
    return lambda spec, *part: read(_path(spec.argument), *part, duplicates=spec.allow_duplicates, columns=spec.columns)


def _path(argument: str) -> Path:
    """Absolute, with a name even for `.`; the shell does not expand a `~` behind a colon."""
    return Path(os.path.abspath(os.path.expanduser(argument)))


def _forms() -> str:
    return ", ".join(kind + source.argument for kind, source in DATASETS.items())


def _hint(spec: str, kind: str) -> str:
    if os.path.isdir(spec):
        return f"; did you mean 'folder:{spec}'?"
    if os.path.isfile(spec):
        return f"; did you mean '{'tar' if spec.endswith('.tar') else 'list'}:{spec}'?"
    near = get_close_matches(kind.lower(), DATASETS, n=1)
    return f"; did you mean {near[0]}?" if near else ""


DATASETS = {
    "shapes": Source(_shapes, "", "rendered scenes, 24 classes, made on the spot"),
    "imagenet": Source(
        _imagenet, ":DIR", "ILSVRC-2012: val/<WordNet id>/*.JPEG, flat or the original tar, with labels or the devkit"
    ),
    "imagenet-a": _relative("imagenet-a", "natural adversarial examples; only their 200 classes compete"),
    "imagenet-r": _relative("imagenet-r", "renditions; only their 200 classes compete"),
    "imagenet-sketch": _relative("imagenet-sketch", "sketches of all 1000 classes"),
    "imagenet-v2": _alone(read_imagenet_v2, "new test images in one of three variants: DIR/<index>/*.jpeg"),
    "imagenet-o": Source(_outside, ":DIR+imagenet:DIR", "images of no class, told from ImageNet's by AUPR"),
    "imagenet-c": Source(_at(read_corrupted), ":DIR", "corruptions of five severities, counted one by one, and mCE"),
    "objectnet": Source(
        _at(read_objectnet),
        ":DIR",
        "its 113 classes that are ImageNet's; for evaluation only",
        _at(refuse_training),
    ),
    "tiny-imagenet": Source(_at(read_tiny_imagenet), ":DIR", "200 ImageNet classes, 64x64, as handed out or sorted"),
    "imagenette": Source(_imagenette, "[:DIR]", "ten ImageNet classes, downloaded into DIR or the cache"),
    "mnist": Source(_mnist, "[:DIR]", "handwritten digits, downloaded into DIR or the cache; val: the test images"),
    **{kind: _torch_set(kind) for kind in SETS},
    "voc2007": Source(_at(read_voc2007), ":DIR", "objects of Pascal VOC 2007 cut out, in DIR/VOCdevkit/VOC2007"),
    "catsdogs": Source(_at(read_catsdogs), ":DIR", "Kaggle's cat.N.jpg and dog.N.jpg", _at(read_all_catsdogs)),
    "folder": Source(_at(read_folder), ":DIR", "one folder per class, in DIR or DIR/val", _at(read_whole)),
    "list": Source(
        _listed(read_list),
        ":FILE",
        "lines 'path label' or 'label;path', JSON lines, or a CSV with columns file,label or path,label",
        _listed(read_whole_list),
    ),
    "tar": Source(
        _at(read_tar),
        ":FILES",
        "class folders in tars, or WebDataset shards, by a pattern such as val-{00..63}.tar",
        _at(read_whole_tar),
    ),
    "parquet": Source(
        lambda spec, part: read_parquet(_path(spec.argument), part),
        ":DIR",
        "a hub's shards, by folder, file or pattern: images and labels",
        lambda spec: read_whole_parquet(_path(spec.argument)),
    ),
    "hf": Source(
        lambda spec, part: read_hub(spec.argument, part),
        ":NAME[/CONFIG][:SPLIT]",
        "a set of the Hugging Face hub, from the cache of its library or downloaded",
        lambda spec: read_whole_hub(spec.argument),
    ),
}
