"""All mistakes of all rows, image by image, in the numbers that a page's gallery draws from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bench.report.packing import packed
from bench.report.rows import ReportRow
from bench.report.same_images import SameImages
from bench.stored.run import LABELLED
from results.formatting import shown


@dataclass(frozen=True)
class RowMistakes:
    """A row's wrong images, those it is surest of first, each array (wrong,) int64.

    `places` count in the set's images, `truths` and `predicted` in its classes; `confidence` is in thousandths, `rank`
    that of the true class, from 1.
    """

    row: ReportRow
    places: np.ndarray
    truths: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    rank: np.ndarray

    @property
    def own_truths(self) -> bool:
        """Whether an image's true class is another in each row: the likeliest of several right ones."""
        return LABELLED in self.row.row.signature


@dataclass(frozen=True)
class ImageSet:
    """Rows on the same images, so that they can be told apart image by image.

    `tables` has the images of each row as `per_image` tells them, all in one order.
    """

    rows: Sequence[ReportRow]
    tables: Sequence[pd.DataFrame]

    @cached_property
    def classes(self) -> list[str]:
        """Names of classes, those of the first row before what others add."""
        found = dict.fromkeys(self._names(self.rows[0]))
        for row in self.rows[1:]:
            found |= dict.fromkeys(self._names(row))
        return list(found)

    @cached_property
    def wrong(self) -> np.ndarray:
        """Which images any of the rows has wrong: their places in the first row's order, (M,) int64."""
        return np.flatnonzero(np.any([table["rank"] > 1 for table in self.tables], axis=0))

    @cached_property
    def ids(self) -> list[str]:
        """Of the `wrong` images, as their set calls them."""
        return self.tables[0]["id"].to_numpy()[self.wrong].tolist()

    @cached_property
    def labels(self) -> np.ndarray:
        """The true class of each of the `wrong` images, (M,) int64."""
        return self.tables[0]["label"].to_numpy()[self.wrong]

    @cached_property
    def mistakes(self) -> list[RowMistakes]:
        """Of each row; `places` count in `wrong`."""
        return [self._mistakes(row, table) for row, table in zip(self.rows, self.tables, strict=True)]

    def record(self) -> dict[str, Any]:
        """For scripts: names of images as they can be shown."""
        return {
            "classes": self.classes,
            "ids": [shown(name) for name in self.ids],
            "labels": packed(self.labels),
        }

    def _mistakes(self, row: ReportRow, table: pd.DataFrame) -> RowMistakes:
        mistakes = table.iloc[self.wrong].reset_index(drop=True)
        mistakes = mistakes[mistakes["rank"] > 1].sort_values("confidence", ascending=False, kind="stable")
        place = {name: index for index, name in enumerate(self.classes)}
        here = np.array([place[name] for name in self._names(row)])
        return RowMistakes(
            row,
            mistakes.index.to_numpy(),
            here[mistakes["label"]],
            here[mistakes["predicted"]],
            np.round(1000 * mistakes["confidence"].to_numpy()).astype(np.int64),
            mistakes["rank"].to_numpy(),
        )

    def _names(self, row: ReportRow) -> Sequence[str]:
        """A row's classes; those that are numbers alone are the first row's."""
        first, own = self.rows[0].inspection.names, row.inspection.names
        numbers = [str(index) for index in range(len(own))]
        return first if list(own) == numbers and len(first) == len(own) else own


def image_sets(rows: Sequence[ReportRow], groups: Sequence[SameImages]) -> list[ImageSet]:
    """The rows, those of a group together, those of none alone."""
    grouped = {row.key for group in groups for row in group.rows}
    together = [
        ImageSet(group.rows, [compared.in_order_of(group.ids) for compared in group.compared]) for group in groups
    ]
    alone = [ImageSet([row], [row.inspection.predictions]) for row in rows if row.key not in grouped]
    return together + alone
