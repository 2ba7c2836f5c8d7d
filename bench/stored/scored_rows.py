"""Rows that bench.transfer wrote, as people name them: `RUN:2`, `RUN:fe16a62e`, or a run as a whole."""

import os
from pathlib import Path

from bench.errors import UserError
from results.transfer_files import NAME, is_transfer, read_transfer, scores_of
from results.transfer_pairs import ScoredRow


def names_transfer(text: str) -> bool:
    """Whether a text names a run of bench.transfer, or rows of one."""
    return is_transfer(_run_and_row(text)[0])


def scored_rows(text: str) -> list[ScoredRow]:
    """What a text names: all rows of a run, or one. Raises UserError and ResultError."""
    run, wanted = _run_and_row(text)
    folder = run.parent if run.name == NAME else run
    results = read_transfer(folder)
    names = {str(number): result for number, result in enumerate(results, 1)} | {each.id: each for each in results}
    if wanted is not None and wanted not in names:
        ids = ", ".join(each.id for each in results)
        raise UserError(f"row of {run} '{wanted}': give a number from 1 to {len(results)}, or one of the ids {ids}")
    chosen = results if wanted is None else [names[wanted]]
    numbered = [(number, each) for number, each in enumerate(results, 1) if each in chosen]
    return [ScoredRow(f"{run}:{number}", each, scores_of(folder, each)) for number, each in numbered]


def _run_and_row(text: str) -> tuple[Path, str | None]:
    if os.path.exists(text):
        return Path(text), None
    place, _, wanted = text.rpartition(":")
    return Path(place), wanted
