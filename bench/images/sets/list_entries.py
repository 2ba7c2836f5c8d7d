"""What a list file says, entry by entry, before any image is looked up: lines `path label` or a CSV."""

import codecs
import csv
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bench.errors import UserError
from bench.images.classes import wnids
from results.names import path_of

COLUMNS = (("file", "label"), ("path", "label"))
INDEX = re.compile(r"[0-9]{1,9}")
LABEL = re.compile(r"[0-9]{1,9}|n[0-9]{8}")  # a class index or a WordNet id; other labels are names
LONGEST = 100_000  # characters of a line


class Entry(NamedTuple):
    """One image of a list, as written, and where that is; `cells` are those of its row in a CSV."""

    line: int
    text: str
    path: str
    label: str
    cells: Sequence[str] = ()


class Line(NamedTuple):
    number: int
    text: str


@dataclass(frozen=True)
class CsvForm:
    """A CSV's form: its delimiter, the line of its header, the columns, and which of these are file and label."""

    delimiter: str
    header: int
    columns: tuple[str, ...]
    file: int
    label: int


def table_of(file: Path, columns: Sequence[tuple[str, str]] = COLUMNS) -> CsvForm | None:
    """The form of a CSV, whose header names file and label as in `columns`; None for a list of plain lines.

    Raises UserError and OSError.
    """
    for line in _lines(file):
        if not line.text.strip():
            continue
        text = line.text.lstrip("# ")
        for mark in ",;\t":
            names = [cell.strip(' "\t').casefold() for cell in _cells(text, mark)]
            for path, label in columns:
                twice = next((name for name in (path, label) if names.count(name.casefold()) > 1), None)
                if twice:
                    raise UserError(f"data {str(file)!r}: line {line.number} has column {twice!r} twice; rename one")
                if {path.casefold(), label.casefold()} <= set(names):
                    places = names.index(path.casefold()), names.index(label.casefold())
                    return CsvForm(mark, line.number, tuple(names), *places)
        if not _is_comment(file, line.text, _plain_entry(line)):
            return None
    return None


def read_entries(file: Path, table: CsvForm | None) -> Iterator[Entry]:
    """What the list says, line by line. Raises UserError and OSError."""
    entries = _rows(file, table) if table else _plain_entries(file)
    first = next(entries, None)
    if first is None:
        raise UserError(f"data {str(file)!r}: the list names no image; write lines such as 'images/a.jpg 3'")
    yield first
    yield from entries


def alike(file: Path, entries: Iterable[Entry], names: bool = True) -> Iterator[Entry]:
    """The entries, whose labels are all class indices, all WordNet ids or, with `names`, all names.

    Raises UserError at the first that is not.
    """
    first: Entry | None = None
    for entry in entries:
        kind = kind_of(entry.label)
        first = first or entry
        if kind is None or kind != kind_of(first.label) or (kind == "name" and not names):
            other = "" if kind is None or entry is first else f" and line {first.line} is {first.text[:100]!r}"
            raise _broken(file, entry.line, entry.text, other)
        yield entry


@lru_cache(1 << 14)
def kind_of(label: str) -> str | None:
    """A name has a letter: -1 and 1.0 are indices gone wrong."""
    if INDEX.fullmatch(label):
        return "index"
    if LABEL.fullmatch(label):
        return "wnid" if label in wnids() else None
    return "name" if any(character.isalpha() for character in label) else None


