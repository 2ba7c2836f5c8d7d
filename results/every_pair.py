"""Rows of the same images, each compared with each: p values corrected for so many pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from string import ascii_uppercase
from typing import Any

from results.compared_row import ComparedRow
from results.comparison import Comparison, compare_rows, corrected, corrected_record
from results.comparison_tables import (
    ROW_TEXTS,
    class_lines,
    difference_cell,
    listed,
    needed_cell,
    row_cells,
    wrapped,
)
from results.errors import ResultError
from results.formatting import escaped
from results.table import markdown_of


@dataclass(frozen=True)
class EveryPair:
    """Rows, the best first, and every pair of them in that order: differences are the better row's less the other's."""

    rows: tuple[ComparedRow, ...]
    pairs: tuple[Comparison, ...]

    @property
    def letters(self) -> list[str]:
        """What the rows are called."""
        return letters_of(len(self.rows))

    @property
    def lettered(self) -> list[tuple[str, str]]:
        """The letters of each pair."""
        return list(combinations(self.letters, 2))

    @property
    def titled(self) -> list[tuple[str, tuple[str, str], Comparison]]:
        """Each pair with a title in Markdown and its letters."""
        pairs = zip(self.lettered, self.pairs, strict=True)
        return [(" and ".join(letters), letters, pair) for letters, pair in pairs]

    def holm_p(self, k: int) -> list[float] | None:
        """McNemar's p of each pair at top-k, corrected for all pairs; None where not every row has such an error."""
        return corrected(self.pairs, k)

    def markdown(self, classes: int | None = 0) -> str:
        """The rows, a table of pairs, and of each pair so many of the classes that changed most; None are all."""
        rows = dict(zip(self.letters, self.rows, strict=True))
        first = self.rows[0].row
        apart = sum(pair.better(p=p) is not None for pair, p in zip(self.pairs, self.holm_p(1) or (), strict=True))
        lines = [
            f"{len(rows)} rows on the same {first.counts.n} images of {escaped(first['data'])}, the best first; "
            f"{apart} of {len(self.pairs)} pairs differ by more than chance",
            "",
            markdown_of([row_cells(letter, row.record()) for letter, row in rows.items()], ROW_TEXTS),
            "",
        ]
        for k in (1, 5):
            if (ps := self.holm_p(k)) is not None:
                said = f"top-{k}, in points with 95 % intervals; Holm's p is corrected for {len(self.pairs)} pairs:"
                lines += [*wrapped(said), "", markdown_of(self._cells(k, ps), ("pair", "fewer errors")), ""]
        lines += listed(first.counts.n, self._notes())
        for title, letters, pair in self.titled if classes != 0 else ():
            lines += ["", f"## {title}", "", *class_lines(pair, classes, letters)]
        return "\n".join(lines).rstrip("\n")

    def record(self) -> dict[str, Any]:
        """Everything, for JSON: the rows by their letters, and each pair as a comparison has it."""
        ps = {k: self.holm_p(k) for k in (1, 5)}
        return {
            "rows": {letter: row.record() for letter, row in zip(self.letters, self.rows, strict=True)},
            "pairs": [
                {
                    **corrected_record(pair, {k: each[place] for k, each in ps.items() if each is not None}, letters),
                    "first": letters[0],
                    "second": letters[1],
                }
                for place, (letters, pair) in enumerate(zip(self.lettered, self.pairs, strict=True))
            ],
        }

    def _cells(self, k: int, ps: Sequence[float]) -> list[dict[str, str]]:
        cells = []
        for letters, pair, p in zip(self.lettered, self.pairs, ps, strict=True):
            errors = pair.top(k)
            assert errors is not None
            cells.append(
                {
                    "pair": " less ".join(letters),
                    "difference": difference_cell(errors),
                    "only one wrong": f"{errors.only_first} / {errors.only_second}",
                    "McNemar p": f"{errors.p:.2g}",
                    "p, Holm": f"{p:.2g}",
                    "fewer errors": errors.better(letters, p) or "–",
                    "images needed": needed_cell(errors),
                }
            )
        return cells

    def _notes(self) -> Iterator[str]:
        for pair in self.pairs:
            yield from pair.notes
        yield from (f"{row.called}: {row.row.warnings}" for row in self.rows if row.row.warnings)


def every_pair(rows: Sequence[ComparedRow]) -> EveryPair:
    """Compare two rows or more, each with each. Raises ResultError where they are not all of the same images."""
    if len(rows) < 2:
        raise ResultError(f"{len(rows)} row; give another to compare it with")
    ranked = sorted(rows, key=lambda row: row.row.counts.wrong1)
    return EveryPair(tuple(ranked), tuple(compare_rows(*pair) for pair in combinations(ranked, 2)))


def letters_of(rows: int) -> list[str]:
    """What so many rows are called: A to Z, then AA, AB, ..."""
    return list(map(_letters, range(rows)))


def _letters(index: int) -> str:
    """As spreadsheets call their columns."""
    more, last = divmod(index, len(ascii_uppercase))
    return (_letters(more - 1) if more else "") + ascii_uppercase[last]
