"""Precision by recall of each class, and what is taken for it most surely though it is not there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.report.figures import Figure, axis
from bench.report.packing import packed
from bench.report.precision_curves import Images, curves, false_positives
from bench.report.section import Section
from bench.report.transfers import ReportedTransfer, by_images
from results.transfer_scores import SplitScores

ELEVEN = "mAP11"  # of MEASURES: judged by the rule of VOC 2007


def section(rows: Sequence[ReportedTransfer]) -> Section | None:
    """Scripts draw the row and the class that are chosen. None where no row kept its scores."""
    having = [row for row in rows if row.row.scores is not None]
    if not having:
        return None
    sets = by_images(having)
    images = [Images() for _ in sets]
    place = {row.key: index for index, of in enumerate(sets) for row in of}
    records = [_row(row, place[row.key], images[place[row.key]]) for row in having]
    data = {
        "sets": [{"names": of[0].names, "images": each.record()} for of, each in zip(sets, images, strict=True)],
        "rows": records,
    }
    values = {
        "labels": [row.label for row in having],
        "names": having[0].names,
        "several": sorted({len(row.row.test) for row in having if len(row.row.test) > 1}),
        "plain": any(ELEVEN not in row.row.measures for row in having),
    }
    figures = {"transfer-curves-plot": _empty()}
    return Section("transfer-curves", "Precision and recall", "transfer_curves.html.j2", values, figures, data)


def _row(row: ReportedTransfer, place: int, images: Images) -> dict[str, Any]:
    """`set` is the number of its images' set; false positives are packed one class after another."""
    scores = row.scores
    assert scores is not None
    return {
        "key": row.key,
        "label": row.label,
        "set": place,
        "eleven": ELEVEN in row.row.measures,
        **curves(scores),
        **_wrong(scores, images),
    }


def _wrong(scores: SplitScores, images: Images) -> dict[str, Any]:
    """Of each class how many are told, which images, and where in its list."""
    listed = false_positives(scores)
    flat = [each for of in listed for each in of]
    return {
        "wrong": packed(np.array([len(of) for of in listed])),
        "wrongImages": packed(images.places(scores, [index for index, _ in flat])),
        "wrongPlaces": packed(np.array([place for _, place in flat], int)),
    }


def _empty() -> Figure:
    """What scripts fill."""
    percent = {"range": [0, 101], "ticksuffix": " %"}
    room = {"l": 10, "r": 36, "t": 10, "b": 10}  # for the last tick's text
    layout = {"xaxis": axis("recall", **percent), "yaxis": axis("precision", **percent), "margin": room}
    return Figure([], layout, "Precision by recall", "Its numbers are in the table under it.", (), (), 460)
