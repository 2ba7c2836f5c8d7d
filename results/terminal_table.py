"""The table that a terminal has room for: what is the same in all rows stands above it, once."""

import re
import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from results.errors import ResultError
from results.formatting import all_shortened, escaped, number
from results.result import Result
from results.table import (
    PLAIN,
    PUBLISHED,
    Record,
    error_cell,
    group_lines,
    images_cell,
    markdown,
    published_cell,
    warning_lines,
    wide_cells,
)

ALL = "all"
WIDTH = 100  # letters of a line, for the rows of one net
ROOM = {"model": 5, "weights": 16, "protocol": 11}  # what is cut where it has to be, in this order, and what it keeps
SEVERAL = 16  # what each of several nets' names keeps
ENDS = ".1f"  # of intervals; `results.md` has a digit more
COMPUTED = ("pixels", "crop", "map", "dtype")  # words of the signature that are said above
FACTS = ("model", "configuration", "weights", "S", "data", *COMPUTED)
ASSUMABLE = {"S": "S", "pixels": "pixels", "crop": "side"}  # by what `assumed` calls them
LEFT = (*PLAIN, "assumed", "signature")  # texts, which stand to the left
BLANK = Result("", "", "", "", "", "", "", 1, 0, 0, 0, 0, 0.0, (), "")


def terminal_table(results: Sequence[Result], columns: str | None = None) -> str:
    """Markdown: what fits into `WIDTH`; or the columns named, commas between; or `all` that `results.md` has.

    Raises ResultError.
    """
    if columns == ALL:
        return markdown(results)
    records = [result.record() for result in results]
    if columns:
        names = chosen(columns, records[0])
        cells = [{name: _any_cell(record, name) for name in names} for record in records]
    else:
        cells = _fitted([_narrow_cells(record, records) for record in records])
    below = [*group_lines(results), *warning_lines(records)]
    return "\n".join([*_above(results, records), "", *_grid(cells), "", *below])


def check_columns(columns: str | None, made: Collection[str] = ()) -> None:
    """Names are checked before hours of work; `made` are the fields of provenance. Raises ResultError."""
    if columns and columns != ALL:
        chosen(columns, [*BLANK.record(), *made])


def chosen(columns: str, fields: Iterable[str]) -> list[str]:
    """The names in `columns`, each the head of a table or one of a record's `fields`. Raises ResultError."""
    names = [name.strip() for name in columns.split(",")]
    known = dict.fromkeys([*wide_cells(BLANK.record()), *_narrow_cells(BLANK.record(), [BLANK.record()]), *fields])
    if unknown := [name for name in names if name not in known]:
        raise ResultError(f"columns '{', '.join(unknown)}': give {ALL}, or some of: {', '.join(known)}")
    return names


def _any_cell(record: Record, name: str) -> str:
    """As a table has it, else as the CSV has it, where `signature` is the whole of it."""
    heads = _narrow_cells(record, [record]) | wide_cells(record)
    if name in heads and name != "signature":
        return heads[name]
    value = record.get(name)
    return escaped("; ".join(value) if isinstance(value, list) else number(value))


def _narrow_cells(record: Record, records: Sequence[Record]) -> dict[str, str]:
    """One row's; the records of all say what has to stand in it."""
    return {
        "model": record["model"],
        **{name: record[name] for name in _telling_apart(records)},
        "protocol": _without(_said_Q(records), record["protocol"]),
        **({} if _same(records, "assumed") else {"assumed": record["assumed"]}),
        "n": str(record["n"]) if _same(records, "skipped") else images_cell(record),
        "top-1 error %": error_cell(record, "top1", ENDS),
        "top-5 error %": error_cell(record, "top5", ENDS),
        **({PUBLISHED: published_cell(record)} if any(map(published_cell, records)) else {}),
        "images/s": number(record["images_per_second"], ".3g"),
        "signature": record["signature_id"],
    }


def _same(records: Sequence[Mapping[str, Any]], name: str) -> bool:
    return len({record[name] for record in records}) == 1


