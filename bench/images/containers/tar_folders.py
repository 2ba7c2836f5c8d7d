"""The folders in tars, to be looked into as those of a disk are, without unpacking."""

import os
import posixpath
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.errors import UserError
from bench.images.containers.tar_files import Kind, TarIndex, TarMember, plain_name

MOST_LINKS = 8  # that lead to one another
MOST_FOLDERS = 1_000_000
DEEPEST = 64  # folders in folders
START = 1 << 12  # bytes by which images are known


@dataclass(frozen=True)
class TarTree:
    """What is in tars, as if all were unpacked in one folder, which messages call `root`.

    `inside` are the names in each folder, by its path in the tars; each leads to a member, the tar's number and the
    member's, or to a folder, None.
    """

    root: Path
    indexes: Sequence[TarIndex]
    inside: dict[str, dict[str, tuple[int, int] | None]] = field(default_factory=lambda: {"": {}})

    def __post_init__(self) -> None:
        """Raises UserError for members that could not be unpacked beside each other."""
        for tar, index in enumerate(self.indexes):
            for number, path in enumerate(index.names):
                if not path:
                    continue
                if index.kinds[number] == Kind.FOLDER:
                    self._folder(path, index)
                    continue
                above, name = posixpath.split(path)
                names = self._folder(above, index)
                if name in names:
                    first = names[name]
                    raise _again(path, index, first and self.indexes[first[0]])
                names[name] = tar, number
        for index in self.indexes:
            self._refuse_linked_folders(index)

    def kind(self, path: str) -> int | None:
        """What a member is, None for none and for folders."""
        place = self._place(path)
        return None if place is None else int(self.indexes[place[0]].kinds[place[1]])

    def source(self, path: str) -> TarMember:
        """What an image of this path is read from, through links."""
        place = self._place(self.followed(path, (Kind.SYMBOLIC_LINK, Kind.HARD_LINK)))
        if place is None:
            fault = "a folder" if self._place(path) is None else "a link to nothing in the tar"
            return TarMember(self.indexes[0].file, path, self.indexes[0].stamp, -1, 0, fault)
        index, number = self.indexes[place[0]], place[1]
        return index.member(number, "no file" if index.kinds[number] == Kind.OTHER else "")

    def sources(self, paths: Iterable[Path]) -> tuple[TarMember, ...]:
        """What images are read from, whose paths begin with the root's."""
        return tuple(self.source(self._within(path)) for path in paths)

    def real(self, path: str | Path) -> str:
        """The path that symbolic links lead to, as os.path.realpath says it of a disk's."""
        return str(self.root / self.followed(self._within(path), (Kind.SYMBOLIC_LINK,)))

    def followed(self, path: str, links: Container[int | None]) -> str:
        """The path that links at a path lead to: it may be nothing's."""
        for _ in range(MOST_LINKS):
            if self.kind(path) not in links:
                return path
            path = self._target(path)
        return ""

    def _target(self, path: str) -> str:
        tar, number = self._place(path) or (0, 0)
        target = self.indexes[tar].targets[number]
        if self.kind(path) == Kind.HARD_LINK:
            return plain_name(target)
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))

    def _place(self, path: str) -> tuple[int, int] | None:
        above, name = posixpath.split(path)
        return self.inside.get(above, {}).get(name)

    def _within(self, path: str | Path) -> str:
        return str(path)[len(str(self.root)) :].removeprefix("/")

    def _folder(self, path: str, index: TarIndex) -> dict[str, tuple[int, int] | None]:
        """The names in a folder, which is made with those above it. Raises UserError."""
        if path not in self.inside:
            parts = path.split("/")
            if len(parts) > DEEPEST or len(self.inside) > MOST_FOLDERS:
                raise UserError(
                    f"data {str(index.file)!r}: {path[:100]!r} is folder {len(self.inside):,}, {len(parts)} deep; at "
                    f"most {MOST_FOLDERS:,} folders, {DEEPEST} deep, are read"
                )
            for length, name in enumerate(parts):
                here = "/".join(parts[:length])
                below = f"{here}/{name}" if here else name
                if below not in self.inside:
                    if name in self.inside[here]:
                        raise _again(below, index, None)
                    self.inside[here][name] = None
                    self.inside[below] = {}
        return self.inside[path]

    def _refuse_linked_folders(self, index: TarIndex) -> None:
        for number in index.targets:
            path = index.names[number]
            target = self.followed(path, (Kind.SYMBOLIC_LINK,))
            if target in self.inside and target:
                raise UserError(
                    f"data {str(index.file)!r}: member {path!r} is a link to the folder {target!r}, which is not "
                    "followed in a tar; write it again with tar -h"
                )


def _again(path: str, index: TarIndex, first: TarIndex | None) -> UserError:
    """Of a member of another's name, in the `first` tar, or of a folder's."""
    what = (
        "is a folder too" if first is None else f"is in {'it twice' if first is index else f'{str(first.file)!r} too'}"
    )
    return UserError(f"data {str(index.file)!r}: member {path!r} {what}; write the tar again without one of them")


@dataclass(frozen=True)
class TarEntry:
    """What stands in a folder of a tar, as os.DirEntry says it of a disk's."""

    tree: TarTree
    within: str
    name: str

    @property
    def path(self) -> str:
        return os.path.join(self.tree.root, self.within)

    @property
    def start(self) -> TarMember:
        """As much of it as its header may take."""
        source = self.tree.source(self.within)
        return replace(source, length=min(source.length, START))

    def is_dir(self) -> bool:
        return self.within in self.tree.inside

    def is_file(self) -> bool:
        return not (self.is_dir() or self.start.fault)

    def is_symlink(self) -> bool:
        return self.tree.kind(self.within) == Kind.SYMBOLIC_LINK


@dataclass(frozen=True)
class TarFolder:
    """A folder of tars, as pathlib says it of a disk's: its path is the tar's and that in the tar."""

    tree: TarTree
    within: str = ""

    def __fspath__(self) -> str:
        return os.path.join(self.tree.root, self.within) if self.within else str(self.tree.root)

    __str__ = __fspath__

    def __truediv__(self, name: str) -> "TarFolder":
        return TarFolder(self.tree, posixpath.join(self.within, name))

    @property
    def name(self) -> str:
        return Path(self).name

    @property
    def parent(self) -> "Path | TarFolder":
        return TarFolder(self.tree, posixpath.dirname(self.within)) if self.within else self.tree.root.parent

    def relative_to(self, other: "Path | TarFolder") -> Path:
        return Path(self).relative_to(other)

    def match(self, pattern: str) -> bool:
        return Path(self).match(pattern)

    def is_dir(self) -> bool:
        return self.within in self.tree.inside

    def is_file(self) -> bool:
        return self.tree.kind(self.within) is not None

    def entries(self) -> list[TarEntry]:
        return [TarEntry(self.tree, posixpath.join(self.within, name), name) for name in self.tree.inside[self.within]]
