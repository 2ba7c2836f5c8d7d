"""What a transfer gives to Python: a table whose rows have their measures, by class too, and the scores."""

import os
from collections.abc import Iterable, Iterator, Sequence
from operator import index
from pathlib import Path
from typing import NamedTuple, SupportsIndex

import numpy as np
import pandas as pd

from bench.api.session import mistakes
from bench.errors import UserError
from bench.folders import writable, writing_to
from bench.linear.saved_descriptors import check_forms, save_descriptors
from bench.linear.transferred import Transferred
from results.formatting import escaped
from results.transfer_result import MEASURES, Measure, TransferResult
from results.transfer_scores import SplitScores
from results.transfer_table import flat_transfer, measure_cell, paper_cell, terminal_transfer


class Features(NamedTuple):
    """Descriptors of N images: `ids` (N,) and `vectors` (N, D) float32, as the net gave them."""

    ids: tuple[str, ...]
    vectors: np.ndarray


class TransferredRow:
    """Linear classifiers of one net's descriptors, or of several nets' stacked. Measures are in %, as in the tables."""

    def __init__(self, result: TransferResult, scores: Sequence[SplitScores]) -> None:
        self.result = result
        self.scores = tuple(scores)
        """Of each split the test images' `ids`, `values` (n, K), `present` and `difficult`."""

    @property
    def model(self) -> str:
        """The net's name; of several, with + between."""
        return self.result.model

    @property
    def mAP(self) -> float | None:
        """The mean average precision by area, None of a set with one label an image."""
        return self._percent("mAP")

    @property
    def mAP11(self) -> float | None:
        """The same by the eleven points of VOC 2007."""
        return self._percent("mAP11")

    @property
    def recall(self) -> float | None:
        """The mean class recall, over all splits; None of a set with several labels an image."""
        return self._percent("recall")

    @property
    def deviation(self) -> float | None:
        """Of the mean class recall over splits, None of one split."""
        found = self._main.deviation
        return None if found is None else 100 * found

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the set's measure by a bootstrap over test images."""
        low, high = self._main.low, self._main.high
        return None if low is None or high is None else (100 * low, 100 * high)

    @property
    def by_class(self) -> dict[str, float | None]:
        """Each class's average precision (by the rule of the set), or recall; None of one without test images."""
        shares = self._main.by_class
        own = (None if share is None or share != share else 100 * share for share in shares)
        return dict(zip(self.result.classes, own, strict=True))

    @property
    def C(self) -> tuple[float, ...]:
        """The constant that was chosen for each split."""
        return self.result.C

    @property
    def paper(self) -> float | None:
        """The paper's figure, where the row is exactly one of its rows."""
        return self.result.paper.value if self.result.paper else None

    @property
    def signature(self) -> str:
        """One line that says what was measured."""
        return self.result.signature

    @property
    def _main(self) -> Measure:
        return self.result.measures[self.result.measure]

    def _percent(self, name: str) -> float | None:
        found = self.result.measures.get(name)
        return None if found is None else 100 * found.value

    def __repr__(self) -> str:
        name, record = self.result.measure, self.result.record()
        way = f"{self.result.Q} {self.result.over}".strip()
        return f"<{self.model} {way}: {MEASURES[name]} {measure_cell(record, name)} %>"


class TransferTable:
    """The rows of a transfer. In a notebook it shows itself; printed it is what bench.transfer prints.

    `table[0]` is the first row; also iterable, with a length.
    """

    def __init__(self, found: Transferred, labels: tuple[str, ...]) -> None:
        self._found, self._labels = found, labels
        self._rows = [TransferredRow(*each) for each in zip(found.results, found.scores, strict=True)]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[TransferredRow]:
        return iter(self._rows)

    def __getitem__(self, key: SupportsIndex) -> TransferredRow:
        if isinstance(key, SupportsIndex) and -len(self) <= index(key) < len(self):
            return self._rows[key]
        raise UserError(f"row {key!r}: there are {len(self)}; give a number from 0 to {len(self) - 1}")

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are learnt, in the order of the scores' columns."""
        return self._found.job.divided.classes

    @property
    def frame(self) -> pd.DataFrame:
        """A row per net and way, with the columns of `transfer.csv`; measures and intervals in %."""
        return pd.DataFrame([flat_transfer(row.result) for row in self])

    def features(self, net: str | int = 0, Q: int | None = None) -> Features:
        """The descriptors of a net, by its name or number, at a Q (its smallest). Raises UserError."""
        number = self._labels.index(net) if net in self._labels else net
        known = sorted(Q for of, Q in self._found.described.vectors if of == number)
        if not known:
            raise UserError(f"net {net!r}: give one of {', '.join(map(repr, self._labels))}")
        if Q is not None and Q not in known:
            raise UserError(f"Q {Q!r}: give one of {', '.join(map(str, known))}")
        parts = self._found.described.divided.parts
        vectors = self._found.described.vectors[int(number), known[0] if Q is None else Q]
        return Features(tuple(name for part in parts for name in part.ids), vectors)

    def save(self, folder: str | Path, features: Sequence[str] = ()) -> Path:
        """Write what bench.transfer writes into a folder: `transfer.csv`, `.json`, `.md` and `scores/`.

        `features` are forms in which the descriptors are written too: "npz", "parquet". Returns the folder. Raises
        UserError where it cannot be written to.
        """
        if not isinstance(folder, str | os.PathLike):
            raise UserError(f"save {folder!r}: give a folder")
        if isinstance(features, str):
            features = features.split(",")
        if not isinstance(features, Iterable):
            raise UserError(f"features {features!r}: give 'npz', 'parquet' or both")
        forms = list(features)
        with mistakes():
            check_forms(forms)
            place = writable("save", Path(folder))
            self._found.write(place)
            models, described = self._found.job.models, self._found.described
            if forms:
                writing_to(place, lambda: save_descriptors(place, forms, models, described))
        return place

    def __str__(self) -> str:
        return terminal_transfer(self._found.results)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cells = []
        for row in self:
            record, name = row.result.record(), row.result.measure
            cells.append(
                {
                    "net": row.model,
                    "Q": row.result.Q,
                    "over": row.result.over,
                    "training images": "/".join(map(str, dict.fromkeys(row.result.training))),
                    "test images": "/".join(map(str, dict.fromkeys(row.result.test))),
                    f"{MEASURES[name]} % [95 %]": measure_cell(record, name),
                    "paper": paper_cell(record),
                }
            )
        warnings = dict.fromkeys(text for row in self for text in row.result.doubts)
        notes = "".join(f"<p>warning: {escaped(text)}</p>" for text in warnings)
        return pd.DataFrame(cells).to_html(index=False, escape=True) + notes
