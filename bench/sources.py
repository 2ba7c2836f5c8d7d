"""`--data`: from what was typed to a set of images."""

import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from bench.cache import cache_folder
from bench.data import Images
from bench.errors import UserError
from bench.folder import read_folder, read_imagenet, read_imagenette
from bench.lists import read_list
from bench.shapes import SPLITS, read_shapes


class Source(NamedTuple):
    """A kind of data: `read(argument, split)`, how the argument is written behind the kind, and a line about it."""

    read: Callable[[str, str], Images]
    argument: str
    about: str


def open_data(spec: str, split: str = "val") -> Images:
    """Open a data set, `kind` or `kind:argument` with a kind of `DATASETS`, and one of its splits. Raises UserError."""
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
        return source.read(argument, split)
    except OSError as error:
        where = str(error.filename or argument or kind)
        raise UserError(
            f"data {spec!r}: {where!r} cannot be read ({error.strerror or error}); allow it, or give another"
        ) from None


def anywhere(spec: str) -> str:
    """The same data set named so that it is found from any working folder."""
    kind, _, argument = spec.partition(":")
    return f"{kind}:{_path(argument)}" if argument else spec


def _shapes(_: str, split: str) -> Images:
    return read_shapes(split, cache_folder())


def _imagenet(argument: str, split: str) -> Images:
    return read_imagenet(_path(argument), split)


def _imagenette(argument: str, split: str) -> Images:
    return read_imagenette(_path(argument) if argument else cache_folder(), split)


def _folder(argument: str, split: str) -> Images:
    return read_folder(_path(argument), split)


def _list(argument: str, split: str) -> Images:
    if split != "val":
        raise UserError(f"data 'list:{argument}': a list has no split {split!r}; give folder:DIR with {split}/ in it")
    return read_list(_path(argument))


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
    "imagenet": Source(_imagenet, ":DIR", "ILSVRC-2012: val/<WordNet id>/*.JPEG, or flat val/*.JPEG and a label file"),
    "imagenette": Source(_imagenette, "[:DIR]", "ten ImageNet classes, downloaded into DIR or the cache"),
    "folder": Source(_folder, ":DIR", "one folder per class, in DIR or DIR/val"),
    "list": Source(_list, ":FILE", "lines 'path label' or 'label;path', or a CSV with columns file,label"),
}
