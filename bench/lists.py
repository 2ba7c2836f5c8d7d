"""List files: an image and its label a line, or a CSV with columns `file` and `label`."""

import csv
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from bench.classes import wnids
from bench.data import Images
from bench.errors import UserError

COLUMNS = (("file", "label"), ("path", "label"))
INDEX = re.compile(r"[0-9]{1,9}")
LABEL = re.compile(r"[0-9]{1,9}|n[0-9]{8}")  # a class index or a WordNet id; other labels are names
LONGEST = 100_000  # characters of a line
MOST_MISSING = 1000  # images that are looked for in vain


class Entry(NamedTuple):
    """One image of a list, as written, and where that is."""

    line: int
    text: str
    path: str
    label: str


def read_list(file: Path, duplicates: bool = False) -> Images:
    """The images of a list, in its order; their paths start at the list's folder or at `images/` beside it.

    Raises UserError and OSError.
    """
    if not file.is_file():
        raise UserError(f"data {str(file)!r}: there is no such file; give one with lines such as 'images/a.jpg 3'")
    labels: list[str] = []
    ids: list[str] = []
    paths: list[Path] = []
    for entry, path in _located(file, alike(file, read_entries(file))):
        labels.append(sys.intern(entry.label))
        ids.append(entry.path)
        paths.append(path)
    numbers, classes = indices(labels)
    return Images(
        name=f"list:{file.name}",
        paths=tuple(paths),
        ids=tuple(ids),
        labels=numbers,
        classes=classes,
        total=len(paths),
    )


def read_entries(file: Path, columns: Sequence[tuple[str, str]] = COLUMNS) -> Iterator[Entry]:
    """What a list says, line by line, before anything is looked up; `columns` are what a CSV may call file and label.

    Raises UserError and OSError.
    """
    header = next((line for _, line in _numbered(file) if line.strip()), "")
    forms = ((mark, each) for mark in ",;\t" for each in columns if set(each) <= set(_names(header.split(mark))))
    form = next(forms, None)
    entries = _table(file, _rows(file, form[0]), form[1]) if form else _lines(file)
    first = next(entries, None)
    if first is None:
        raise UserError(f"data {str(file)!r}: the list names no image; write lines such as 'images/a.jpg 3'")
    yield first
    yield from entries


def alike(file: Path, entries: Iterable[Entry], names: bool = True) -> Iterator[Entry]:
    """The entries, whose labels are all class indices, all WordNet ids or, with `names`, all names.

    Raises UserError at the first that is not.
    """
    wanted = None
    for entry in entries:
        kind = _kind(entry.label)
        wanted = wanted or kind
        if kind is None or kind != wanted or (kind == "name" and not names):
            raise _broken(file, entry.line, entry.text)
        yield entry


def indices(labels: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Labels of one kind as int64 (N,), and the classes that they count in: WordNet ids, or the sorted names."""
    kind = _kind(labels[0])
    if kind == "index":
        return np.array([int(label) for label in labels], dtype=np.int64), None
    classes = wnids() if kind == "wnid" else tuple(sorted(set(labels)))  # as of class folders
    index = {name: number for number, name in enumerate(classes)}
    return np.array([index[label] for label in labels], dtype=np.int64), classes


@lru_cache(1 << 14)
def _kind(label: str) -> str | None:
    """A name has a letter: -1 and 1.0 are indices gone wrong."""
    if INDEX.fullmatch(label):
        return "index"
    if LABEL.fullmatch(label):
        return "wnid" if label in wnids() else None
    return "name" if any(character.isalpha() for character in label) else None


def _numbered(file: Path) -> Iterator[tuple[int, str]]:
    """Lines by number from 1; a list may have millions, and what has no lines is no list."""
    with file.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST), ""), start=1):
            if len(line) == LONGEST:
                raise _broken(file, number, line)
            yield number, line.removesuffix("\n")


def _lines(file: Path) -> Iterator[Entry]:
    for number, line in _numbered(file):
        if not line.strip():
            continue
        label, _, path = line.partition(";")
        words = line.strip().rsplit(None, 1)  # the path may hold blanks
        if len(words) == 2 and not LABEL.fullmatch(label.strip()) and (not path or LABEL.fullmatch(words[1])):
            path, label = words
        if not path.strip():
            raise _broken(file, number, line)
        yield Entry(number, line, _plain(path.strip()), label.strip())


def _rows(file: Path, delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    """The CSV's rows that are not blank: number and text of the line that each ends in, and its cells."""
    last = ""

    def lines() -> Iterator[str]:
        nonlocal last
        for _, last in _numbered(file):
            yield last + "\n"

    rows = csv.reader(lines(), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield rows.line_num, last, cells
    except csv.Error as error:
        raise UserError(f"data {str(file)!r}: line {rows.line_num} is no CSV ({error}); mend its quotes") from None


def _table(file: Path, rows: Iterator[tuple[int, str, list[str]]], columns: tuple[str, str]) -> Iterator[Entry]:
    header = _names(next(rows)[-1])
    file_column, label_column = (header.index(name) for name in columns)
    for line, text, cells in rows:
        if len(cells) != len(header) or not cells[file_column].strip():
            raise _broken(file, line, text)
        yield Entry(line, text, _plain(cells[file_column]), cells[label_column].strip())


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip(' "\t') for cell in cells]


def _plain(path: str) -> str:
    """A path as written, with forward slashes and without a leading `./`."""
    return PurePosixPath(path.replace("\\", "/")).as_posix()


def _broken(file: Path, line: int, text: str) -> UserError:
    return UserError(
        f"data {str(file)!r}: line {line} is {text[:100]!r}; write 'path label', 'label;path' or a CSV with columns "
        "file,label or path,label; all labels are class indices from 0, or WordNet ids of ImageNet's 1000 classes, "
        "or names"
    )


def _located(file: Path, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Path]]:
    """Where the images are. Raises UserError where one is not, or stands twice, by any path or link."""
    first: Entry | None = None
    missing = count = 0
    known: dict[tuple[int, int], tuple[Path, int]] = {}  # by device and number
    lines: dict[str, int] = {}  # of files of several names, by their real ones
    for entry in entries:
        count += 1
        path, number = next(((path, number) for path in _places(file, entry) if (number := _file(path))), (None, None))
        if path is None or number is None:
            first, missing = first or entry, missing + 1
            if missing == MOST_MISSING:
                break
            continue
        other, line = known.setdefault(number, (path, entry.line))
        if other is not path:
            lines.setdefault(os.path.realpath(other), line)
            line = lines.setdefault(os.path.realpath(path), entry.line)
            if line != entry.line:
                raise UserError(
                    f"data {str(file)!r}: {entry.path!r} stands twice, in lines {line} and {entry.line}; leave one"
                )
        yield entry, path
    if first:
        raise UserError(
            f"data {str(file)!r}: {missing} of {'the first ' * (missing == MOST_MISSING)}{count} images are not there, "
            f"first {first.path!r} (line {first.line}); paths start at the list's folder or at images/ beside it"
        )


def _file(path: Path) -> tuple[int, int] | None:
    """A file's device and number, which are another's only where both are one file under two names."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return None
    return (about.st_dev, about.st_ino) if stat.S_ISREG(about.st_mode) else None


def _places(file: Path, entry: Entry) -> tuple[Path, Path]:
    return file.parent / entry.path, file.parent / "images" / entry.path
