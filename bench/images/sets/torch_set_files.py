"""Where files and labels are in torchvision's data sets: in lists that its classes made, or in class folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.images.containers.finder import Finder


class Found(NamedTuple):
    """The files of a part with their labels, and the names that these count in, None where nobody names them."""

    files: Sequence[Path]
    labels: Sequence[int]
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class Unpacked:
    """A part of a set that is there: the folder or file that it is in, what looks into folders, and torchvision's
    class, `made()`, which may read much.
    """

    place: Path
    finder: Finder
    made: Callable[[], Any]


Reader = Callable[[Unpacked], Found]


def listed(files: str, labels: str) -> Reader:
    """By two attributes of torchvision's class."""

    def read(part: Unpacked) -> Found:
        made = part.made()
        return Found(list(map(Path, getattr(made, files))), list(map(int, getattr(made, labels))), named(made))

    return read


def paired(samples: str) -> Reader:
    """By an attribute of torchvision's class, pairs of file and label."""

    def read(part: Unpacked) -> Found:
        made = part.made()
        files, labels = zip(*getattr(made, samples), strict=True)
        return Found(list(map(Path, files)), list(map(int, labels)), named(made))

    return read


def in_folders(*left_out: str) -> Reader:
    """By class folders, sorted; some are no class. torchvision's classes would take hidden ones for some."""

    def read(part: Unpacked) -> Found:
        folders = [name for name in part.finder.listing(part.place).folders if name not in left_out]
        return _of(part, {name: part.place / name for name in folders})

    return read


def in_numbered_folders(part: Unpacked) -> Found:
    """By folders `00000`, `00001`, ..., whose numbers are the labels; torchvision counts those that are there."""
    found = in_folders()(part)
    numbers = list(map(int, found.classes or ()))
    return Found(found.files, [numbers[label] for label in found.labels], None)


def in_named_folders(part: Unpacked) -> Found:
    """By `ClassName.txt`, which says `/a/abbey` of each class; torchvision takes files in the order of the disk."""
    lines = (part.place / "ClassName.txt").read_text("utf-8").split()
    return _of(part, {line.lstrip("/").partition("/")[2]: part.place / line.lstrip("/") for line in lines})


def named(made: Any) -> tuple[str, ...] | None:
    """The classes' names where a class of torchvision's has them."""
    names = getattr(made, "classes", None)
    return tuple(map(str, names)) if isinstance(names, list | tuple) and len(set(names)) == len(names) else None


def _of(part: Unpacked, folders: dict[str, Path]) -> Found:
    """Raises UserError for a class without a folder or an image."""
    files: list[Path] = []
    labels: list[int] = []
    for label, (name, folder) in enumerate(folders.items()):
        here = part.finder.listing(folder) if folder.is_dir() else None
        if here is None or not here.images:
            raise UserError(f"data {str(part.place)!r}: class {name!r} has no image; unpack the set again")
        part.finder.leave_out(folder, here.others)
        files += [folder / each for each in here.images]
        labels += [label] * len(here.images)
    return Found(files, labels, tuple(folders))
