"""Lists whose images have more than a path and a label: a CSV with a header, or an object of JSON a line."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bench.errors import UserError
from bench.images.sets.list_lines import Entry, Line, broken, is_comment, lines_of, plain_entry, plain_path

COLUMNS = (("file", "label"), ("path", "label"))
FILE_KEYS = ("image", "path", "file", "file_name", "filename", "filepath", "file_path", "image_path", "img")
LABEL_KEYS = ("label", "class", "class_name", "category", "target", "cls", "label_name")
# that name parts of a set: by words, and by yes and no
PART_WORDS = ("split", "set", "subset", "partition", "phase", "usage")
PART_FLAGS = {  # the part that yes means
    **dict.fromkeys(("is_test", "is_testing"), "test"),
    **dict.fromkeys(("is_valid", "is_val", "is_validation"), "val"),
    **dict.fromkeys(("is_train", "is_training", "is_training_image"), "train"),
}
PART_KEYS = (*PART_WORDS, *PART_FLAGS)


@dataclass(frozen=True)
class CsvForm:
    """A CSV's form: its delimiter, the line of its header, the columns, and which of these are file and label."""

    delimiter: str
    header: int
    columns: tuple[str, ...]
    file: int
    label: int


@dataclass(frozen=True)
class JsonForm:
    """The form of JSON lines: the keys of the first object, which of these are file and label, and if the user said."""

    columns: tuple[str, ...]
    file: int
    label: int
    said: bool


Table = CsvForm | JsonForm


def table_of(
    file: Path, columns: Sequence[tuple[str, str]] = COLUMNS, wanted: tuple[str, str] | None = None
) -> Table | None:
    """The form of a CSV, whose header names file and label as in `columns`, or of JSON lines; else None: plain lines.

    Where some are `wanted`, these are the columns or keys. Raises UserError and OSError.
    """
    columns = [wanted] if wanted else columns
    for line in lines_of(file):
        if not line.text.strip():
            continue
        if found := _json_form(file, line, wanted) or _csv_form(file, line, columns):
            return found
        if not is_comment(file, line.text, plain_entry(line)):
            if wanted:
                raise UserError(
                    f"--list-columns {','.join(wanted)}: line {line.number} of {str(file)!r} is {line.text[:100]!r}, "
                    "which names no such columns; give two of a CSV's header, or of the keys of JSON lines"
                )
            return None
    return None


def table_entries(file: Path, table: Table) -> Iterator[Entry]:
    """The images of a table, one by one. Raises UserError and OSError."""
    return _objects(file, table) if isinstance(table, JsonForm) else _rows(file, table)


def _csv_form(file: Path, line: Line, columns: Sequence[tuple[str, str]]) -> CsvForm | None:
    """Raises UserError for a column that is there twice."""
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
    return None


def _json_form(file: Path, line: Line, wanted: tuple[str, str] | None) -> JsonForm | None:
    """None for a line that is no object. Raises UserError where its keys are not one for a file and one for a label."""
    said = _object(line.text)
    if said is None:
        return None
    places = []
    asked = {"image": wanted[:1], "label": wanted[1:]} if wanted else {"image": FILE_KEYS, "label": LABEL_KEYS}
    for what, keys in asked.items():
        found = [key for key in said if key in keys]
        if len(found) != 1:
            raise UserError(
                f"data {str(file)!r}: line {line.number} has the keys {', '.join(said)[:100]}, of which "
                f"{' and '.join(found) or 'none'} could be the {what}; give --list-columns IMAGE,LABEL"
            )
        places.append(list(said).index(found[0]))
    image, label = places
    return JsonForm(tuple(said), image, label, wanted is not None)


def _object(text: str) -> dict[str, Any] | None:
    """A line's object, unless it is none, or names a key twice."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _objects(file: Path, table: JsonForm) -> Iterator[Entry]:
    for line in lines_of(file):
        if not line.text.strip():
            continue
        said = _object(line.text)
        if said is None:
            if is_comment(file, line.text, plain_entry(line)):
                continue
            raise broken(file, *line)
        new = said.keys() - set(table.columns)
        if other := sorted(new & {*PART_KEYS, *(() if table.said else (*FILE_KEYS, *LABEL_KEYS))}):
            raise UserError(
                f"data {str(file)!r}: line {line.number} has the key {other[0]!r}, which the first has not, so that "
                "one of both is not read; give all lines the same keys"
            )
        path, label = (said.get(table.columns[place]) for place in (table.file, table.label))
        if not isinstance(path, str) or not path.strip() or not isinstance(label, str | int) or isinstance(label, bool):
            raise broken(file, *line)
        cells = tuple("" if (cell := said.get(name)) is None else str(cell) for name in table.columns)
        yield Entry(*line, plain_path(path), str(label).strip(), cells)


def _rows(file: Path, table: CsvForm) -> Iterator[Entry]:
    """The CSV's rows that are not blank, each at the line that it ends in."""
    last = Line(0, "")
    quoted = False

    def lines() -> Iterator[str]:
        nonlocal last, quoted
        for line in lines_of(file):
            if line.number < table.header:
                continue
            if line.number == table.header:
                line = Line(line.number, line.text.lstrip("# "))
            elif not quoted and line.text.startswith("#") and is_comment(file, line.text, _row_alone(line, table)):
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
                raise broken(file, *last)
            yield Entry(*last, plain_path(cells[table.file]), cells[table.label].strip(), cells)
    except csv.Error as error:
        raise UserError(f"data {str(file)!r}: line {last.number} is no CSV ({error}); mend its quotes") from None


def _row_alone(line: Line, table: CsvForm) -> Entry | None:
    """A row of one line, as far as it is one."""
    cells = _cells(line.text, table.delimiter)
    if len(cells) != len(table.columns):
        return None
    return Entry(*line, plain_path(cells[table.file]), cells[table.label].strip(), cells)


def _cells(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
