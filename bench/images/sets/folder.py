"""Folders of images, one folder per class."""

from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.containers.any_folder import AnyFolder, Folder, sources_of
from bench.images.containers.finder import Finder, images_of
from bench.images.containers.layout import (
    archives,
    check_classes,
    flat_parts,
    has_folders,
    innermost,
    named_training,
    part_for,
    refuse_known,
    refuse_parts,
    source_at,
)
from bench.images.dataset import Images
from bench.images.decoding import FORMATS
from bench.images.sets.tiny_imagenet import annotated, read_annotated


def read_folder(folder: Path, split: str, duplicates: bool = False) -> Images:
    """Class folders in the split's part of `folder`, or in `folder` itself for the split `val`.

    With `duplicates`, images that links show twice count twice. Raises UserError and OSError.
    """
    require(folder)
    base, notes = innermost(folder)
    refuse_known(folder, base)
    if annotated(base) and split == "val":
        return read_annotated(base, f"folder:{folder.name}", notes, duplicates)
    return read_part(folder, base, f"folder:{folder.name}", split, duplicates, notes)


def read_part(
    folder: AnyFolder, base: AnyFolder, name: str, split: str, duplicates: bool, notes: tuple[str, ...]
) -> Images:
    """The class folders of a split in `base`, the innermost of `folder`. Raises UserError and OSError."""
    taken, said = part_for(base, split)
    if taken is None:
        _require_whole(folder, base, split)
        return read_classes(base, name, duplicates, notes + named_training(base, folder))
    root, within = innermost(base / taken, part=True)
    said = notes + said + within + (named_training(base / taken) if split == "val" else ())
    return read_classes(root, name + f"/{taken}" * (taken != split), duplicates, said)


def _require_whole(folder: Folder, base: Folder, split: str) -> None:
    """Raise UserError where there are parts, or a part is asked for."""
    if split != "val":
        raise UserError(
            f"data {str(folder)!r}: no class folders in {split}/; give a folder with {split}/<class>/ in it, or "
            "--split 0.2 to make parts of one that has none"
        )
    training, _ = part_for(base, "train")
    if training:
        # the splits would be read as two classes
        raise UserError(
            f"data {str(folder)!r}: it has {training}/ but no val/<class>/{flat_parts(base)}; give the folder of the "
            "class folders"
        )


def read_whole(folder: Path, duplicates: bool = False) -> Images:
    """All class folders of a folder without parts, of which `--split` makes some. Raises UserError and OSError."""
    if parts := parts_within(folder):
        raise UserError(
            f"data {str(folder)!r}: {parts[0]}/ is there with class folders in it; leave --split out, or give "
            "the folder of the class folders"
        )
    return read_folder(folder, "val", duplicates)


def parts_within(folder: Path) -> list[str]:
    """The names of a folder's parts. Raises OSError."""
    if not folder.is_dir():
        return []
    base, _ = innermost(folder)
    parts = (part_for(base, split)[0] for split in ("train", "val"))
    return [part for part in parts if part] + ["val"] * annotated(base)


def read_classes(root: Folder, name: str, duplicates: bool = False, notes: tuple[str, ...] = ()) -> Images:
    """One folder per class, sorted by class and file as torchvision's ImageFolder does.

    Raises UserError for what are no classes, an empty class, images outside the class folders and images that links
    would make count twice, and OSError for unreadable folders.
    """
    finder = Finder(duplicates)
    classes, loose, others = finder.listing(root)
    _require_classes(root, classes, loose, others)
    paths: list[Path] = []
    labels: list[int] = []
    below = {}
    for label, each in enumerate(classes):
        below[each] = finder.below(root / each)
        found = images_of(below[each])
        if not found:
            raise _empty(root, classes, each, below[each][str(root / each)].others)
        paths += found
        labels += [label] * len(found)
    notes += check_classes(root, classes, below)
    finder.check_twins(paths)
    if unpacked := archives(others):
        notes += (f"beside the class folders{unpacked.removeprefix(';')} to be counted",)
    return Images(
        name=name,
        sources=sources_of(root, paths),
        ids=tuple(path.relative_to(root).as_posix() for path in paths),
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(classes),
        total=len(paths),
        notes=notes + finder.notes(root),
    )


def _require_classes(root: Folder, classes: list[str], loose: list[str], others: list[str]) -> None:
    """Raise UserError where they are none, or images stand beside them."""
    if loose and not classes:
        raise UserError(
            f"data {str(root)!r}: no class folders in it, but {len(loose)} images, first {loose[0]!r}; give the folder "
            "above if it is one class of a set; else sort them into one folder per class, or write list:FILE"
        )
    if not classes:
        raise UserError(
            f"data {str(root)!r}: no class folders in it; sort the images into one folder per class{archives(others)}"
        )
    if loose:
        raise UserError(
            f"data {str(root)!r}: {len(loose)} images stand beside the class folders, first {loose[0]!r}; "
            "move them into class folders or away"
        )
    refuse_parts(root, classes)


def _empty(root: Folder, classes: list[str], empty: str, others: list[str]) -> UserError:
    deeper = next((each for each in classes if each != empty and has_folders(root / each)), None)
    instead = f", or give {source_at(root / deeper)}, if the class folders are in it" if deeper else ""
    return UserError(
        f"data {str(root)!r}: class folder {empty!r} holds no image ({' '.join(FORMATS)}); fill or remove it"
        f"{instead}{archives(others)}"
    )


def one_class(kind: str, folder: Path) -> UserError:
    """Of a class folder, which is one level too deep."""
    return UserError(
        f"data {str(folder)!r}: this is the folder of one class; give the folder above, {kind}:{folder.parent}"
    )


def require(folder: Path) -> None:
    if folder.is_file() and folder.suffix == ".tar":
        raise UserError(f"data {str(folder)!r} is a tar; give tar:{folder}, or unpack it")
    if folder.is_file():
        raise UserError(
            f"data {str(folder)!r} is a file; unpack it if it is an archive, and give the folder, or list:FILE"
        )
    if not folder.is_dir():
        raise UserError(f"data {str(folder)!r}: there is no such folder; give one that holds the images")
