"""Rows as CSV, JSON and Markdown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from results.aside import write_text_aside
from results.cells import code, escaped, interval, number
from results.result import Result

PLAIN = ("model", "configuration", "weights", "S", "Q", "protocol", "data")


def markdown(results: Sequence[Result], header: Sequence[str] = ()) -> str:
    """The table people read: header lines, one row per result, and below it the signatures in full."""
    records = [result.record() for result in results]
    table = pd.DataFrame([_cells(record) for record in records]).to_markdown(
        index=False, disable_numparse=True, colalign=["left"] * len(PLAIN) + ["right"] * 8 + ["left"]
    )
    signatures = dict.fromkeys(f"- `{record['signature_id']}`: {code(record['signature'])}" for record in records)
    lines = [*header, ""] if header else []
    return "\n".join([*lines, table, "", "Signatures:", "", *signatures, ""])


def _cells(record: dict[str, Any]) -> dict[str, str]:
    return {
        **{name: escaped(record[name]) for name in PLAIN},
        "n": images_cell(record),
        "top-1 error % [95 %]": error_cell(record, "top1"),
        "top-5 error % [95 %]": error_cell(record, "top5"),
        "wrong1": str(record["wrong1"]),
        "wrong5": number(record["wrong5"]),
        "views": str(record["views"]),
        "images/s": number(record["images_per_second"], ".3g"),
        "paper top-1 / top-5": f"{number(record['paper_top1'], '.1f')} / {number(record['paper_top5'], '.1f')}",
        "signature": f"`{record['signature_id']}`",
    }


def images_cell(record: dict[str, Any]) -> str:
    """How many images were counted, and how many were left out."""
    skipped = f" ({record['skipped']} corrupt left out)" if record["skipped"] else ""
    return f"{record['n']}{skipped}"


def error_cell(record: dict[str, Any], name: str) -> str:
    """`top1` or `top5` of a record with its interval."""
    return interval(record[name], record[f"{name}_low"], record[f"{name}_high"])


def write(results: Sequence[Result], folder: Path, header: Sequence[str] = ()) -> None:
    """Write `results.csv`, `results.json` and `results.md` into a folder; the header lines go into the last."""
    records = [result.record() for result in results]
    folder.mkdir(parents=True, exist_ok=True)
    write_text_aside(folder / "results.csv", pd.DataFrame(records, dtype=object).to_csv(index=False))
    write_text_aside(folder / "results.json", json.dumps(records, indent=1) + "\n")
    write_text_aside(folder / "results.md", markdown(results, header))
