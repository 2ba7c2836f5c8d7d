"""Two runs as wholes: the row of one with the row of the other that measured the same, or the nearest to it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from results.comparison import Comparison, corrected, corrected_record
from results.comparison_tables import class_lines, difference_cell, listed, needed_cell, wrapped
from results.formatting import escaped, number
from results.table import markdown_of
from results.written_tables import WrittenRow

# what two rows must have in common to be a pair, the most telling first, and how that is said
ALIKE: dict[str, Callable[[WrittenRow], object]] = {
    "signature": lambda row: row.signature,
    "model, S and protocol": lambda row: (row["model"], row["S"], row["protocol"]),
    "model and protocol": lambda row: (row["model"], row["protocol"]),
    "protocol": lambda row: row["protocol"],
}


@dataclass(frozen=True)
class Matched:
    """Pairs of rows by their places in the two runs, with what each has in common; and the places that stay alone."""

    pairs: tuple[tuple[int, int, str], ...]
    alone: tuple[tuple[int, ...], tuple[int, ...]]


def matched(first: Sequence[WrittenRow], second: Sequence[WrittenRow]) -> Matched:
    """Pair two runs' rows; where several have the same in common, none of these is guessed.

    Rows of one signature first, then by names, then by protocol alone; the only row of a run with the only row of
    another whatever they are.
    """
    if len(first) == len(second) == 1:
        return Matched(((0, 0, "the only rows"),), ((), ()))
    left, right = dict(enumerate(first)), dict(enumerate(second))
    pairs = []
    for common, key in ALIKE.items():
        ours, theirs = _unique(left, key), _unique(right, key)
        for value in ours.keys() & theirs.keys():
            pairs.append((ours[value], theirs[value], common))
            del left[ours[value]], right[theirs[value]]
    return Matched(tuple(sorted(pairs)), (tuple(left), tuple(right)))


def _unique(rows: dict[int, WrittenRow], key: Callable[[WrittenRow], object]) -> dict[object, int]:
    """Places by what only one row has."""
    counts = Counter(map(key, rows.values()))
    return {key(row): place for place, row in rows.items() if counts[key(row)] == 1}


@dataclass(frozen=True)
class PairedRuns:
    """Two runs A and B: the pairs with what makes them such, and the names of rows that stay alone."""

    pairs: tuple[Comparison, ...]
    common: tuple[str, ...]
    alone: tuple[str, ...]

    @property
    def titled(self) -> list[tuple[str, tuple[str, str], Comparison]]:
        """Each pair with a title in Markdown and the runs' letters."""
        return [
            (f"{escaped(each.first.called)} and {escaped(each.second.called)}", ("A", "B"), each) for each in self.pairs
        ]

    def holm_p(self, k: int) -> list[float] | None:
        """McNemar's p of each pair at top-k, corrected for all pairs; None where not every row has such an error."""
        return corrected(self.pairs, k)

    def markdown(self, classes: int | None = 0) -> str:
        """A table of pairs, and of each pair so many of the classes that changed most; None are all."""
        first = self.pairs[0].first.row
        pairs = f"{len(self.pairs)} pair" + "s" * (len(self.pairs) > 1)
        said = f"{pairs} of rows on the same {first.counts.n} images of {escaped(first['data'])}"
        lines = [f"{said}: {self._verdict()}", ""]
        for k in (1, 5):
            if (ps := self.holm_p(k)) is not None:
                said = f"top-{k} error in %, differences in points with 95 % intervals; Holm's p is corrected for "
                said += f"{pairs}:"
                cells = [self._cells(k, place, p) for place, p in enumerate(ps)]
                lines += [*wrapped(said), "", markdown_of(cells, ("A", "B", "row", "fewer errors")), ""]
        lines += listed(first.counts.n, self._notes())
        for title, letters, pair in self.titled if classes != 0 else ():
            lines += ["", f"## {title}", "", *class_lines(pair, classes, letters)]
        return "\n".join(lines).rstrip("\n")

    def record(self) -> dict[str, Any]:
        """Everything, for JSON."""
        ps = {k: self.holm_p(k) for k in (1, 5)}
        return {
            "pairs": [
                {
                    **corrected_record(pair, {k: each[place] for k, each in ps.items() if each is not None}),
                    "paired_by": self.common[place],
                }
                for place, pair in enumerate(self.pairs)
            ],
            "alone": list(self.alone),
        }

    def _verdict(self) -> str:
        """In how many pairs which run is better at top-1, by the corrected p."""
        better = Counter(pair.better(p=p) for pair, p in zip(self.pairs, self.holm_p(1) or (), strict=True))
        told = [f"{letter} makes fewer errors in {better[letter]}" for letter in "AB" if better[letter]]
        if not told:
            return "all differences may be chance"
        return ", ".join([*told, *([f"{better[None]} may be chance"] if better[None] else [])])

    def _cells(self, k: int, place: int, p: float) -> dict[str, str]:
        pair = self.pairs[place]
        errors = pair.top(k)
        assert errors is not None
        rows = {"A": pair.first, "B": pair.second}
        return {
            **{letter: escaped(row.name) for letter, row in rows.items()},
            "row": escaped(_common_name(pair)),
            **{f"top-{k} {letter}": number(row.record()[f"top{k}"], ".2f") for letter, row in rows.items()},
            "A less B": difference_cell(errors),
            "McNemar p": f"{errors.p:.2g}",
            "p, Holm": f"{p:.2g}",
            "fewer errors": errors.better(p=p) or "–",
            "images needed": needed_cell(errors),
        }

    def _notes(self) -> list[str]:
        counts = Counter(self.common)
        paired = [f"Paired by {common}: {count}" for common, count in counts.items()]
        alone = [f"Not paired: {', '.join(self.alone)}"] if self.alone else []
        notes = [note for pair in self.pairs for note in pair.notes]
        rows = [row for pair in self.pairs for row in (pair.first, pair.second)]
        warnings = [f"{row.called}: {row.row.warnings}" for row in rows if row.row.warnings]
        return [*paired, *alone, *notes, *warnings]


def _common_name(pair: Comparison) -> str:
    """Model, S and protocol; both where they differ."""
    first, second = pair.first.row, pair.second.row
    texts = [(first[name], second[name]) for name in ("model", "S", "protocol")]
    return ", ".join(one if one == other else f"{one} / {other}" for one, other in texts)
