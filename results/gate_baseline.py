"""A new baseline for the gate, which says how it came about: every change of it with its reason."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from results.errors import ResultError
from results.formatting import escaped
from results.gate_pairs import Pair, paired_rows, same_counts
from results.names import unicode_of
from results.written_tables import ROW_NAMES, Counts, WrittenFile, WrittenRow, read_file, read_table

Record = dict[str, Any]


@dataclass(frozen=True)
class BaselineChange:
    """What a new baseline holds: NEW's rows, in the order of the old baseline, and what changed, for its history.

    `pairs` are all rows of the old baseline and of NEW; `records` and `history` as they are written.
    """

    pairs: Sequence[Pair]
    records: Sequence[Record]
    history: Sequence[Record]

    @property
    def text(self) -> str:
        """The baseline's file, in JSON."""
        return json.dumps({"history": self.history, "rows": self.records}, indent=1) + "\n"

    @property
    def rows(self) -> Sequence[Record]:
        """The rows that changed."""
        return self.history[0]["rows"]

    def lines(self) -> list[str]:
        """The rows that changed, as a list in Markdown."""
        return [
            f"- {escaped(row['row'])} `{row['id']}`: {_said(row['old'])} -> {_said(row['new'])}" for row in self.rows
        ]


def change_baseline(baseline: Path, new: Path, why: str, drop_missing: bool = False) -> BaselineChange | None:
    """A baseline that NEW passes, None where the old one has the same rows with the same counts.

    One that is not there yet begins with NEW. Raises ResultError, also for rows that NEW lacks unless these are
    dropped, and for rows that have no clean number, which no gate lets pass.
    """
    history = file_of(baseline).history if baseline.exists() else []
    records = {record["signature"]: record for record in file_of(new).records}
    pairs = paired_rows(read_table(baseline) if baseline.exists() else {}, read_table(new))
    _refuse_missing([old for old, row in pairs if old and not row], new, drop_missing)
    return change_of(pairs, [records[row.signature] for _, row in pairs if row], why, history)


def change_of(
    pairs: Sequence[Pair], records: Sequence[Record], why: str, history: Sequence[Record]
) -> BaselineChange | None:
    """What these rows of the old baseline and of NEW come to, None where none changed; `records` are all that stay.

    Raises ResultError where there is no reason, and for rows of NEW that have no clean number.
    """
    if not why.strip():
        raise ResultError("a new baseline has a reason, which its history keeps; give --why TEXT")
    refuse_unclean(row for _, row in pairs if row)
    changed = [(old, row) for old, row in pairs if not (old and row and same_counts(old, row))]
    if not changed:
        return None
    lines = {row.signature for _, row in pairs if row}
    made = [record for record in records if record["signature"] in lines]
    entry = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "why": unicode_of(" ".join(why.split())),
        "version": _all_of("vgg-protocols", made),
        "commit": _all_of("commit", made),
        "rows": [_row_record(old, row) for old, row in changed],
    }
    return BaselineChange(pairs, [{**record, "posteriors": None} for record in records], [entry, *history])


def file_of(path: Path) -> WrittenFile:
    """A table that may become a baseline. Raises ResultError."""
    found = read_file(path)
    if found.form == "CSV":
        raise ResultError(f"'{path}' is CSV, which has no room for a history; give results.json, as it lies beside it")
    return found


def _refuse_missing(rows: Sequence[WrittenRow], new: Path, drop: bool) -> None:
    if rows and not drop:
        ids = ", ".join(row.id for row in rows)
        raise ResultError(f"'{new}' lacks rows of the baseline: {ids}; measure them too, or give --drop-missing")


def refuse_unclean(rows: Iterable[WrittenRow]) -> None:
    """Raise ResultError where ties decide some of these rows."""
    if ids := ", ".join(row.id for row in rows if not row.clean):
        raise ResultError(f"ties decide more than 1 % of the images of {ids}: no gate lets that pass; leave them out")


def _all_of(name: str, records: Sequence[Mapping[str, Any]]) -> str | None:
    """What the rows say of their making, each value once."""
    found = dict.fromkeys(str(record[name]) for record in records if record.get(name))
    return "; ".join(found) or None


def _row_record(old: WrittenRow | None, new: WrittenRow | None) -> Record:
    """`id` is the row's in the new baseline, or what it was in the old where it is gone; `was` where that changed."""
    row = new or old
    assert row is not None
    replaced = {"was": old.id} if old and new and old.signature != new.signature else {}
    counts = {"old": old and old.counts._asdict(), "new": new and new.counts._asdict()}
    return {"id": row.id, **replaced, "row": ", ".join(row[name] for name in ROW_NAMES[:3]), **counts}


def _said(counts: Mapping[str, int | None] | None) -> str:
    return "–" if counts is None else str(Counts(**counts))  # type: ignore[arg-type]
