"""Pairs of rows on the same images: what differs, whether that is chance, and on which images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from bench.report.packing import packed
from bench.report.rows import ReportRow
from bench.report.same_images import SameImages
from bench.report.section import Lead, Section
from results.comparison_tables import difference_cell, needed_cell
from results.formatting import shown
from results.multiple_tests import holm
from results.paired import PairedErrors
from results.power import ALPHA
from results.table import error_cell

SEVERAL = 12  # rows from which on the matrix tells intervals and p when asked, to fit on a screen


@dataclass(frozen=True)
class Cell:
    """A pair in the matrix: the difference is `row`'s error less `column`'s, `holm_p` corrected for the matrix."""

    row: ReportRow
    column: ReportRow
    errors: PairedErrors
    holm_p: float

    @property
    def key(self) -> str:
        return f"{self.row.key}-{self.column.key}"

    @property
    def difference(self) -> str:
        return difference_cell(self.errors)

    @property
    def verdict(self) -> str:
        """`better` or `worse` is the row than the column, where that is no chance; else empty."""
        if self.holm_p >= ALPHA:
            return ""
        return "better" if self.errors.difference[0] < 0 else "worse"


def section(rows: Sequence[ReportRow], groups: Sequence[SameImages]) -> Section:
    """A matrix of top-1 differences for each group of two rows or more; rows in no group are named."""
    tables = [(group, _cells(group, 1)) for group in groups]
    several = [(group, cells) for group, cells in tables if cells]
    matrices = [_matrix(group, cells) for group, cells in several]
    alone = [group.rows[0] for group in groups if len(group.rows) == 1]
    undecided = [row for row in rows if not row.row.clean]
    return Section(
        "pairs",
        "Which row is better",
        "pairs.html.j2",
        {"matrices": matrices, "alone": alone, "undecided": undecided, "alpha": f"{100 * ALPHA:g} %"},
        data={"groups": [_data(group, cells) for group, cells in several]},
        leads=[_lead(group, cells) for group, cells in tables],
    )


def _lead(group: SameImages, cells: Sequence[Cell]) -> Lead:
    """Which row of the group is best, and how many of the others are worse by more than chance."""
    best = min(group.rows, key=lambda row: row.row.counts.wrong1)
    alike = [str(row.number) for row in group.rows if row.row.counts.wrong1 == best.row.counts.wrong1 and row != best]
    others = len(group.rows) - 1
    error = f"{error_cell(best.record, 'top1')} %"
    if len(alike) == others:
        where = best.in_words if not others else "both rows" if others == 1 else f"all {len(group.rows)} rows"
        return Lead(f"The top-1 error on {group} is", best, error, f"in {where}.")
    as_low = (
        f" Row{'s' * (len(alike) != 1)} {_listed(alike)} {'are' if len(alike) != 1 else 'is'} as low." if alike else ""
    )
    after = f"in {best.in_words}.{as_low} {_worse(others, [cell for cell in cells if best in (cell.row, cell.column)])}"
    return Lead(f"The lowest top-1 error on {group} is", best, error, after)


def _worse(others: int, cells: Sequence[Cell]) -> str:
    """How many of the best row's pairs with others are no chance."""
    worse = sum(bool(cell.verdict) for cell in cells)
    if others == 1:
        return f"The other row is {'' if worse else 'not '}worse by more than chance (McNemar's test)."
    of = f"{worse or 'None'} of the {others} others {'is' if worse < 2 else 'are'}"
    return f"{of} worse by more than chance (McNemar's test, corrected for all pairs)."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _cells(group: SameImages, k: int) -> list[Cell]:
    """Each row with each before it at top-k; none where a row has no such error."""
    pairs = [(later, earlier) for earlier, later in combinations(range(len(group.rows)), 2)]
    found = [(pair, errors) for pair in pairs if (errors := group.pair(*pair, k)) is not None]
    ps = holm([errors.p for _, errors in found])
    return [
        Cell(group.rows[later], group.rows[earlier], errors, p)
        for ((later, earlier), errors), p in zip(found, ps, strict=True)
    ]


def _matrix(group: SameImages, cells: Sequence[Cell]) -> dict[str, Any]:
    by_row: dict[str, list[Cell]] = {row.key: [] for row in group.rows}
    for cell in sorted(cells, key=lambda cell: cell.column.number):
        by_row[cell.row.key].append(cell)
    return {
        "title": str(group),
        "rows": [(row, by_row[row.key]) for row in group.rows[1:]],
        "columns": group.rows[:-1],
        "pairs": len(cells),
        "several": len(group.rows) >= SEVERAL,
        "notes": group.notes,
    }


def _data(group: SameImages, cells: Sequence[Cell]) -> dict[str, Any]:
    """What the script tells of a pair: numbers as texts, and the images on which not all rows are alike."""
    top5 = {cell.key: _numbers(cell) for cell in _cells(group, 5)}
    wrong = group.ranks > 1
    apart = np.flatnonzero(wrong.any(0) & ~wrong.all(0))
    names = list(dict.fromkeys(name for row in group.compared for name in row.classes))
    places = {name: index for index, name in enumerate(names)}
    first = group.compared[0]
    return {
        "ids": [shown(each) for each in group.ids[apart]],
        "names": names,
        "labels": packed(_renumbered(first.images["label"].to_numpy()[apart], first.classes, places)),
        "rows": {
            row.key: {
                "label": row.label,
                "ranks": packed(ranks[apart]),
                "predicted": packed(
                    _renumbered(
                        compared.in_order_of(group.ids)["predicted"].to_numpy()[apart], compared.classes, places
                    )
                ),
            }
            for row, compared, ranks in zip(group.rows, group.compared, group.ranks, strict=True)
        },
        "pairs": {
            cell.key: {
                "row": cell.row.key,
                "column": cell.column.key,
                "top1": _numbers(cell),
                "top5": top5.get(cell.key),
            }
            for cell in cells
        },
    }


def _numbers(cell: Cell) -> list[list[str]]:
    """What is counted of a pair, by name."""
    errors, row, column = cell.errors, cell.row.number, cell.column.number
    return [
        ["Difference in points [95 %]", cell.difference],
        [f"Only row {row} wrong", str(errors.only_first)],
        [f"Only row {column} wrong", str(errors.only_second)],
        ["McNemar's p, exact", f"{errors.p:.2g}"],
        ["The same, corrected (Holm)", f"{cell.holm_p:.2g}"],
        ["Images that show such a difference", needed_cell(errors)],
    ]


def _renumbered(classes: np.ndarray, names: Sequence[str], places: Mapping[str, int]) -> np.ndarray:
    """Indices of one row's classes as those of all."""
    return np.array([places[name] for name in names])[classes]
