"""Rows as CSV, JSON and Markdown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from results.atomic_files import write_text_atomically
from results.claims import Comparison
from results.formatting import code, escaped, interval, number
from results.result import Result, signature_id

PLAIN = ("model", "configuration", "weights", "S", "Q", "protocol", "data")
PUBLISHED = "published top-1 / top-5"
Record = dict[str, Any]


def markdown(results: Sequence[Result], header: Sequence[str] = ()) -> str:
    """The whole table: header lines, one row per result with all columns, and below it the signatures in full."""
    records = [result.record() for result in results]
    table = markdown_of([wide_cells(record) for record in records], PLAIN)
    lines = [*header, ""] if header else []
    below = [*group_lines(results), *warning_lines(records), *signature_lines(records)]
    return "\n".join([*lines, table, "", *below])


def wide_cells(record: Record) -> dict[str, str]:
    """The row of `results.md`."""
    return {
        **{name: escaped(record[name]) for name in PLAIN},
        "assumed": record["assumed"],
        "n": images_cell(record),
        "top-1 error % [95 %]": error_cell(record, "top1"),
        "top-5 error % [95 %]": error_cell(record, "top5"),
        **wrong_cells(record),
        "views": str(record["views"]),
        "images/s": number(record["images_per_second"], ".3g"),
        "paper top-1 / top-5": f"{number(record['paper_top1'], '.1f')} / {number(record['paper_top5'], '.1f')}",
        PUBLISHED: published_cell(record),
        "signature": f"`{record['signature_id']}`",
    }


def published_cell(record: Record) -> str:
    """What the weights' makers publish; a dash where the row is another's, and nothing in other protocols' rows."""
    if not record["protocol"].startswith("published") or "+" in record["protocol"]:
        return ""
    return f"{number(record['published_top1'], '.2f')} / {number(record['published_top5'], '.2f')}"


def images_cell(record: Record) -> str:
    """How many images were counted, and how many were left out."""
    skipped = f" ({record['skipped']} corrupt left out)" if record["skipped"] else ""
    return f"{record['n']}{skipped}"


def error_cell(record: Record, name: str, ends: str = ".2f") -> str:
    """`top1` or `top5` of a record with its interval, whose ends have a form of their own."""
    return interval(record[name], record[f"{name}_low"], record[f"{name}_high"], ends=ends)


def wrong_cells(record: Record) -> dict[str, str]:
    """`wrong1` and `wrong5` of a record; a dash where ties decide them."""
    return {f"wrong{k}": number(None if record[f"top{k}"] is None else record[f"wrong{k}"]) for k in (1, 5)}


def judged_cells(comparison: Comparison) -> dict[str, str]:
    """What McNemar's test says of two rows."""
    difference, low, high = (round(100 * each, 4) for each in comparison.difference)  # as the CSV has them
    return {
        "difference [95 %]": interval(difference, low, high, "+.2f"),
        "only first / only second wrong": f"{comparison.only_first} / {comparison.only_second}",
        "McNemar p": f"{comparison.p:.2g}",
        "verdict": comparison.verdict,
    }


def markdown_of(cells: Sequence[dict[str, str]], texts: Sequence[str]) -> str:
    """A Markdown table, `texts` and signatures to the left; columns that no row has anything in are left out."""
    table = pd.DataFrame(cells)
    for name in ("assumed", PUBLISHED):
        if not any(row.get(name) for row in cells):
            table = table.drop(columns=name, errors="ignore")  # a table may have no rows
    sides = ["left" if name in (*texts, "assumed", "signature") else "right" for name in table]
    return table.to_markdown(index=False, disable_numparse=True, colalign=sides)


def signature_lines(records: Sequence[Record]) -> list[str]:
    """A list of Markdown below a table."""
    lines = dict.fromkeys(f"- `{record['signature_id']}`: {code(record['signature'])}" for record in records)
    return ["Signatures:", "", *lines, ""]


def warnings_of(records: Sequence[Record]) -> dict[str, str]:
    """Each warning with the rows that it is of."""
    rows: dict[str, dict[str, None]] = {}
    for record in records:
        for text in record["warnings"]:
            rows.setdefault(text, {})[record["signature_id"]] = None
    every = {record["signature_id"] for record in records}
    return {text: "all rows" if 1 < len(ids) == len(every) else ", ".join(ids) for text, ids in rows.items()}


def warning_lines(records: Sequence[Record]) -> list[str]:
    """A list of Markdown below a table; nothing where there is nothing to warn of."""
    lines = [f"- {rows}: {escaped(text)}" for text, rows in warnings_of(records).items()]
    return ["Warnings:", "", *lines, ""] if lines else []


def group_lines(results: Sequence[Result]) -> list[str]:
    """What is measured of rows whose images are in groups, in Markdown: a table each of ImageNet-C, else AUPR."""
    lines: list[str] = []
    for result in results:
        title = f"{escaped(result.model)} {escaped(result.protocol)} `{signature_id(result.signature)}`"
        if found := result.corruptions:
            notes = [f"- {escaped(note)}" for note in found.notes(result.protocol)]
            lines += [f"By corruption: {title}", "", markdown_of(found.cells(), ("corruption",)), "", *notes, ""]
        if result.detection:
            lines += [f"Of no class: {title}: {result.detection}", ""]
    return lines


def csv_text(records: Sequence[Record]) -> str:
    """Records as CSV, with the warnings of each in one cell."""
    plain = [{**flat(record), "warnings": "; ".join(record["warnings"])} for record in records]
    return pd.DataFrame(plain, dtype=object).to_csv(index=False)


def flat(record: Record) -> Record:
    """What fits into the cells of a row: the errors by corruption are a table of their own."""
    return {name: value for name, value in record.items() if name != "corruptions"}


def write(results: Sequence[Result], folder: Path, header: Sequence[str] = ()) -> None:
    """Write `results.csv`, `results.json` and `results.md` into a folder; the header lines go into the last."""
    records = [result.record() for result in results]
    folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(folder / "results.csv", csv_text(records))
    write_text_atomically(folder / "results.json", json.dumps(records, indent=1) + "\n")
    write_text_atomically(folder / "results.md", markdown(results, header))
