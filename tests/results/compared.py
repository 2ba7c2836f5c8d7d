"""Rows to compare, made of who is right where."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from results.compared_row import ComparedRow
from results.written_tables import Counts, WrittenRow

CLASSES = tuple(f"class {index}" for index in range(8))
WORDS = {"data": "0123456789ab", "n": "9/9", "skipped": "0"}


def row(
    ranks: Sequence[int],
    name: str = "",
    ids: Sequence[str] | None = None,
    truth: Sequence[int] | None = None,
    classes: Sequence[str] = CLASSES,
    compete: str = "all",
    ties: tuple[int, int] = (0, 0),
    texts: dict[str, str] | None = None,
    **words: str,
) -> ComparedRow:
    """A row whose true classes come at these ranks, from 1; `words` are those of its signature."""
    n = len(ranks)
    where = np.asarray(ranks)
    images = pd.DataFrame(
        {
            "id": pd.Series([f"{index}.jpg" for index in range(n)] if ids is None else list(ids), dtype=object),
            "label": np.arange(n) % len(classes) if truth is None else np.asarray(truth),
            "rank": where,
        }
    )
    said = WORDS | {"model": name or "net", "classes": compete} | words
    line = " ".join(f"{key}={value}" for key, value in said.items())
    top5 = int((where > 5).sum()) if len(classes) > 5 else None
    told = {"model": "net", "S": "256", "protocol": "centre@256", "data": "photographs"} | (texts or {})
    counts = Counts(n, int((where > 1).sum()), top5)
    return ComparedRow(name, WrittenRow(line, counts, 1.0, told, ties), images, classes)
