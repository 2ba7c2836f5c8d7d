"""What a list file says, entry by entry, before any image is looked up: plain lines, a CSV, or JSON lines."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.sets.list_lines import LABEL, Entry, broken, is_comment, is_there, lines_of, plain_entry, plain_path
from bench.images.sets.list_tables import COLUMNS, Table, table_entries

FORMS = "write 'path label' or 'label;path'"
INDEX = re.compile(r"[0-9]{1,9}")


def read_entries(file: Path, table: Table | None) -> Iterator[Entry]:
    """What the list says, line by line. Raises UserError and OSError."""
    entries = table_entries(file, table) if table else _plain_entries(file)
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
            raise broken(file, entry.line, entry.text, other)
        yield entry


@lru_cache(1 << 14)
def kind_of(label: str) -> str | None:
    """A name has a letter: -1 and 1.0 are indices gone wrong."""
    if INDEX.fullmatch(label):
        return "index"
    if LABEL.fullmatch(label):
        return "wnid" if label in wnids() else None
    return "name" if any(character.isalpha() for character in label) else None


def misread(file: Path, entry: Entry) -> str:
    """What to do about an image that is not there, as its line looks."""
    label = plain_path(entry.label)
    if entry.label and is_there(file, label):
        return f"{label!r} is, so image and label look swapped: {'mend the columns' if entry.cells else FORMS}"
    words = entry.path.split()
    for count in range(1, 0 if entry.cells else len(words)):
        path, rest = " ".join(words[:count]), " ".join([*words[count:], entry.label])
        if is_there(file, path):
            return f"{path!r} is; labels with blanks are written {f'{rest};{path}'!r}, or in a CSV"
    return "paths start at the list's folder or at images/ beside it"


def _plain_entries(file: Path) -> Iterator[Entry]:
    first: Entry | None = None
    for line in lines_of(file):
        if not line.text.strip():
            continue
        entry = plain_entry(line)
        if is_comment(file, line.text, entry):
            continue
        if entry and first is None:
            first = entry
            if _is_heading(file, entry):
                continue
        if entry is None:
            lost = first is not None and not is_there(file, first.path)
            raise broken(file, *line, f" and line {first.line} is {first.text[:100]!r}" if first and lost else "")
        yield entry


def _is_heading(file: Path, entry: Entry) -> bool:
    """Whether an entry is the words `path label`, and no image of this name."""
    words = entry.path.casefold(), entry.label.casefold()
    return words in COLUMNS and not is_there(file, entry.path)