def file_number(path: Path) -> tuple[int, int] | None:
    """A file's device and number, which are another's only where both are one file under two names."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return None
    return (about.st_dev, about.st_ino) if stat.S_ISREG(about.st_mode) else None


def places_of(file: Path, path: str) -> tuple[Path, Path]:
    """Where an image of the list may be."""
    return file.parent / path_of(path), file.parent / "images" / path_of(path)


def _lines(file: Path) -> Iterator[Line]:
    """Lines by number from 1; a list may have millions, and what has no lines is no list."""
    with file.open("rb") as raw:
        wide = raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as Windows' shell and Excel write
    encoding, errors = ("utf-16", "replace") if wide else ("utf-8-sig", "surrogateescape")
    with file.open(encoding=encoding, errors=errors) as lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST), ""), start=1):
            if len(line) == LONGEST:
                raise _broken(file, number, line)
            yield Line(number, line.removesuffix("\n"))


def _plain_entries(file: Path) -> Iterator[Entry]:
    first: Entry | None = None
    for line in _lines(file):
        if not line.text.strip():
            continue
        entry = _plain_entry(line)
        if _is_comment(file, line.text, entry):
            continue
        if entry and first is None:
            first = entry
            if _is_heading(file, entry):
                continue
        if entry is None:
            lost = first is not None and not _is_there(file, first.path)
            raise _broken(file, *line, f" and line {first.line} is {first.text[:100]!r}" if first and lost else "")
        yield entry


def _plain_entry(line: Line) -> Entry | None:
    """What a line `path label` or `label;path` says; None where it is neither."""
    label, _, path = line.text.partition(";")
    words = line.text.strip().rsplit(None, 1)  # the path may hold blanks
    if len(words) == 2 and not LABEL.fullmatch(label.strip()) and (not path or LABEL.fullmatch(words[1])):
        path, label = words
    return Entry(line.number, line.text, _plain(path.strip()), label.strip()) if path.strip() else None


def _is_heading(file: Path, entry: Entry) -> bool:
    """Whether an entry is the words `path label`, and no image of this name."""
    words = entry.path.casefold(), entry.label.casefold()
    return words in COLUMNS and not _is_there(file, entry.path)


def _is_comment(file: Path, text: str, entry: Entry | None) -> bool:
    """What begins with `#` and names no file."""
    return text.lstrip().startswith("#") and not (entry and _is_there(file, entry.path))


def _is_there(file: Path, path: str) -> bool:
    return any(map(file_number, places_of(file, path)))


def _rows(file: Path, table: CsvForm) -> Iterator[Entry]:
    """The CSV's rows that are not blank, each at the line that it ends in."""
    last = Line(0, "")
    quoted = False

    def lines() -> Iterator[str]:
        nonlocal last, quoted
        for line in _lines(file):
            if line.number < table.header:
                continue
            if line.number == table.header:
                line = Line(line.number, line.text.lstrip("# "))
            elif not quoted and line.text.startswith("#") and _is_comment(file, line.text, _row_alone(line, table)):
                continue
            last = line
            quoted ^= line.text.count('"') % 2 == 1  # a cell with a line's end in it goes on
            yield line.text + "\n"

    rows = csv.reader(lines(), delimiter=table.delimiter, skipinitialspace=True, strict=True)
    try:
        next(rows)
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(table.columns) or not cells[table.file].strip():
                raise _broken(file, *last)
            yield Entry(*last, _plain(cells[table.file]), cells[table.label].strip(), cells)
    except csv.Error as error:
        raise UserError(f"data {str(file)!r}: line {last.number} is no CSV ({error}); mend its quotes") from None


def _row_alone(line: Line, table: CsvForm) -> Entry | None:
    """A row of one line, as far as it is one."""
    cells = _cells(line.text, table.delimiter)
    if len(cells) != len(table.columns):
        return None
    return Entry(*line, _plain(cells[table.file]), cells[table.label].strip(), cells)


def _cells(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])


def _plain(path: str) -> str:
    """A path as written, with forward slashes and without a leading `./`."""
    return PurePosixPath(path.replace("\\", "/")).as_posix()


def _broken(file: Path, line: int, text: str, other: str = "") -> UserError:
    return UserError(
        f"data {str(file)!r}: line {line} is {text[:100]!r}{other}; write 'path label', 'label;path' or a CSV with "
        "columns file,label or path,label; all labels are class indices from 0, or WordNet ids of ImageNet's 1000 "
        "classes, or names"
    )
