"""A new baseline for the gate, which says how it came about: every change of it with its reason."""

import json
from collections.abc import Mapping, Sequence
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
    if not why.strip():
        raise ResultError("a new baseline has a reason, which its history keeps; give --why TEXT")
    history = _file(baseline).history if baseline.exists() else []
    records = {record["signature"]: record for record in _file(new).records}
    pairs = paired_rows(read_table(baseline) if baseline.exists() else {}, read_table(new))
    _refuse_missing([old for old, row in pairs if old and not row], new, drop_missing)
    _refuse_unclean([row for _, row in pairs if row and not row.clean])
    changed = [(old, row) for old, row in pairs if not (old and row and same_counts(old, row))]
    if not changed:
        return None
    kept = [records[row.signature] for _, row in pairs if row]
    entry = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "why": unicode_of(" ".join(why.split())),
        "version": _all_of("vgg-protocols", kept),
        "commit": _all_of("commit", kept),
        "rows": [_row_record(old, row) for old, row in changed],
    }
    return BaselineChange(pairs, [{**record, "posteriors": None} for record in kept], [entry, *history])


def _file(path: Path) -> WrittenFile:
    found = read_file(path)
    if found.form == "CSV":
        raise ResultError(f"'{path}' is CSV, which has no room for a history; give results.json, as it lies beside it")
    return found


def _refuse_missing(rows: Sequence[WrittenRow], new: Path, drop: bool) -> None:
    if rows and not drop:
        ids = ", ".join(row.id for row in rows)
        raise ResultError(f"'{new}' lacks rows of the baseline: {ids}; measure them too, or give --drop-missing")


def _refuse_unclean(rows: Sequence[WrittenRow]) -> None:
    if rows:
        ids = ", ".join(row.id for row in rows)
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
