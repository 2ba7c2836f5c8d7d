"""Rows as people name them: `RUN:2`, `RUN:fe16a62e`, or a run as a whole."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bench.errors import UserError
from bench.stored.run import StoredRun, open_run
from results.compared_row import ComparedRow, compared_row
from results.origin import has_origin
from results.written_tables import WrittenRow

WANTED = "give RUN, or a row of it as RUN:2 or RUN:SIGNATURE; RUN is a folder that bench.run wrote, or its results.json"


@dataclass(frozen=True)
class NamedRows:
    """What a text names: rows of a run; `whole` where it names the run and no row."""

    text: str
    run: StoredRun
    rows: tuple[WrittenRow, ...]
    whole: bool

    def opened(self, row: WrittenRow) -> ComparedRow:
        """One of its rows, read from its posteriors. Raises UserError and ResultError."""
        return compared_row(self._name(row), self.run.inspected(row))

    def names(self) -> list[str]:
        return [self._name(row) for row in self.rows]

    def _name(self, row: WrittenRow) -> str:
        """`RUN:2`, with its number in the table, whatever it was named by."""
        place = self.text if self.whole else self.text.rpartition(":")[0]
        return f"{place}:{self.run.rows.index(row) + 1}"


def named_rows(texts: Sequence[str], store: Path | None = None) -> list[NamedRows]:
    """What each text names; a run is opened once, and a baseline takes from the others what it lacks.

    Raises UserError and ResultError.
    """
    opened = cache(lambda place: open_run(place, store))
    found = []
    for text in texts:
        whole, (place, _, wanted) = os.path.exists(text), text.rpartition(":")
        if not whole and not os.path.exists(place):
            raise UserError(f"'{text}': no such run; {WANTED}")
        run = opened(Path(text if whole else place))
        found.append(NamedRows(text, run, tuple(run.rows if whole else run.chosen(wanted, f"row of {place}")), whole))
    return [each if has_origin(each.run.folder) else _with_origin(each, found) for each in found]


def _with_origin(baseline: NamedRows, others: Sequence[NamedRows]) -> NamedRows:
    """A baseline of the gate with the origin of a run that has its rows, but for where blocks are.

    A store may hold what was computed after the baseline, so that only posteriors beside it are its own.
    """
    wanted = {row.id for row in baseline.rows}
    for run in (each.run for each in others if has_origin(each.run.folder)):
        if wanted <= run.origin.rows.keys():
            lent = replace(run.origin, rows={})
            return replace(baseline, run=replace(baseline.run, store=None, lent=lent))
    return baseline
