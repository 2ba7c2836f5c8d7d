"""Folders of a disk, and those in tars: what is the same for whoever looks into them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from bench.images.containers.tar_folders import TarEntry, TarFolder
from bench.images.image_source import Source

Folder = Path | TarFolder
AnyFolder = TypeVar("AnyFolder", Path, TarFolder)


def entries_in(folder: Folder) -> Sequence[os.DirEntry[str] | TarEntry]:
    """What stands in it, in no order. Raises OSError."""
    if isinstance(folder, TarFolder):
        return folder.entries()
    with os.scandir(folder) as entries:
        return list(entries)


def identity(folder: Folder) -> tuple[int, int] | str:
    """The same for a folder under all of its names. Raises OSError."""
    if isinstance(folder, TarFolder):
        return str(folder)
    about = os.stat(folder)
    return about.st_dev, about.st_ino


def sources_of(root: Folder, paths: Sequence[Path]) -> tuple[Source, ...]:
    """What the images of these paths, below the root, are read from."""
    return root.tree.sources(paths) if isinstance(root, TarFolder) else tuple(paths)
