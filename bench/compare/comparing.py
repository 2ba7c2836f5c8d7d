"""What is compared with what: two rows, each row with each, or two runs row by row."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.compare.by_part import ByPart, by_part
from bench.compare.transfers import told_of_transfers
from bench.errors import UserError
from bench.stored.named_rows import NamedRows, named_rows
from bench.stored.part_rows import PartRows, part_rows
from bench.stored.scored_rows import names_transfer
from results.comparison import Comparison, compare_rows
from results.comparison_tables import SHOWN
from results.every_pair import EveryPair, every_pair
from results.paired_runs import PairedRuns, matched

Compared = Comparison | EveryPair | PairedRuns
By = Literal["class", "Q", "view"]


@dataclass(frozen=True)
class ComparisonRequest:
    """Rows and runs as people name them; what is told beside all images together, and of how many classes.

    `by` is "class" for all classes, "Q" for test scales, "view" for kinds of views; `classes` how many of the classes
    that changed most, None for 10 of two rows; `store` where the blocks are now, None for where the runs say.
    """

    rows: tuple[str, ...]
    by: By | None = None
    classes: int | None = None
    store: Path | None = None

    def __post_init__(self) -> None:
        if self.classes is not None and self.classes < 0:
            raise UserError(f"--classes {self.classes}: give a number from 0")


def told(request: ComparisonRequest, as_json: bool = False) -> str:
    """Compare and say it, in Markdown or JSON. Raises UserError and ResultError."""
    learnt = [text for text in request.rows if names_transfer(text)]
    if learnt:
        if len(learnt) < len(request.rows):
            raise UserError(
                f"'{learnt[0]}' is of bench.transfer, and others are of bench.run; compare rows of one of them"
            )
        if request.by is not None:
            raise UserError(f"--by {request.by}: rows of bench.transfer have no such parts; leave --by out")
        return told_of_transfers(request.rows, request.classes, as_json)
    named = named_rows(request.rows, request.store)
    found = compared(named)
    parts = _by_part(found, request.by, named)
    if as_json:
        return json.dumps(_record(found, request.by, parts), indent=1)
    usual = SHOWN if isinstance(found, Comparison) else 0
    every = request.by == "class" and request.classes is None
    lines = [found.markdown(None if every else usual if request.classes is None else request.classes)]
    for (title, letters, _), each in zip(_titled(found), parts, strict=False):
        lines += ["", *([f"## {title}", ""] if title else []), *each.lines(letters)]
    return "\n".join(lines)


def compared(named: Sequence[NamedRows]) -> Compared:
    """Two runs as wholes row by row, two rows, or more rows each with each. Raises UserError and ResultError."""
    _check_once(named)
    if len(named) == 2 and all(each.whole for each in named) and any(len(each.rows) > 1 for each in named):
        return _row_by_row(*named)
    rows = [each.opened(row) for each in named for row in each.rows]
    if len(rows) == 1:
        raise UserError(f"'{named[0].text}' is one row; give another to compare it with")
    return compare_rows(*rows) if len(rows) == 2 else every_pair(rows)


def _titled(found: Compared) -> list[tuple[str, tuple[str, str], Comparison]]:
    """Each pair; a title tells several apart."""
    return [("", ("A", "B"), found)] if isinstance(found, Comparison) else found.titled


def _record(found: Compared, by: str | None, parts: Sequence[ByPart]) -> dict[str, Any]:
    record = found.record()
    pairs = [record] if isinstance(found, Comparison) else record["pairs"]
    for pair, each in zip(pairs, parts, strict=False):
        pair[f"by_{by}"] = each.record()
    return record


def _by_part(found: Compared, by: By | None, named: Sequence[NamedRows]) -> list[ByPart]:
    """Each pair by Q or by view, where that is wanted: every run's parts are read once. Raises UserError."""
    if by is None or by == "class":
        return []
    pairs = [pair for *_, pair in _titled(found)]
    rows = {row.name: row.row for pair in pairs for row in (pair.first, pair.second)}
    runs = {name: each.run for each in named for name in each.names()}
    parts: dict[str, PartRows] = {}
    for run in {id(run): run for run in runs.values()}.values():
        own = {name: row for name, row in rows.items() if runs[name] is run}
        parts |= dict.fromkeys(own, part_rows(run, list(own.values())))
    found_by = [by_part(by, pair, parts[pair.first.name], parts[pair.second.name]) for pair in pairs]
    if not any(each.pairs for each in found_by):
        raise UserError(f"--by {by}: the rows have none in common: {found_by[0].has}; leave --by {by} out")
    return found_by


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
    seen: dict[tuple[Path, str], str] = {}
    for each in named:
        for row, name in zip(each.rows, each.names(), strict=True):
            place = (each.run.folder.resolve(), row.signature)
            if place in seen:
                twice = f"{seen[place]} and {name} are one row" if name != seen[place] else f"{name} is named twice"
                raise UserError(f"{twice}; give another row to compare it with")
            seen[place] = name
