"""Which rows of a page are of the same images: only these can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bench.report.rows import ReportRow
from results.compared_row import ComparedRow, compared_row
from results.errors import ResultError
from results.paired import PairedErrors, paired
from results.same_images import check_same_images


@dataclass(frozen=True)
class SameImages:
    """Rows of the same images, in the page's order; `notes` say what else comparing them rests on."""

    rows: tuple[ReportRow, ...]
    compared: tuple[ComparedRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def ids(self) -> np.ndarray:
        """The images: (n,) of str."""
        return self.compared[0].ids

    @cached_property
    def ranks(self) -> np.ndarray:
        """Where the true class came, from 1: (rows, n)."""
        return np.stack([row.in_order_of(self.ids)["rank"].to_numpy() for row in self.compared])

    def pair(self, first: int, second: int, k: int) -> PairedErrors | None:
        """Two rows by their indices here, at top-k; None where one has no such error."""
        if k > 1 and not (self.compared[first].has_top5 and self.compared[second].has_top5):
            return None
        return paired(self.ranks[first] > k, self.ranks[second] > k)

    def __str__(self) -> str:
        count = len(self.ids)
        return f"{count} image{'s' * (count != 1)} of {self.rows[0].row['data']}"


def same_images(rows: Sequence[ReportRow]) -> list[SameImages]:
    """The rows in groups of the same images under the same labels; those that ties decide are in none."""
    groups: list[SameImages] = []
    for row in rows:
        try:
            compared = compared_row(f"row {row.number}", row.inspection)
        except ResultError:
            continue
        _join(groups, row, compared)
    return groups


def _join(groups: list[SameImages], row: ReportRow, compared: ComparedRow) -> None:
    for place, group in enumerate(groups):
        try:
            notes = check_same_images(group.compared[0], compared)
        except ResultError:
            continue
        groups[place] = replace(
            group,
            rows=(*group.rows, row),
            compared=(*group.compared, compared),
            notes=tuple(dict.fromkeys((*group.notes, *notes))),
        )
        return
    groups.append(SameImages((row,), (compared,)))
