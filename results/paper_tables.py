"""The paper's Tables 3 to 6 with measured columns beside the published ones, and the table of its claims."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from results.atomic_files import write_text_atomically
from results.claims import ALPHA, MARGIN, Comparison
from results.formatting import escaped, number
from results.paper import PaperRow
from results.result import Result
from results.table import (
    csv_text,
    error_cell,
    images_cell,
    judged_cells,
    markdown_of,
    signature_lines,
    warning_lines,
    wrong_cells,
)

TITLES = {
    3: "Table 3: dense evaluation at a single test scale (section 4.1)",
    4: "Table 4: dense evaluation at three test scales (section 4.2)",
    5: "Table 5: dense, multi-crop, and both (section 4.3)",
    6: "Table 6: fusion of nets (section 4.4)",
}
WRITTEN = (*(f"table{table}" for table in TITLES), "claims")


def write_tables(measured: Mapping[PaperRow, Result], folder: Path, caption: Sequence[str]) -> None:
    """Write `table3` to `table6`, each as .md and .csv; the caption's lines stand above every table."""
    for table, title in TITLES.items():
        rows = {row: result for row, result in measured.items() if row.table == table}
        records = [result.record() | _published(row, result) for row, result in rows.items()]
        lines = [f"# {title}", "", *caption, "", _markdown(rows, records), "", *warning_lines(records)]
        _write(folder / f"table{table}", csv_text(records), [*lines, *signature_lines(records)])


def _published(row: PaperRow, result: Result) -> dict[str, float | None]:
    """The paper's figures of a row; none beside a net whose S is assumed."""
    stated = "S" not in result.assumed
    return {"paper_top1": row.top1 if stated else None, "paper_top5": row.top5 if stated else None}


def write_claims(comparisons: Sequence[Comparison], folder: Path, caption: Sequence[str]) -> None:
    """Write `claims.md` and `claims.csv`."""
    records = [each.record() for each in comparisons]
    verdicts = [record["verdict"] for record in records]
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in ("holds", "reversed", "undecided"))
    lines = [
        "# Do the paper's claims hold?",
        "",
        *caption,
        f"- {len(records)} claims: {counts}. Top-1; each compares two rows on the same images.",
        f"- McNemar's exact test at {ALPHA:.0%}, not corrected for the number of claims; differences in points with "
        "95 % intervals, below 0 the first row is better. Where the test decides nothing, a claim of no improvement "
        f"holds if one of {100 * MARGIN:g} point can be ruled out.",
        "- Not judged: what the paper says of nets that none of its tables has, as of 5x5 layers (section 4.1).",
        "",
        pd.DataFrame([_claim_row(each) for each in comparisons]).to_markdown(
            index=False, disable_numparse=True, colalign=["left"] * 4 + ["right"] * 4 + ["left", "right"]
        ),
        "",
    ]
    _write(folder / "claims", pd.DataFrame(records, dtype=object).to_csv(index=False), lines)


def _write(path: Path, table: str, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(path.with_suffix(".csv"), table)
    write_text_atomically(path.with_suffix(".md"), "\n".join(lines))


def _markdown(rows: Iterable[PaperRow], records: Sequence[dict[str, Any]]) -> str:
    cells = [_paper_row(row, record) for row, record in zip(rows, records, strict=True)]
    return markdown_of(cells, ("nets (configuration/S)", "protocol"))


def _paper_row(row: PaperRow, record: dict[str, Any]) -> dict[str, str]:
    return {
        "nets (configuration/S)": ", ".join(net.split()[0] for net in row.nets),
        "protocol": escaped(record["protocol"]),
        "assumed": record["assumed"],
        "n": images_cell(record),
        "top-1 error % [95 %]": error_cell(record, "top1"),
        "top-5 error % [95 %]": error_cell(record, "top5"),
        **wrong_cells(record),
        "ImageNet, paper: top-1": number(record["paper_top1"], ".1f"),
        "top-5": number(record["paper_top5"], ".1f"),
        "signature": f"`{record['signature_id']}`",
    }


def _claim_row(comparison: Comparison) -> dict[str, str]:
    record = comparison.record()
    return {
        "claim": escaped(record["claim"]),
        "section": record["section"],
        "first": escaped(record["first"]),
        "second": escaped(record["second"]),
        "top-1 error %": f"{record['top1_first']:.2f} / {record['top1_second']:.2f}",
        **judged_cells(comparison),
        "difference in the paper": f"{record['paper_difference']:+.1f}",
    }
