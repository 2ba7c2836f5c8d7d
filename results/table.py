"""Rows as CSV, JSON and Markdown."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from results.result import Result

PLAIN = ("model", "configuration", "weights", "S", "Q", "protocol", "data")


def markdown(results: Sequence[Result], header: Sequence[str] = ()) -> str:
    """The table people read: header lines, one row per result, and below it the signatures in full."""
    records = [result.record() for result in results]
    table = pd.DataFrame([_cells(record) for record in records]).to_markdown(
        index=False, disable_numparse=True, colalign=["left"] * len(PLAIN) + ["right"] * 8 + ["left"]
    )
    signatures = dict.fromkeys(f"- `{record['signature_id']}`: {_code(record['signature'])}" for record in records)
    lines = [*header, ""] if header else []
    return "\n".join([*lines, table, "", "Signatures:", "", *signatures, ""])


def _cells(record: dict[str, Any]) -> dict[str, str]:
    skipped = f" ({record['skipped']} corrupt left out)" if record["skipped"] else ""
    return {
        **{name: _escaped(record[name]) for name in PLAIN},
        "n": f"{record['n']}{skipped}",
        "top-1 error % [95 %]": _error(record, "top1"),
        "top-5 error % [95 %]": _error(record, "top5"),
        "wrong1": str(record["wrong1"]),
        "wrong5": _dash(record["wrong5"]),
        "views": str(record["views"]),
        "images/s": _dash(record["images_per_second"], ".3g"),
        "paper top-1 / top-5": f"{_dash(record['paper_top1'], '.1f')} / {_dash(record['paper_top5'], '.1f')}",
        "signature": f"`{record['signature_id']}`",
    }


def _error(record: dict[str, Any], name: str) -> str:
    if record[name] is None:
        return "–"
    return f"{record[name]:.2f} [{record[name + '_low']:.2f}, {record[name + '_high']:.2f}]"


def _dash(value: float | None, form: str = "") -> str:
    return "–" if value is None else format(value, form)


def _escaped(text: str) -> str:
    """File names may hold what Markdown reads as markup."""
    plain = re.sub(r"[\\|`*<~&]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", " ".join(text.split()))
    return plain.replace("](", "]\\(")


def _code(text: str) -> str:
    """A code span; backticks inside it take a longer fence."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"`{text}`" if fence == "`" else f"{fence} {text} {fence}"


def write(results: Sequence[Result], folder: Path, header: Sequence[str] = ()) -> None:
    """Write `results.csv`, `results.json` and `results.md` into a folder; the header lines go into the last."""
    records = [result.record() for result in results]
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(records, dtype=object).to_csv(folder / "results.csv", index=False)
    (folder / "results.json").write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(markdown(results, header), encoding="utf-8")
