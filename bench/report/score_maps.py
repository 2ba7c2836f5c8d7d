"""The class score maps that runs kept, as pictures that a page lays over its thumbnails."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.pictures.heat_colours import coloured
from bench.report.mistakes import ImageSet
from bench.report.rows import ReportRow
from bench.report.thumbnails import Wanted, data_address
from results.errors import ResultError
from results.score_maps import ScoreMap

Maps = dict[Wanted, dict[str, Any]]


def score_maps(sets: Sequence[ImageSet], pictures: Mapping[Wanted, str]) -> tuple[Maps, list[str]]:
    """For images that have a picture, by the key of each row that kept maps: their pictures and highest values.

    Also remarks about those that cannot be used.
    """
    found: Maps = {}
    remarks = []
    for number, images in enumerate(sets):
        places = {name: Wanted(number, place) for place, name in enumerate(images.ids)}
        for row in images.rows:
            try:
                for each in _own(row):
                    place = places[each.id]
                    if place in pictures:
                        found.setdefault(place, {})[row.key] = _record(each)
            except ResultError as error:
                remarks.append(f"No score maps of row {row.number}: {error}.")
    return found, remarks


def _own(row: ReportRow) -> list[ScoreMap]:
    """Raises ResultError where the maps are not of this row's mistakes."""
    kept = row.run.score_maps(row.row)
    images = row.inspection.predictions
    mistakes = images[(images["rank"] > 1) & images["id"].isin([each.id for each in kept])]
    wrong = set(zip(mistakes["id"], mistakes["predicted"], mistakes["label"], strict=True))
    if not wrong >= {(each.id, each.predicted, each.label) for each in kept}:
        raise ResultError("those that were kept are of other mistakes; run bench.run --maps again")
    return kept


def _record(kept: ScoreMap) -> dict[str, Any]:
    """Of the predicted and of the true class: the picture, and what its last colour stands for, in thousandths."""
    return {
        name: {
            "address": data_address(coloured(each), "PNG", optimize=True),
            "most": int(np.round(1000 * float(each.max()))),
        }
        for name, each in zip(("predicted", "truth"), kept.maps, strict=True)
    }