def _telling_apart(records: Sequence[Record]) -> list[str]:
    """What else tells rows apart that have model and protocol in common."""
    rows: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        rows.setdefault((record["model"], record["protocol"]), []).append(record)
    return [name for name in ("weights", "S") if not all(_same(alike, name) for alike in rows.values())]


def _said_Q(records: Sequence[Record]) -> str | None:
    """The test scales that protocols need not repeat: those of all rows, or of most if there are several scales."""
    counts = Counter(record["Q"] for record in records)
    Q = max(counts, key=lambda Q: (counts[Q], len(Q)))
    return Q if counts[Q] == len(records) or "/" in Q else None


def _without(Q: str | None, protocol: str) -> str:
    return protocol if Q is None else re.sub(rf"@{re.escape(Q)}(?=[+ ]|$)", "", protocol)


def _fitted(cells: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Cut long names in their middle, until a line is no longer than `WIDTH`; names that differ stay different."""
    rows = [dict(row) for row in cells]
    for name, least in ROOM.items():
        if name in rows[0]:
            texts = {row[name] for row in rows}
            least = SEVERAL if name == "model" and len(texts) > 1 else least
            over = max(len(line) for line in _grid(rows)) - WIDTH
            cut = all_shortened(texts, max(least, max(map(len, texts)) - over))
            rows = [{**row, name: cut[row[name]]} for row in rows]
    return [{key: escaped(text) if key in LEFT else text for key, text in row.items()} for row in rows]


def _grid(cells: Sequence[dict[str, str]]) -> list[str]:
    """The lines of a Markdown table, no wider than its cells; tabulate keeps two letters more for every head."""
    widths = {name: max(3, len(name), *(len(row[name]) for row in cells)) for name in cells[0]}
    sides = {name: "<" if name in LEFT else ">" for name in widths}
    lines = [{name: name for name in widths}, {name: _rule(width, sides[name]) for name, width in widths.items()}]
    return [
        "| " + " | ".join(f"{row[name]:{sides[name]}{width}}" for name, width in widths.items()) + " |"
        for row in [*lines, *cells]
    ]


def _rule(width: int, side: str) -> str:
    return ":" + "-" * (width - 1) if side == "<" else "-" * (width - 1) + ":"


def _above(results: Sequence[Result], records: Sequence[Record]) -> list[str]:
    """Lines of Markdown: what is assumed, what all rows have in common, then what each net has for itself."""
    facts = [_facts(record) for record in records]
    single = [fact for fact, result in zip(facts, results, strict=True) if len(result.nets) == 1] or facts
    shared = [name for name in FACTS if _same(single, name)]
    own = dict.fromkeys(_told(fact, [name for name in FACTS if name not in shared]) for fact in single)
    lines = [line for line in (_told(single[0], shared), *own) if line]
    first = records[0]
    if first["assumed"] and _same(records, "assumed"):
        lines.insert(0, f"**assumed**, since nobody stated it: {first['assumed']}")
    if first["skipped"] and _same(records, "skipped"):
        lines.append(f"{first['skipped']} corrupt left out")
    if Q := _said_Q(records):
        lines.append(f"Q {Q}" + ("" if _same(records, "Q") else ", where a protocol names none"))
    lines[-1] += "; errors with 95 % intervals"
    return [part for line in lines for part in wrapped(line)]


def _facts(record: Record) -> dict[str, str]:
    words = dict(word.split("=", 1) for word in record["signature"].split())
    assumed = record["assumed"].split(", ")
    return {
        name: (words.get(name, "–") if name in COMPUTED else record[name])
        + (" (assumed)" if ASSUMABLE.get(name) in assumed else "")
        for name in FACTS
    }


def _told(facts: dict[str, str], names: Iterable[str]) -> str:
    return "; ".join(f"{name} {escaped(facts[name])}" for name in names)


def wrapped(line: str) -> list[str]:
    """An item of a Markdown list in lines of `WIDTH` letters at most."""
    return textwrap.wrap(f"- {line}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
