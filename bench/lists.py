"""List files: an image and its label a line, or a CSV with columns `file` and `label`."""

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from bench.classes import wnids
from bench.data import Images
from bench.errors import UserError

COLUMNS = ("file", "label")
INDEX = re.compile(r"[0-9]{1,9}")
LABEL = re.compile(r"[0-9]{1,9}|n[0-9]{8}")  # a class index or a WordNet id; other labels are names
PATH_THEN_LABEL = re.compile(r"\s*(.*\S)\s+(\S+)\s*")  # the path may hold blanks


class Entry(NamedTuple):
    """One image of a list, as written, and where that is."""

    line: int
    text: str
    path: str
    label: str


def read_list(file: Path) -> Images:
    """The images of a list, in its order; their paths start at the list's folder or at `images/` beside it.

    Raises UserError and OSError.
    """
    if not file.is_file():
        raise UserError(f"data {str(file)!r}: there is no such file; give one with lines such as 'images/a.jpg 3'")
    entries = read_entries(file)
    labels, classes = name_indices(file, entries) if _is_name(entries[0].label) else class_indices(file, entries)
    paths = _located(file, entries)
    return Images(
        name=f"list:{file.name}",
        paths=tuple(paths),
        ids=tuple(entry.path for entry in entries),
        labels=labels,
        classes=classes,
        total=len(paths),
    )


def read_entries(file: Path, columns: tuple[str, str] = COLUMNS) -> list[Entry]:
    """What a list says, before anything is looked up; `columns` are the CSV's for file and label.

    Raises UserError and OSError.
    """
    text = file.read_text("utf-8-sig", errors="surrogateescape")
    header = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = next((mark for mark in ",;\t" if set(columns) <= set(_names(header.split(mark)))), None)
    if delimiter is None:
        entries = list(_lines(file, text))
    else:
        entries = list(_table(file, _rows(file, text, delimiter), columns))
    if not entries:
        raise UserError(f"data {str(file)!r}: the list names no image; write lines such as 'images/a.jpg 3'")
    return entries


def class_indices(file: Path, entries: Sequence[Entry]) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The labels as int64 (N,), and the classes where the labels are WordNet ids. Raises UserError."""
    index = {wnid: number for number, wnid in enumerate(wnids())}
    by_wnid = entries[0].label in index
    labels = np.empty(len(entries), dtype=np.int64)
    for position, entry in enumerate(entries):
        if not (entry.label in index if by_wnid else INDEX.fullmatch(entry.label)):
            raise _broken(file, entry.line, entry.text)
        labels[position] = index[entry.label] if by_wnid else int(entry.label)
    return labels, wnids() if by_wnid else None


def name_indices(file: Path, entries: Sequence[Entry]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The labels as int64 (N,), and the sorted names that they count in, as of class folders. Raises UserError."""
    for entry in entries:
        if not _is_name(entry.label):
            raise _broken(file, entry.line, entry.text)
    classes = sorted({entry.label for entry in entries})
    index = {name: number for number, name in enumerate(classes)}
    return np.array([index[entry.label] for entry in entries], dtype=np.int64), tuple(classes)


def _is_name(label: str) -> bool:
    """A name has a letter: -1 and 1.0 are indices gone wrong."""
    return any(character.isalpha() for character in label) and not LABEL.fullmatch(label)


def _lines(file: Path, text: str) -> Iterator[Entry]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        label, _, path = line.partition(";")
        match = PATH_THEN_LABEL.fullmatch(line)
        if match and not LABEL.fullmatch(label.strip()) and (not path or LABEL.fullmatch(match[2])):
            path, label = match.groups()
        if not path.strip():
            raise _broken(file, number, line)
        yield Entry(number, line, _plain(path.strip()), label.strip())


def _rows(file: Path, text: str, delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    """The CSV's rows that are not blank: number and text of the line that each ends in, and its cells."""
    lines = text.split("\n")
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield rows.line_num, lines[rows.line_num - 1], cells
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
        "file,label; all labels are class indices from 0, or WordNet ids of ImageNet's 1000 classes, or names"
    )


def _located(file: Path, entries: Sequence[Entry]) -> list[Path]:
    """Where the images are. Raises UserError where one is not, or stands twice."""
    missing: list[Entry] = []
    lines: dict[Path, int] = {}
    for entry in entries:
        path = next((path for path in _places(file, entry) if os.path.isfile(path)), None)
        if path is None:
            missing.append(entry)
        elif path in lines:
            raise UserError(
                f"data {str(file)!r}: {entry.path!r} stands twice, in lines {lines[path]} and {entry.line}; leave one"
            )
        else:
            lines[path] = entry.line
    if missing:
        raise UserError(
            f"data {str(file)!r}: {len(missing)} of {len(entries)} images are not there, first {missing[0].path!r} "
            f"(line {missing[0].line}); paths start at the list's folder or at images/ beside it"
        )
    return list(lines)


def _places(file: Path, entry: Entry) -> tuple[Path, Path]:
    return file.parent / entry.path, file.parent / "images" / entry.path
