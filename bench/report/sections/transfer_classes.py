"""Class by class: the average precision or recall of each row."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.report.section import Section
from bench.report.transfers import ReportedTransfer, by_images
from results.formatting import number
from results.transfer_result import MEASURES

LINES = 20  # of the least classes, for readers without scripts
OF_CLASSES = {"mAP11": "average precision, 11 points", "mAP": "average precision, area", "recall": "recall"}


def section(rows: Sequence[ReportedTransfer]) -> Section:
    """A table for each set of images, a column for each row; scripts sort and search it."""
    sets = by_images(rows)
    records = [_set(of) for of in sets]
    tables = [
        {"title": of[0].set, "rows": of, "count": len(of[0].names), **_first(record)}
        for of, record in zip(sets, records, strict=True)
    ]
    return Section(
        "transfer-classes", "Class by class", "transfer_classes.html.j2", {"tables": tables}, data={"sets": records}
    )


def _set(rows: Sequence[ReportedTransfer]) -> dict[str, Any]:
    """Names and test images of the classes; by measure each row's shares, and nothing where there is none."""
    first = rows[0].row.measure
    names = sorted((name for name in MEASURES if any(name in row.row.measures for row in rows)), key=first.__ne__)
    low, high = _images(rows)
    return {
        "names": rows[0].names,
        "images": high,
        "told": [str(most) if most == least else f"{least}–{most}" for least, most in zip(low, high, strict=True)],
        "measures": [{"name": OF_CLASSES[name], "rows": [_shares(row, name) for row in rows]} for name in names],
    }


def _images(rows: Sequence[ReportedTransfer]) -> tuple[list[int], list[int]]:
    """The fewest and the most test images of each class; zeros where nobody kept them."""
    counts = [row.scores.present.sum(axis=0) for row in rows if row.scores is not None]
    table = np.array(counts) if counts else np.zeros((1, len(rows[0].names)), int)
    return table.min(axis=0).tolist(), table.max(axis=0).tolist()


def _shares(row: ReportedTransfer, name: str) -> list[float | None]:
    measure = row.row.measures.get(name)
    if measure is None:
        return [None] * len(row.names)
    return [None if share is None else round(share, 6) for share in measure.by_class]


def _first(record: dict[str, Any]) -> dict[str, Any]:
    """The table before scripts: the classes that the first row is worst at, by the first measure."""
    measures = record["measures"]
    shares = measures[0]["rows"]
    there = [place for place, share in enumerate(shares[0]) if share is not None]
    least = sorted(there, key=shares[0].__getitem__)[:LINES]
    lines = [
        [
            str(place),
            record["names"][place],
            record["told"][place],
            *(number(None if of[place] is None else 100 * of[place], ".2f") for of in shares),
        ]
        for place in least
    ]
    return {"measures": [each["name"] for each in measures], "lines": lines}
