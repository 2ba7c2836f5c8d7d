"""Rows that bench.transfer wrote, compared with one another."""

import json
from collections.abc import Sequence

from bench.errors import UserError
from bench.stored.scored_rows import scored_rows
from results.transfer_pairs import compare_transfers


def told_of_transfers(texts: Sequence[str], classes: int | None = None, as_json: bool = False) -> str:
    """Compare and say it, in Markdown or JSON. Raises UserError and ResultError."""
    rows = [row for text in texts for row in scored_rows(text)]
    if len(rows) == 1:
        raise UserError(f"'{texts[0]}' is one row; give another to compare it with")
    places = [(row.name.rpartition(":")[0], row.result.id) for row in rows]
    if twice := next((place for k, place in enumerate(places) if place in places[:k]), None):
        raise UserError(f"{':'.join(twice)} is named twice; give another row to compare it with")
    found = compare_transfers(rows)
    return json.dumps(found.record(), indent=1) if as_json else found.markdown(*() if classes is None else (classes,))
