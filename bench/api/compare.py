"""`bench.compare`."""

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bench.api.evaluation_table import EvaluatedRow
from bench.api.session import mistakes
from bench.api.transfer_table import TransferredRow
from bench.api.values import given_store
from bench.errors import UserError
from bench.progress import called_from_python
from bench.stored.named_rows import NamedRows, named_rows
from bench.stored.scored_rows import names_transfer, scored_rows
from results.compared_row import ComparedRow
from results.comparison import Comparison, compare_rows
from results.inspection import distinct
from results.transfer_pairs import ScoredRow, TransferPairs, compare_transfers
from results.written_tables import written_row


def compare(
    first: EvaluatedRow | TransferredRow | str | Path,
    second: EvaluatedRow | TransferredRow | str | Path,
    *,
    store: str | Path | None = None,
) -> Comparison | TransferPairs:
    """Which of two rows makes fewer errors on the same images, whether that is more than chance, and where they differ.

    Args:
        first, second: rows of tables of `evaluate`, or of what bench.run wrote, as `"runs/x:2"` or `"runs/x:fe16a62e"`;
            of the same images under the same labels. Or two rows of `transfer`, or of what bench.transfer wrote.
        store: where the blocks of such runs are now, if they were moved.

    Returns:
        `Comparison`: `difference`, the first's top-1 error rate less the second's with its 95 % interval, as shares of
        the images (Bonett and Price, 2012); `p` of McNemar's exact test; the counts that both come from;
        `images_needed` to see such a difference; `top5` with the same of top-5. `classes` and `images` are tables of
        what changed where. Printed, one line; `markdown()` and `record()` say all of it.
        Of rows of transfers `TransferPairs`: `pairs` has the difference of their measures with its 95 % interval, in
        points, by a bootstrap over the same test images.

    Raises:
        UserError: where the rows are not of the same images and labels, or where ties decide one of them.
    """
    with mistakes(), called_from_python(False):
        learnt = [_learnt(row, name) for row, name in ((first, "first"), (second, "second"))]
        if all(learnt):
            return compare_transfers([row for row in learnt if row])
        if any(learnt):
            raise UserError("compare: one row is of bench.transfer, the other of bench.evaluate; give two of one kind")
        stored = [str(row) for row in (first, second) if isinstance(row, str | os.PathLike)]
        named = dict(zip(stored, named_rows(stored, given_store(store)), strict=True))
        return compare_rows(*(_opened(row, named) for row in (first, second)))


def _learnt(row: object, name: str) -> ScoredRow | None:
    """A row of a transfer, None of others. Raises UserError and ResultError."""
    if isinstance(row, TransferredRow):
        return ScoredRow(name, row.result, row.scores)
    if not isinstance(row, str | os.PathLike) or not names_transfer(str(row)):
        return None
    found = scored_rows(str(row))
    if len(found) > 1:
        raise UserError(f"compare '{row}': {len(found)} rows; name one, such as {found[0].name}")
    return found[0]


def _opened(row: EvaluatedRow | TransferredRow | str | Path, named: Mapping[str, NamedRows]) -> ComparedRow:
    """`named` are those that are given by name. Raises UserError and ResultError."""
    if isinstance(row, EvaluatedRow):
        return _evaluated(row)
    if not isinstance(row, str | os.PathLike):
        raise UserError(
            f"compare: something of type {type(row).__name__}; give rows of tables, such as table['dense'], "
            "or of runs, such as 'runs/x:2'"
        )
    found = named[str(row)]
    if len(found.rows) > 1:
        raise UserError(f"compare '{row}': {len(found.rows)} rows; name one, such as {found.names()[0]}")
    return found.opened(found.rows[0])


def _evaluated(row: EvaluatedRow) -> ComparedRow:
    """A row of a table as one of a run is; its posteriors need not be read."""
    if not row.result.clean:
        raise UserError(f"{row!r}: ties decide it, so that there is no error to compare; give another")
    images = pd.DataFrame({"id": pd.Series(row.ids, dtype=object), "label": row.labels, "rank": row.ranks + 1})
    return ComparedRow("", written_row(row.result.record()), images, distinct(row.class_names))
