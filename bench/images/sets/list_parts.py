"""What part of a set each image of a list is for, where columns of a CSV say so."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.errors import UserError
from bench.images.containers.part_names import PART, SEEN, TRAINING
from bench.images.sets.list_entries import read_entries
from bench.images.sets.list_lines import Entry
from bench.images.sets.list_tables import PART_FLAGS, PART_WORDS, Table

MEANT = {"trainval": "train", "publictest": "test", "privatetest": "test"}
BLANK, OTHER = "blank", "other"  # what cells hold that name no part
YES, NO = {"true", "1", "yes", "t", "y"}, {"false", "0", "no", "f", "n"}


@dataclass(frozen=True)
class ListParts:
    """The columns that say it, all words or all flags, in a list whose every row they name a part for."""

    table: Table
    columns: tuple[int, ...]
    counts: Counter[str]

    @property
    def names(self) -> str:
        return " and ".join(repr(self.table.columns[column]) for column in self.columns)

    def of(self, entry: Entry) -> str | None:
        return _part(entry, self.table, self.columns)

    @cached_property
    def several(self) -> bool:
        return len(self.counts) > 1

    def note(self, taken: str) -> str:
        """Which images are taken, and which are not."""
        others = " and ".join(f"{part} ({count})" for part, count in self.counts.items() if part != taken)
        left = f"{others} not" if others else "there is no other part"
        seen = f": a net trained on them {SEEN}" if taken == "train" and not others else ""
        return f"column {self.names}: images of {taken} are taken ({self.counts[taken]}), {left}{seen}"


def list_parts(file: Path, table: Table | None) -> ListParts | None:
    """What the columns of a list say; None where they name no parts.

    Raises UserError where a column names some for most rows but not for all, and OSError.
    """
    if table is None:
        return None
    words = [(table.columns.index(name),) for name in PART_WORDS if name in table.columns]
    flags = tuple(place for place, name in enumerate(table.columns) if name in PART_FLAGS)
    partial: tuple[int, ...] | None = None
    for columns in [*words, flags] if flags else words:
        rows = read_entries(file, table)
        found = Counter(_part(entry, table, columns) or _other(entry, columns) for entry in rows)
        parts = Counter({part: count for part, count in found.items() if part not in (BLANK, OTHER)})
        if parts.total() == found.total():
            return ListParts(table, columns, parts)
        if 2 * parts.total() > found.total() or (parts and not found[OTHER]):
            partial = partial or columns
    if partial:
        raise _untold_row(file, table, partial)
    return None


def _other(entry: Entry, columns: tuple[int, ...]) -> str:
    """Of cells that name no part."""
    return OTHER if any(entry.cells[column].strip() for column in columns) else BLANK


def _untold_row(file: Path, table: Table, columns: tuple[int, ...]) -> UserError:
    """Of the first row without a part."""
    entry = next(entry for entry in read_entries(file, table) if _part(entry, table, columns) is None)
    name, cell = table.columns[columns[0]], entry.cells[columns[0]]
    return UserError(
        f"data {str(file)!r}: column {name!r} says of other rows what part they are for, but line {entry.line} has "
        f"{cell[:40]!r} there; write train, val or test in all, or rename the column"
    )


def _part(entry: Entry, table: Table, columns: tuple[int, ...]) -> str | None:
    """train, val, test, or another word for what is evaluated; None where a cell names none."""
    cells = {table.columns[column]: entry.cells[column].strip().casefold() for column in columns}
    if not PART_FLAGS.keys() & cells.keys():
        (cell,) = cells.values()
        match = PART.fullmatch(cell)
        if match is None or match[1]:
            return MEANT.get(cell)
        return "train" if match[2] in TRAINING else match[2]
    if not set(cells.values()) <= YES | NO:
        return None
    told = {PART_FLAGS[name] for name in cells}
    meant = {PART_FLAGS[name] for name, cell in cells.items() if cell in YES}
    # where no flag is set it is what has none
    return next(part for part in ("test", "val", "train") if part in meant) if meant else _untold(told)


def _untold(told: set[str]) -> str:
    return next((part for part in ("train", "val", "test") if part not in told), "test")
