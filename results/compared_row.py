"""A row as it is compared with others: what people call it, and where the true class came on every image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from results.doubts import refused
from results.errors import ResultError
from results.inspection import Inspection
from results.result import error_rate, signature_id
from results.written_tables import WrittenRow


@dataclass(frozen=True)
class ComparedRow:
    """A row that can be compared with another of the same images.

    `name` says where it is, such as `runs/x:2`, and may be empty. `images` has a line per image with `id`, `label` and
    `rank` from 1; where it has `predicted` and `confidence` too, they are told with the images. Labels count in
    `classes`, the classes' names. Raises ResultError where ties decide it.
    """

    name: str
    row: WrittenRow
    images: pd.DataFrame = field(compare=False, repr=False)
    classes: Sequence[str] = field(compare=False, repr=False)

    def __post_init__(self) -> None:
        if refused(self.row.ties[0], self.row.counts.n):
            raise ResultError(f"{self.called}: ties decide it, so that there is no error to compare; give another")

    @property
    def called(self) -> str:
        """For sentences."""
        return self.name or f"{self.row['model']} {self.row['protocol']}"

    @property
    def has_top5(self) -> bool:
        """Whether there is a top-5 error, which ties do not decide."""
        return self.row.counts.wrong5 is not None and not refused(self.row.ties[1], self.row.counts.n)

    @cached_property
    def words(self) -> dict[str, str]:
        """The signature's words by their keys."""
        return dict(word.partition("=")[::2] for word in self.row.signature.split())

    @cached_property
    def ids(self) -> np.ndarray:
        """(n,) of str."""
        return self.images["id"].to_numpy(dtype=object)

    def wrong(self, k: int) -> np.ndarray:
        """Which images are wrong at top-k: (n,) of bool, in the order of `images`."""
        return self.images["rank"].to_numpy() > k

    def in_order_of(self, ids: np.ndarray) -> pd.DataFrame:
        """Its images as `ids` has them, which are the same."""
        if np.array_equal(self.ids, ids):
            return self.images
        places = {name: place for place, name in enumerate(self.ids)}
        return self.images.iloc[[places[name] for name in ids]].reset_index(drop=True)

    def record(self) -> dict[str, Any]:
        """Names, counts and errors with their intervals in %, as `results.json` has them."""
        counts, (ties1, ties5) = self.row.counts, self.row.ties
        return {
            "name": self.name,
            **{name: self.row[name] for name in ("model", "S", "protocol", "data")},
            "n": counts.n,
            "wrong1": counts.wrong1,
            **error_rate("top1", counts.wrong1, ties1, counts.n),
            "wrong5": counts.wrong5,
            **error_rate("top5", counts.wrong5, ties5, counts.n),
            "signature_id": signature_id(self.row.signature),
            "signature": self.row.signature,
            "warnings": self.row.warnings,
        }


def compared_row(name: str, found: Inspection) -> ComparedRow:
    """A row that was looked into. Raises ResultError where ties decide it."""
    return ComparedRow(name, found.row, found.predictions, found.names)
