"""Which files below a folder are images of a set: by their endings, else by their contents; and what is left out."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.errors import UserError
from bench.images.containers.any_folder import Folder, entries_in, identity
from bench.images.containers.tar_folders import TarEntry, TarFolder
from bench.images.decoding import begins_as_image

# of file servers, systems, archivers and programs; what begins with a dot need not be named
SYSTEM = {
    *(
        "@eadir",
        "@tmp",
        "@recycle",
        "@recently-snapshot",
        "@sharesnap",
        "@sharebin",
        "@__thumb",
        "#recycle",
        "#snapshot",
    ),
    *("__macosx", "_ds_store", "ds_store", "icon\r", "network trash folder", "temporary items", "thumbs.db"),
    *("ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "recycler", "system volume information"),
    *("lost+found", "__pycache__", "picasa.ini", "zbthumbnail.info", "pspbrwse.jbf", "autorun.inf", "_vti_cnf"),
}
STREAMS = (":zone.identifier", "@synoeastream", "@synoresource")  # what some systems keep beside a file, as files
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's
EXTENDED = ("paxheader", "paxheaders")  # PaxHeaders.1234: what old programs make of tars' long names
ENDING = re.compile(r"\.(jpe?g|jpe|jfif|png|gif|bmp|tiff?|webp|p[bgnp]m|jp2|j2k|avif)", re.IGNORECASE)
# TIFF by their contents, but what a decoder of TIFF finds in them is a small preview
RAW = (
    ".3fr",
    ".arw",
    ".cr2",
    ".dcr",
    ".dng",
    ".erf",
    ".iiq",
    ".kdc",
    ".mos",
    ".nef",
    ".nrw",
    ".orf",
    ".pef",
    ".rw2",
    ".srw",
)
SHOWN = 3  # names in a note
MOST_AGAIN = 100_000  # folders that links lead to again


def foreign(name: str) -> bool:
    """Whether a file or folder of this name is no part of any set: hidden, or left by a system, server or editor."""
    folded = name.casefold()
    return (
        name.startswith((".", "~$"))
        or name.endswith("~")
        or (len(name) > 2 and name[0] == name[-1] == "#")
        or folded.endswith(STREAMS)
        or folded.partition(":")[0] in SYSTEM
        or folded.partition(".")[0] in EXTENDED
    )


class Listing(NamedTuple):
    """The names in one folder, sorted: its folders, its images, and files that are none."""

    folders: list[str]
    images: list[str]
    others: list[str]


@dataclass
class Noted:
    """How many there are, and the paths of the first."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        self.count += 1
        if self.count <= SHOWN:
            self.first.append(path)

    def names(self, root: Folder, most: int = SHOWN) -> str:
        more = ", ..." if self.count > most > 1 else ""
        return ", ".join(repr(os.path.relpath(path, root)) for path in self.first[:most]) + more


