"""Tars as they are: class folders in them, or WebDataset shards."""

import re
from pathlib import Path

from bench.errors import UserError
from bench.images.containers.finder import foreign, named_as_image
from bench.images.containers.layout import archives, innermost, part_for, refuse_known
from bench.images.containers.part_names import SEEN, is_training
from bench.images.containers.tar_files import TarIndex
from bench.images.containers.tar_folders import TarFolder, TarTree
from bench.images.containers.tar_index import tar_index
from bench.images.dataset import Images
from bench.images.sets.folder import read_part
from bench.images.sets.shards import shards, split_inside
from bench.images.sets.webdataset import has_labels, read_shards, seen_beside

NUMBER = re.compile(r"([-_.]?[0-9]+)*([-_.]?of[-_.]?[0-9]+)?$")  # of a shard


def read_tar(pattern: Path, split: str, duplicates: bool = False) -> Images:
    """The images of the tars that a pattern names, with the classes of their folders, or the labels beside them.

    Behind the pattern there may be a folder in the tars. With `duplicates`, images
    that are there again count again. Raises UserError and OSError.
    """
    indexes, inside, notes = _indexes(pattern)
    name = "/".join(filter(None, (f"tar:{Path(split_inside(str(pattern))[0]).name}", inside)))
    if split == "val":
        notes += _named_training(indexes)
    if not inside and has_labels(indexes):
        if split != "val":
            raise UserError(
                f"data {str(pattern)!r}: shards have no split {split!r}; give --split 0.2 to make parts of them"
            )
        return read_shards(indexes, name, duplicates, notes)
    folder = _folder(pattern, indexes, inside)
    base, said = innermost(folder)
    refuse_known(folder, base)
    return read_part(folder, base, name, split, duplicates, notes + said)


def read_whole_tar(pattern: Path, duplicates: bool = False) -> Images:
    """The images of tars without parts, of which `--split` makes some. Raises UserError and OSError."""
    if parts := parts_of_tar(pattern):
        raise UserError(
            f"data {str(pattern)!r}: {parts[0]}/ is there with class folders in it; leave --split out, or give "
            f"tar:{pattern}/{parts[0]}"
        )
    return read_tar(pattern, "val", duplicates)


def parts_of_tar(pattern: Path) -> list[str]:
    """The names of the parts in tars, none of shards. Raises UserError and OSError."""
    indexes, inside, _ = _indexes(pattern)
    if not inside and has_labels(indexes):
        return []
    base, _ = innermost(_folder(pattern, indexes, inside))
    return [part for split in ("train", "val") if (part := part_for(base, split)[0])]


def _indexes(pattern: Path) -> tuple[list[TarIndex], str, tuple[str, ...]]:
    """The tars of a pattern, the folder in them that is meant, and what is to be said of them."""
    outside, inside = split_inside(str(pattern))
    files, notes = shards(outside)
    for file in files:
        if not file.is_file():
            raise UserError(
                f"data {str(pattern)!r}: {str(file)!r} is no file; give tar:{file}/*.tar for the tars in a folder, or "
                "folder:DIR for images"
            )
    return [tar_index(file) for file in files], inside, notes


def _folder(pattern: Path, indexes: list[TarIndex], inside: str) -> TarFolder:
    """Raises UserError where there is no such folder, or no folder and no label at all."""
    root = TarFolder(TarTree(Path(split_inside(str(pattern))[0]), indexes))
    folder = root / inside if inside else root
    if not folder.is_dir():
        raise UserError(f"data {str(pattern)!r}: there is no folder {inside!r} in it; give one that is there")
    names = [name for index in indexes for name in index.names]
    if all("/" not in name or foreign(name) for name in names):
        images = [name for name in names if named_as_image(name) and not foreign(name)]
        first = f", first {images[0]!r}" if images else ""
        beside = seen_beside(indexes)
        way = "write labels so" if beside else "give imagenet:FILE for ImageNet's original tar"
        raise UserError(
            f"data {str(pattern)!r}: no class folders in it, and no label (.cls, .cls.txt, or .json with 'label') "
            f"beside its {len(images)} images{first}{beside}{archives(names)}; {way}"
        )
    return folder


def _named_training(indexes: list[TarIndex]) -> tuple[str, ...]:
    """What is to be said where the images that are evaluated are by their tars' names for training."""
    found = next((each.file.name for each in indexes if is_training(NUMBER.sub("", each.file.stem))), None)
    return (f"the tar is named {found!r}: a net trained on its images {SEEN}",) if found else ()
