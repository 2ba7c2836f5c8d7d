"""Class by class: recall, precision and F1, which class is taken for which, and the confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.report.class_order import clustered
from bench.report.figures import Figure, axis, label
from bench.report.rows import ReportRow
from bench.report.section import Section
from results.confusion import by_class_of_cells, confusion_cells, frequent_cells
from results.formatting import number
from results.inspection import SEVERAL

LETTERS = 28  # of a name in the matrix
LINES = 20  # of the worst classes and of confusions, for readers without scripts
TIES = "Ties decide more than 1 % of the images; here each counts for its own class"


def section(rows: Sequence[ReportRow]) -> Section:
    """Scripts get the counts of all rows, and make of them what the template has of the first one."""
    cells = [_cells(row) for row in rows]
    names = [_names(row) for row in rows]
    sets = list(dict.fromkeys(names))
    data = {
        "sets": [_set(each, [found for found, own in zip(cells, names, strict=True) if own == each]) for each in sets],
        "rows": [_row(row, found, sets.index(own)) for row, found, own in zip(rows, cells, names, strict=True)],
    }
    values = {
        "labels": [row.label for row in rows],
        "count": len(names[0]),
        "note": data["rows"][0]["note"],
        "worst": _worst(cells[0], names[0]),
        "confusions": _confusions(cells[0], names[0]),
    }
    return Section("classes", "Classes", "classes.html.j2", values, {"classes-matrix": _matrix()}, data)


def _names(row: ReportRow) -> tuple[str, ...]:
    """Of the classes that compete, as they are shown."""
    return tuple(row.inspection.names[index] for index in row.inspection.competing)


def _cells(row: ReportRow) -> pd.DataFrame:
    predictions = row.inspection.predictions
    return confusion_cells(predictions["label"], predictions["predicted"], row.inspection.competing)


def _set(names: Sequence[str], cells: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """Classes that rows have in common; one order for all of them, so that their matrices can be compared."""
    labels = [label(name, LETTERS) for name in names]
    return {"names": names, "labels": labels, "clustered": clustered(cells, len(names))}


def _row(row: ReportRow, cells: pd.DataFrame, names: int) -> dict[str, Any]:
    """Its cells, and the number of its set of classes."""
    notes = ([] if row.row.clean else [TIES]) + ([SEVERAL] if " labels=" in row.row.signature else [])
    columns = {name: cells[name].tolist() for name in ("true", "predicted", "images")}
    return {"set": names, **columns, "note": "".join(f"{note}. " for note in notes)}


def _worst(cells: pd.DataFrame, names: Sequence[str]) -> list[list[str]]:
    """The classes of least F1 as the table's lines."""
    found = by_class_of_cells(cells, len(names)).sort_values("f1", kind="stable").head(LINES)
    shares = found[["recall", "precision", "f1"]]
    return [
        [str(place), names[place], str(images), *map(_percent, line)]
        for place, images, line in zip(found.index, found["images"], shares.to_numpy(), strict=True)
    ]


def _confusions(cells: pd.DataFrame, names: Sequence[str]) -> list[list[str]]:
    """The most frequent ones as the table's lines."""
    found = frequent_cells(cells).head(LINES)
    return [
        [names[pair.true], names[pair.predicted], str(pair.images), _percent(pair.share)] for pair in found.itertuples()
    ]


def _matrix() -> Figure:
    """The confusion matrix, which scripts fill for the row, the order and the part of it that are chosen."""
    square = {"showgrid": False, "ticks": ""}
    layout = {"xaxis": axis("taken for", **square), "yaxis": axis("true class", **square), "dragmode": "zoom"}
    return Figure([], layout, "Confusion matrix", "Its largest cells are in the table of confusions.", (), ())


def _percent(share: float) -> str:
    """A share in % with two decimals; a dash for NaN."""
    return number(None if np.isnan(share) else 100 * share, ".2f")
