"""Two rows by test scale, or by kind of view: what their stored parts say of each, on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bench.errors import UserError
from bench.stored.part_rows import PartRow, PartRows
from results.comparison import Comparison, difference_record
from results.comparison_tables import difference_cells, wrapped
from results.formatting import escaped, number
from results.multiple_tests import holm
from results.paired import PairedErrors, paired
from results.table import markdown_of
from results.written_tables import WrittenRow

How = Literal["Q", "view"]
ALL = "all of them"
HEADS = {"Q": ("Q",), "view": ("view", "mirror images")}
SAID = {
    "Q": "By test scale, of each row what it has at that Q",
    "view": "By kind of view over all Q, and without mirror images where that is stored",
}


@dataclass(frozen=True)
class PartPair:
    """Both rows' parts at one Q, or of one kind of view; `label` says which, a text for each head."""

    label: tuple[str, ...]
    first: PartRow
    second: PartRow

    def top(self, k: int) -> PairedErrors | None:
        """Both errors at top-1 or top-5; None where one row has none, or ties decide it."""
        parts = (self.first, self.second)
        if any(part.errors[f"top{k}"] is None for part in parts):
            return None
        return paired(*(part.wrong(k) for part in parts))


@dataclass(frozen=True)
class ByPart:
    """What two rows have in common, part by part; `has` says what each of them has."""

    how: How
    pairs: tuple[PartPair, ...]
    has: str

    def tops(self, k: int) -> dict[PartPair, tuple[PairedErrors, float]]:
        """Both errors by pair where there are such, and McNemar's p corrected for all of these."""
        found = {pair: errors for pair in self.pairs if (errors := pair.top(k)) is not None}
        ps = holm([errors.p for errors in found.values()])
        return {pair: (errors, p) for (pair, errors), p in zip(found.items(), ps, strict=True)}

    def lines(self, letters: tuple[str, str] = ("A", "B")) -> list[str]:
        """In Markdown."""
        if not self.pairs:
            return [f"By {self.how} they have none in common: {escaped(self.has)}."]
        told: list[str] = []
        for k in (1, 5):
            if tops := self.tops(k):
                said = f"{'The same' if told else SAID[self.how]}; top-{k} error in %"
                said += f"; Holm's p is corrected for {len(tops)} lines:" if len(tops) > 1 else ":"
                told += [*wrapped(said), "", markdown_of(self._cells(k, tops, letters), (*HEADS[self.how], "of")), ""]
        return told[:-1]

    def record(self) -> list[dict[str, Any]]:
        """For JSON, a dictionary for each pair of parts."""
        tops = {k: self.tops(k) for k in (1, 5)}
        return [
            {
                **dict(zip(HEADS[self.how], pair.label, strict=True)),
                "first": _part_record(pair.first),
                "second": _part_record(pair.second),
                **{
                    f"top{k}": {**difference_record(found[pair][0]), "holm_p": found[pair][1]}
                    if pair in found
                    else None
                    for k, found in tops.items()
                },
            }
            for pair in self.pairs
        ]

    def _cells(
        self, k: int, tops: Mapping[PartPair, tuple[PairedErrors, float]], letters: tuple[str, str]
    ) -> Sequence[dict[str, str]]:
        a, b = letters
        several = len(tops) > 1
        return [
            {
                **dict(zip(HEADS[self.how], pair.label, strict=True)),
                "of": " / ".join(dict.fromkeys((pair.first.protocol, pair.second.protocol))),
                a: number(pair.first.errors[f"top{k}"], ".2f"),
                b: number(pair.second.errors[f"top{k}"], ".2f"),
                **difference_cells(errors, letters, p if several else None),
            }
            for pair, (errors, p) in tops.items()
        ]


def by_part(how: How, found: Comparison, first: PartRows, second: PartRows) -> ByPart:
    """Both rows of a comparison part by part, from the sums of their runs' parts.

    Raises UserError where one of them has no parts.
    """
    sides = [_parts(how, rows, row.row) for rows, row in ((first, found.first), (second, found.second))]
    for parts, row in zip(sides, (found.first, found.second), strict=True):
        if not parts:
            raise UserError(f"--by {how}: the parts of {row.called} are not in a store; run bench.run again")
    common = [label for label in sides[0] if label in sides[1]]
    has = (f"{row.called} {_listed(parts)}" for parts, row in zip(sides, (found.first, found.second), strict=True))
    ids = found.first.ids
    pairs = (PartPair(label, *(_in_order_of(ids, parts[label]) for parts in sides)) for label in common)
    return ByPart(how, tuple(pairs), ", ".join(has))


def _parts(how: How, rows: PartRows, row: WrittenRow) -> dict[tuple[str, ...], PartRow]:
    """By what they are called: at each Q as the row has it; kinds of views with mirror images and without."""
    found: dict[tuple[str, ...], PartRow] = {}
    if how == "Q":
        for (Q, _), part in rows.by_Q(row).items():
            found.setdefault((str(Q),), part)  # the first is as the row has it
        return found
    for (method, flips), part in rows.by_view(row).items():
        found[method, flips] = part
    if len({method for method, _ in found}) > 1:
        for (flips,), part in rows.whole(row).items():
            found[ALL, flips] = part
    return found


def _in_order_of(ids: np.ndarray, part: PartRow) -> PartRow:
    """A part with its images as `ids` has them, which are the same."""
    if np.array_equal(part.ids, ids):
        return part
    places = {name: place for place, name in enumerate(part.ids)}
    return replace(part, ids=ids, ranks=part.ranks[[places[name] for name in ids]])


def _listed(parts: Mapping[tuple[str, ...], PartRow]) -> str:
    return "/".join(dict.fromkeys(label[0] for label in parts if label[0] != ALL))


def _part_record(part: PartRow) -> dict[str, Any]:
    return {
        "protocol": part.protocol,
        "mirror_images": part.flips,
        "n": part.n,
        "wrong1": part.wrong1,
        "wrong5": part.wrong5,
        **part.errors,
    }