@dataclass
class Finder:
    """Finds the images of one set, and knows what it left out, and which folders and links it has met.

    With `duplicates`, files and folders that links show again are found again and counted in `twins`; else refused.
    """

    duplicates: bool = False
    system: Noted = field(default_factory=Noted)
    others: Noted = field(default_factory=Noted)
    twins: Noted = field(default_factory=Noted)
    links: bool = False
    again: int = 0
    _met: dict[tuple[int, int] | str, str] = field(default_factory=dict)
    _real: Callable[[Path], str] = os.path.realpath

    def listing(self, folder: Folder) -> Listing:
        """Raises OSError for a folder that cannot be read. What is not known by its ending is opened."""
        found = Listing([], [], [])
        if isinstance(folder, TarFolder):
            self._real = folder.tree.real
        listed = sorted(entries_in(folder), key=lambda entry: entry.name)
        names: set[str] = set()
        for entry in listed:
            if foreign(entry.name):
                self.system.add(entry.path)
            elif _is(entry.is_dir):
                found.folders.append(entry.name)
            elif named_as_image(entry.name):
                found.images.append(entry.name)
                self.links |= entry.is_symlink()
            elif not _is_image(entry):
                found.others.append(entry.name)
            elif _is_copy(entry.name, names := names or {each.name for each in listed}):
                self.system.add(entry.path)
            else:
                found.images.append(entry.name)
                self.links |= entry.is_symlink()
        return found

    def below(self, folder: Folder) -> dict[str, Listing]:
        """All folders from this one down, by path, sorted as os.walk's are. Raises OSError, and UserError for loops."""
        found = dict(sorted(self._walk(folder)))
        for place, here in found.items():
            self.leave_out(place, here.others)
        return found

    def images_below(self, folder: Path) -> list[Path]:
        """Images in all folders from this one down, sorted; and folders that are named so and hold no image."""
        return images_of(self.below(folder))

    def leave_out(self, folder: Folder | str, names: Iterable[str]) -> None:
        """Remember files that are no images."""
        for name in names:
            self.others.add(os.path.join(folder, name))

    def notes(self, root: Folder) -> tuple[str, ...]:
        """What was left out, in sentences; `root` is where the paths in them start."""
        notes = []
        if self.system.count:
            what = "file or folder" if self.system.count == 1 else "files and folders"
            notes.append(f"left out {self.system.count} hidden or system {what}, such as {self.system.names(root, 1)}")
        if self.others.count:
            what = "file that is no image" if self.others.count == 1 else "files that are no images"
            notes.append(f"left out {self.others.count} {what} of the formats read: {self.others.names(root)}")
        if self.twins.count:
            verb = "image counts" if self.twins.count == 1 else "images count"
            notes.append(f"{self.twins.count} {verb} again, by links (--allow-duplicates): {self.twins.names(root)}")
        return tuple(notes)

    def check_twins(self, paths: Iterable[Path]) -> None:
        """Raise UserError where two paths lead to one file; two names that are not links are two files."""
        if not self.links:
            return
        first: dict[str, Path] = {}
        for path in paths:
            other = first.setdefault(self._real(path), path)
            if other != path:
                if not self.duplicates:
                    raise _again("image", str(path), str(other))
                self.twins.add(str(path))

    def _walk(self, folder: Folder) -> Iterator[tuple[str, Listing]]:
        left: list[tuple[Folder, frozenset[tuple[int, int] | str]]] = [(folder, frozenset())]
        while left:
            place, above = left.pop()
            key = identity(place)
            first = self._met.setdefault(key, str(place))
            if first != str(place):
                self._check_again(str(place), first, key in above)
            here = self.listing(place)
            left += [(place / name, above | {key}) for name in reversed(here.folders)]
            yield str(place), here

    def _check_again(self, place: str, first: str, loop: bool) -> None:
        """Raise UserError where a folder that was met before is not to be met again."""
        self.links = True
        self.again += 1
        if loop or not self.duplicates:
            raise _again("folder", place, first, loop)
        if self.again > MOST_AGAIN:
            raise UserError(f"folder {place!r}: links lead to {MOST_AGAIN:,} folders again; remove some")


def images_of(found: dict[str, Listing]) -> list[Path]:
    """The images of folders that were walked, and folders that are named so and hold no image."""
    images = [Path(place, name) for place, here in found.items() for name in here.images]
    folders = [Path(place, name) for place, here in found.items() for name in here.folders if named_as_image(name)]
    return images + [each for each in folders if not any(image.is_relative_to(each) for image in images)]


def folders_in(folder: Folder) -> list[str]:
    """The names of a folder's folders, sorted, or none where there is no such folder. Raises OSError."""
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in entries_in(folder) if not foreign(entry.name) and _is(entry.is_dir))


def named_as_image(name: str) -> bool:
    """Whether it is an image whatever its contents: what is wrong with these is said when they are read."""
    return name.lower().endswith(ENDINGS)


def _is_image(entry: os.DirEntry[str] | TarEntry) -> bool:
    """By its contents, for a file whose ending does not say it."""
    source = entry.start if isinstance(entry, TarEntry) else Path(entry.path)
    return not entry.name.lower().endswith(RAW) and _is(entry.is_file) and begins_as_image(source)


def _is_copy(name: str, names: set[str]) -> bool:
    """Whether a program kept it beside the image: `a.jpg.bak`, `a.jpg_original`, `a.jpg.1`."""
    ends = (ending.end() for ending in ENDING.finditer(name))
    return any(name[:end] in names for end in ends if end < len(name))


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link to itself
        return False


def _again(what: str, place: str, first: str, loop: bool = False) -> UserError:
    images = "its images" if what == "folder" else "it"
    option = "" if loop else ", or give --allow-duplicates"
    return UserError(
        f"{what} {place!r} is {first!r} again, by the link {_link(place, first)!r}: {images} would count twice; "
        f"remove the link{option}"
    )


def _link(place: str, first: str) -> str:
    """By what two paths lead to one place: a link in what they do not share. What it links to must not be removed."""
    one, other = ([path, *path.parents] for path in (Path(place), Path(first)))
    apart = [path for path in one if path not in other] + [path for path in other if path not in one]
    return str(next((path for path in apart if path.is_symlink()), place))
