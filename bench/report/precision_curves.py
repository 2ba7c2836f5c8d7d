"""Precision and recall of each class, and the false positives classifiers are surest of, in numbers for scripts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.report.packing import packed
from results.average_precision import Curve, precision_recall
from results.curves import POINTS
from results.formatting import shown
from results.transfer_scores import SplitScores

WORST = 10  # false positives of a class


def kept(curve: Curve) -> np.ndarray:
    """The places in a curve that a page draws: few, and all that average precision by VOC's rules rests on.

    At a recall these count the best precision of that recall or a higher one, which changes at its best points alone;
    recalls grow where images of the class are found, and there precision is highest. There are no more than images of
    the class, and POINTS of them for the line that was measured.
    """
    grows = np.flatnonzero(np.diff(curve.found, prepend=0))
    if not len(grows):
        return grows
    best = np.maximum.accumulate(curve.precision[grows][::-1])[::-1]
    steps = grows[np.append(best[:-1] > best[1:], True)]
    few = grows[np.linspace(0, len(grows) - 1, min(len(grows), POINTS)).round().astype(int)]
    return np.union1d(steps, few)


def curves(scores: SplitScores) -> dict[str, Any]:
    """For all classes one after another: images of the class `found` among all `taken`, at some thresholds.

    `points` says how many thresholds each class has, `counted` how many images its list.
    """
    found, taken = [], []
    for positive, values, counted in _classes(scores):
        if counted.any():
            curve = precision_recall(positive, values, counted)
            places = kept(curve)
        else:
            curve, places = Curve(values[:0], np.zeros(0, int), np.zeros(0, int)), np.zeros(0, int)
        found.append(curve.found[places])
        taken.append(curve.taken[places])
    return {
        "points": packed(np.array([len(each) for each in found])),
        "found": packed(np.concatenate(found)),
        "taken": packed(np.concatenate(taken)),
        "counted": packed((~scores.difficult).sum(axis=0)),
    }


def false_positives(scores: SplitScores) -> list[list[tuple[int, int]]]:
    """Of each class the images that it is not in and that stand first in its list: their indices and places, from 1."""
    listed = []
    for positive, values, counted in _classes(scores):
        there = np.flatnonzero(counted)
        order = there[np.argsort(-values[there], kind="stable")]
        places = np.flatnonzero(~positive[order])[:WORST]
        listed.append([(int(order[place]), int(place) + 1) for place in places])
    return listed


class Images:
    """Images by id, each once, with the classes that they are of: what several rows' false positives name."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._classes: list[list[int]] = []

    def places(self, scores: SplitScores, wanted: Sequence[int]) -> np.ndarray:
        """Where these images stand here; those that are new are added."""
        return np.array([self._place(scores, index) for index in wanted], int)

    def _place(self, scores: SplitScores, index: int) -> int:
        found = self._places.setdefault(scores.ids[index], len(self._places))
        if found == len(self._classes):
            self._classes.append(np.flatnonzero(scores.present[index]).tolist())
        return found

    def record(self) -> dict[str, Any]:
        """For scripts."""
        return {"ids": list(map(shown, self._places)), "classes": self._classes}


def _classes(scores: SplitScores) -> "zip[tuple[np.ndarray, np.ndarray, np.ndarray]]":
    """Of each class: which images are of it, their scores, and which count."""
    return zip(scores.present.T, scores.values.T, ~scores.difficult.T, strict=True)
