"""The lines of a list file, and what a plain one says: `path label` or `label;path`."""

import codecs
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bench.errors import UserError
from results.names import path_of

LABEL = re.compile(r"[0-9]{1,9}|n[0-9]{8}")  # a class index or a WordNet id; other labels are names
LONGEST = 100_000  # characters of a line


class Entry(NamedTuple):
    """One image of a list, as written, and where that is; `cells` are those of its row in a table."""

    line: int
    text: str
    path: str
    label: str
    cells: Sequence[str] = ()


class Line(NamedTuple):
    number: int
    text: str


def lines_of(file: Path) -> Iterator[Line]:
    """Lines by number from 1; a list may have millions, and what has no lines is no list.

    Raises UserError and OSError.
    """
    with file.open("rb") as raw:
        wide = raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as Windows' shell and Excel write
    encoding, errors = ("utf-16", "replace") if wide else ("utf-8-sig", "surrogateescape")
    with file.open(encoding=encoding, errors=errors) as lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST), ""), start=1):
            if len(line) == LONGEST:
                raise broken(file, number, line)
            yield Line(number, line.removesuffix("\n"))


def plain_entry(line: Line) -> Entry | None:
    """What a line `path label` or `label;path` says; None where it is neither."""
    label, _, path = line.text.partition(";")
    words = line.text.strip().rsplit(None, 1)  # the path may hold blanks
    if len(words) == 2 and not LABEL.fullmatch(label.strip()) and (not path or LABEL.fullmatch(words[1])):
        path, label = words
    return Entry(line.number, line.text, plain_path(path.strip()), label.strip()) if path.strip() else None


def plain_path(path: str) -> str:
    """A path as written, with forward slashes and without a leading `./`."""
    return PurePosixPath(path.replace("\\", "/")).as_posix()


def places_of(file: Path, path: str) -> tuple[Path, Path]:
    """Where an image of the list may be."""
    return file.parent / path_of(path), file.parent / "images" / path_of(path)


def file_number(path: Path) -> tuple[int, int] | None:
    """A file's device and number, which are another's only where both are one file under two names."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return None
    return (about.st_dev, about.st_ino) if stat.S_ISREG(about.st_mode) else None


def is_there(file: Path, path: str) -> bool:
    """Whether an image of the list is a file."""
    return any(map(file_number, places_of(file, path)))


def is_comment(file: Path, text: str, entry: Entry | None) -> bool:
    """What begins with `#` and names no file."""
    return text.lstrip().startswith("#") and not (entry and is_there(file, entry.path))


def broken(file: Path, line: int, text: str, other: str = "") -> UserError:
    """A line that says nothing of an image and its label."""
    if text.lstrip().startswith("["):
        other += ", an array of JSON; write one object a line, without brackets around"
    return UserError(
        f"data {str(file)!r}: line {line} is {text[:100]!r}{other}; write 'path label', 'label;path', JSON lines, "
        "or a CSV whose first line names columns file,label or path,label, or others by --list-columns; all labels are "
        "class indices from 0, or WordNet ids of ImageNet's 1000 classes, or names"
    )
