"""Folders of images, one folder per class."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.data import Images
from bench.errors import UserError


@dataclass
class Met:
    """The folders of one data set, by device and number, and whether any of its images is a link."""

    folders: dict[tuple[int, int], str] = field(default_factory=dict)
    links: bool = False


def read_folder(folder: Path, split: str) -> Images:
    """Class folders in `folder/split`, or in `folder` itself for the split `val`. Raises UserError and OSError."""
    name = f"folder:{folder.name}"
    require(folder)
    if has_folders(folder / split):
        return read_classes(folder / split, name)
    if split != "val":
        raise UserError(
            f"data {str(folder)!r}: no class folders in {split}/; give a folder with {split}/<class>/ in it, or "
            "--split 0.2 to make parts of one that has none"
        )
    if has_folders(folder / "train"):
        # the splits would be read as two classes
        raise UserError(
            f"data {str(folder)!r}: it has train/ but no val/<class>/; give the folder of the class folders"
        )
    return read_classes(folder, name)


def read_whole(folder: Path) -> Images:
    """All class folders of a folder without parts, of which `--split` makes some. Raises UserError and OSError."""
    if parts := parts_of(folder):
        raise UserError(
            f"data {str(folder)!r}: {parts[0]}/ is there with class folders in it; leave --split out, or give "
            "the folder of the class folders"
        )
    return read_folder(folder, "val")


def parts_of(folder: Path) -> list[str]:
    """The splits that a folder has folders of classes for."""
    return [split for split in ("train", "val") if has_folders(folder / split)]


def read_classes(root: Path, name: str) -> Images:
    """One folder per class, sorted by class and file as torchvision's ImageFolder does.

    Raises UserError for an empty class, images outside the class folders and images that links would make count twice,
    and OSError for unreadable folders.
    """
    classes, loose = listing(root)
    if not classes:
        raise UserError(f"data {str(root)!r}: no class folders in it; sort the images into one folder per class")
    if loose:
        raise UserError(
            f"data {str(root)!r}: {len(loose)} images stand beside the class folders, first {loose[0]!r}; "
            "move them into class folders or away"
        )
    paths: list[Path] = []
    labels: list[int] = []
    met = Met()
    for label, each in enumerate(classes):
        found = images_below(root / each, met)
        if not found:
            allowed = " ".join(extensions())
            raise UserError(f"data {str(root)!r}: class folder {each!r} holds no image ({allowed}); fill or remove it")
        paths += found
        labels += [label] * len(found)
    if met.links:
        _refuse_twins(paths)
    return Images(
        name=name,
        paths=tuple(paths),
        ids=tuple(path.relative_to(root).as_posix() for path in paths),
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(classes),
        total=len(paths),
    )


def require(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"data {str(folder)!r}: there is no such folder; give one that holds the images")


def has_folders(folder: Path) -> bool:
    return folder.is_dir() and bool(listing(folder)[0])


def listing(folder: Path) -> tuple[list[str], list[str]]:
    """The names of a folder's folders, and those of its images. Raises UserError where two of these are one file."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
        folders = [entry.name for entry in found if entry.is_dir()]
        images = [entry for entry in found if _is_image(entry.name) and not entry.is_dir()]
    if any(entry.is_symlink() for entry in images):
        _refuse_twins(Path(entry.path) for entry in images)
    return folders, [entry.name for entry in images]


def images_below(folder: Path, met: Met | None = None) -> list[Path]:
    """Image files by their extension, in all folders below, sorted; and folders that are named so and hold no image.

    Raises OSError for unreadable folders, and UserError where links lead to one that was met before.
    """
    walk = sorted(_walk(str(folder), met or Met()))
    images = [Path(place, name) for place, _, names in walk for name in sorted(names) if _is_image(name)]
    folders = [Path(place, name) for place, names, _ in walk for name in sorted(names) if _is_image(name)]
    return images + [each for each in folders if not any(image.is_relative_to(each) for image in images)]


def _walk(folder: str, met: Met) -> Iterator[tuple[str, list[str], list[str]]]:
    """As os.walk does, with an eye on links, which a folder's listing tells without asking for each file."""
    left = [folder]
    while left:
        place = left.pop()
        about = os.stat(place)
        first = met.folders.setdefault((about.st_dev, about.st_ino), place)
        if first != place:
            raise _again("folder", place, first)
        folders: list[str] = []
        names: list[str] = []
        with os.scandir(place) as entries:
            for entry in entries:
                (folders if _is_folder(entry) else names).append(entry.name)
                met.links |= entry.is_symlink() and _is_image(entry.name)
        left += [os.path.join(place, name) for name in sorted(folders, reverse=True)]
        yield place, folders, names


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _refuse_twins(paths: Iterable[Path]) -> None:
    """Raise UserError where two paths lead to one file; two names that are not links are two files."""
    first: dict[str, Path] = {}
    for path in paths:
        other = first.setdefault(os.path.realpath(path), path)
        if other != path:
            raise _again("image", str(path), str(other))


def _again(what: str, place: str, first: str) -> UserError:
    images = "its images" if what == "folder" else "it"
    return UserError(f"{what} {place!r} is {first!r} again, by a link: {images} would count twice; remove it")


def _is_image(name: str) -> bool:
    return name.lower().endswith(extensions())


def extensions() -> tuple[str, ...]:
    """What makes a file in a folder an image."""
    from torchvision.datasets.folder import IMG_EXTENSIONS

    return IMG_EXTENSIONS
