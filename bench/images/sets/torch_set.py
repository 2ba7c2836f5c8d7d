"""One of torchvision's data sets, downloaded by it unless it is there, as a set of images."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import UserError
from bench.extras import needed
from bench.folders import made_to_fill
from bench.images.containers.finder import Finder
from bench.images.containers.part_names import SEEN
from bench.images.dataset import Images
from bench.images.sets.given_images import read_given
from bench.images.sets.torch_set_files import Reader, Unpacked, named
from bench.images.sets.torch_sets import SETS, Part, TorchSet
from bench.progress import downloading
from results.names import text_of


def read_torch_set(
    kind: str, folder: Path, part: str = "val", duplicates: bool = False, other: TorchSet | None = None
) -> Images:
    """A part of one of `SETS`: files as files, other images as torchvision's class fetches them.

    `folder` is what torchvision's class is given; what is missing there is downloaded. `other` is what the set is taken
    for in place of that. Raises UserError and OSError.
    """
    own = other or SETS[kind]
    taken = own.evaluated if part == "val" else own.trained
    if taken is None:
        raise UserError(f"data {kind!r}: it has no parts; give --split 0.2, which makes some")
    if own.needs:
        needed(own.needs, "sets")
    root = _root(folder, taken.place)
    place = root / taken.place
    if not place.exists():
        _download(kind, own, taken, root)
    finder = Finder(duplicates)
    make = partial(_class(own), str(root), **taken.arguments)
    with _whole(kind, place):
        images = _files(own, taken.files, root, Unpacked(place, finder, make)) if taken.files else _fetched(own, make)
    name = f"{kind}/{taken.word}" if taken.word else kind
    said = _said(own, taken, part, len(images))
    return replace(images, name=name, notes=(*images.notes, *said, *finder.notes(place)))


def _root(folder: Path, place: str) -> Path:
    """The folder that holds the set's, where this or one in it was given."""
    parts = Path(place).parts
    inside = (folder.parents[k] for k in range(len(parts)) if folder.parts[-k - 1 :] == parts[: k + 1])
    return next((above for above in inside if (above / place).exists()), folder)


def _class(own: TorchSet) -> Any:
    from torchvision import datasets

    return getattr(datasets, own.cls)


def _said(own: TorchSet, taken: Part, part: str, count: int) -> tuple[str, ...]:
    if own.trained is None:
        said = f"the set has no parts: all images are taken, and a net trained on some of them {SEEN}"
    else:
        verb = "evaluated" if part == "val" else "taken for training"
        said = f"its {taken.word} images are {verb}, as torchvision's {own.cls} has them"
    return (said,) if count == taken.images else (said, f"{count} images, not the {taken.images:,} of the set")


def _files(own: TorchSet, read: Reader, root: Path, part: Unpacked) -> Images:
    """Raises UserError for files that are missing, and ValueError for labels that the classes do not have."""
    found = read(part)
    missing = [path for path in found.files if not os.path.isfile(path)]
    if missing:
        raise UserError(
            f"data {str(part.place)!r}: {len(missing)} of {len(found.files)} images are not there, first "
            f"{str(missing[0])!r}; unpack the set again"
        )
    part.finder.check_twins(found.files)
    labels = np.array(found.labels, dtype=np.int64)
    _check(labels, found.classes)
    above = part.place if part.place.is_dir() else root
    ids = tuple(text_of(os.path.relpath(path, above).replace(os.sep, "/")) for path in found.files)
    return Images(own.cls, tuple(found.files), ids, labels, found.classes, len(ids))


def _fetched(own: TorchSet, make: Callable[[], Any]) -> Images:
    made = make()
    images, classes = read_given(made, name=own.cls), own.classes or named(made)
    _check(images.labels, classes)
    return replace(images, classes=classes)


def _check(labels: np.ndarray, classes: Sequence[str] | None) -> None:
    if not len(labels) or labels.min() < 0 or (classes and labels.max() >= len(classes)):
        raise ValueError("its labels are not those of its classes")


@contextmanager
def _whole(kind: str, place: Path) -> Iterator[None]:
    """Whatever torchvision's class meets in files that are not its own is one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, FileNotFoundError):
            raise
        raise UserError(
            f"data {str(place)!r}: this is not {kind} as torchvision knows it, or not whole ({_reason(error)}); remove "
            "it to download it anew, or unpack it again"
        ) from None


def _download(kind: str, own: TorchSet, part: Part, root: Path) -> None:
    """Into a folder aside, so that an interrupted run leaves no half of a set to be measured. Raises UserError."""
    with made_to_fill(root), tempfile.TemporaryDirectory(prefix=f"{kind}-", dir=root) as aside:
        try:
            with downloading():
                _class(own)(aside, **part.arguments, download=True)
        except Exception as error:
            raise UserError(
                f"data {kind!r}: download failed ({_reason(error)}); put the set where torchvision's {own.cls} has it, "
                f"in {str(root / part.place)!r}"
            ) from None
        _move(Path(aside), root)


def _move(source: Path, target: Path) -> None:
    """What is in one folder into another, which keeps what it has."""
    for each in source.iterdir():
        if not (target / each.name).exists():
            each.rename(target / each.name)
        elif each.is_dir():
            _move(each, target / each.name)


def _reason(error: Exception) -> str:
    """In a line, without what it says to programmers."""
    return " ".join(str(error).split()).partition(" You can ")[0][:200] or type(error).__name__
