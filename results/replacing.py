"""A table gives way to a new one of as many images, not to one of fewer."""

import csv
from collections.abc import Iterable
from pathlib import Path

from results.errors import ResultError


def keep_larger(tables: Iterable[Path], images: int) -> None:
    """Raises ResultError where one of the CSV files was made from more images than the new one will be."""
    for path in tables:
        if (before := image_count(path)) > images:
            raise ResultError(
                f"'{path}' was made from {before} images, and this would be from {images}; give another --out DIR, "
                "or --replace to lose it"
            )


def image_count(path: Path) -> int:
    """How many images a table was made from, over all of its data sets; 0 where there is no such table."""
    most: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                data = row.get("data") or ""
                most[data] = max(most.get(data, 0), int(row.get("n") or 0))
    except (OSError, ValueError, csv.Error):
        return 0
    return sum(most.values())
