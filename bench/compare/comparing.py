"""What is compared with what: two rows, each row with each, or two runs row by row."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.stored.named_rows import NamedRows, named_rows
from results.comparison import Comparison, compare_rows
from results.comparison_tables import SHOWN
from results.every_pair import EveryPair, every_pair
from results.paired_runs import PairedRuns, matched

Compared = Comparison | EveryPair | PairedRuns


@dataclass(frozen=True)
class ComparisonRequest:
    """Rows and runs as people name them; what is told beside all images together, and of how many classes.

    `by` is "class" for all classes; `classes` how many of those that changed most, None for 10 of two rows; `store`
    where the blocks are now, None for where the runs say.
    """

    rows: tuple[str, ...]
    by: str | None = None
    classes: int | None = None
    store: Path | None = None

    def __post_init__(self) -> None:
        if self.classes is not None and self.classes < 0:
            raise UserError(f"--classes {self.classes}: give a number from 0")


def told(request: ComparisonRequest, as_json: bool = False) -> str:
    """Compare and say it, in Markdown or JSON. Raises UserError and ResultError."""
    found = compared(request)
    if as_json:
        return json.dumps(found.record(), indent=1)
    usual = SHOWN if isinstance(found, Comparison) else 0
    every = request.by == "class" and request.classes is None
    return found.markdown(None if every else usual if request.classes is None else request.classes)


def compared(request: ComparisonRequest) -> Compared:
    """Two runs as wholes row by row, two rows, or more rows each with each. Raises UserError and ResultError."""
    named = named_rows(request.rows, request.store)
    _check_once(named)
    if len(named) == 2 and all(each.whole for each in named) and any(len(each.rows) > 1 for each in named):
        return _row_by_row(*named)
    rows = [each.opened(row) for each in named for row in each.rows]
    if len(rows) == 1:
        raise UserError(f"'{request.rows[0]}' is one row; give another to compare it with")
    return compare_rows(*rows) if len(rows) == 2 else every_pair(rows)


def _row_by_row(first: NamedRows, second: NamedRows) -> PairedRuns:
    found = matched(first.rows, second.rows)
    if not found.pairs:
        raise UserError(
            f"'{first.text}' and '{second.text}' have no two rows in common, by model or by protocol; "
            f"name the rows, such as {first.names()[0]} {second.names()[0]}"
        )
    pairs = [compare_rows(first.opened(first.rows[i]), second.opened(second.rows[j])) for i, j, _ in found.pairs]
    alone = [each.names()[i] for each, places in zip((first, second), found.alone, strict=True) for i in places]
    return PairedRuns(tuple(pairs), tuple(common for *_, common in found.pairs), tuple(alone))


def _check_once(named: Sequence[NamedRows]) -> None:
    """A row that is named twice would be compared with itself. Raises UserError."""
    seen: set[tuple[Path, str]] = set()
    for each in named:
        for row, name in zip(each.rows, each.names(), strict=True):
            place = (each.run.folder.resolve(), row.signature)
            if place in seen:
                raise UserError(f"{name} is named twice; give another row to compare it with")
            seen.add(place)
