"""What an evaluation gives to Python: a table whose rows have their counts, ranks and posteriors."""

import html
import os
from collections.abc import Iterator
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import pandas as pd

from bench.api.session import mistakes
from bench.engine.counting import class_names, counted_images, posteriors_of
from bench.engine.evaluated import Evaluated
from bench.engine.request import ProtocolSpec
from bench.engine.rows import Row
from bench.errors import UserError
from bench.folders import writable
from protocols.protocol import Protocol, ProtocolError, parse
from results.corruption import CorruptionErrors
from results.detection import Detection
from results.formatting import escaped
from results.posteriors import Posteriors
from results.result import Result
from results.table import error_cell, flat, group_lines
from results.terminal_table import terminal_table


class EvaluatedRow:
    """One net, or several fused, under one protocol on one set of images.

    Error rates and their intervals are in %, as in the tables; None where ties decide them, or where five classes or
    fewer leave no top-5 error.
    """

    def __init__(self, evaluated: Evaluated, row: Row) -> None:
        self._evaluated, self._row = evaluated, row

    @property
    def result(self) -> Result:
        """Everything that the tables say of the row, as one value."""
        return self._evaluated.results[self._row]

    @property
    def model(self) -> str:
        """The net's name; of several fused, with + between."""
        return self.result.model

    @property
    def protocol(self) -> str:
        """The protocol, spelled out with its Q."""
        return self.result.protocol

    @property
    def n(self) -> int:
        """Images that were counted."""
        return self.result.n

    @property
    def wrong1(self) -> int:
        """Images whose label is not the most probable class."""
        return self.result.wrong1

    @property
    def wrong5(self) -> int | None:
        """Images whose label is not among the five most probable classes."""
        return self.result.wrong5

    @property
    def top1(self) -> float | None:
        """Top-1 error in %."""
        return self._record["top1"]

    @property
    def top5(self) -> float | None:
        """Top-5 error in %."""
        return self._record["top5"]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the top-1 error, in % (Wilson, 1927)."""
        return self._interval("top1")

    @property
    def interval5(self) -> tuple[float, float] | None:
        """The 95 % interval of the top-5 error, in % (Wilson, 1927)."""
        return self._interval("top5")

    @property
    def ranks(self) -> np.ndarray:
        """For each image how many classes are more probable than its label: (n,) int64, 0 where it is right."""
        return self._evaluated.tallies[self._row].ranks

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """What the images are called, in the order of `ranks`."""
        return tuple(self._evaluated.job.images.ids[i] for i in self._counted)

    @cached_property
    def labels(self) -> np.ndarray:
        """The images' own labels as indices of the net's classes: (n,) int64; what they are counted by is `right`."""
        return self._evaluated.job.images.labels[self._counted]

    @cached_property
    def right(self) -> tuple[tuple[int, ...], ...]:
        """The classes that are right for each image, as indices: one, its label, unless `labels` gave several."""
        given = self._evaluated.job.images.right
        return tuple(given.classes[i] for i in self._counted) if given else tuple((int(k),) for k in self.labels)

    @property
    def posteriors(self) -> Posteriors:
        """`ids` (n,), `labels` (n,) int64 and `probs` (n, K) float32, read from the store.

        Of all images and with their own labels, where `labels` gave several right ones.
        Raises UserError where they are not there any more.
        """
        with mistakes():
            return posteriors_of(self._evaluated.job, self._row)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes' names in the order of the posteriors' columns, None where nobody knows them."""
        return self._evaluated.job.images.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' names, or their numbers where nobody knows names: what `labels` count in."""
        return class_names(self._evaluated.job)

    @property
    def corruptions(self) -> CorruptionErrors | None:
        """Of ImageNet-C the errors by corruption and severity, and the mean corruption error; None of other sets."""
        return self.result.corruptions

    @property
    def detection(self) -> Detection | None:
        """Of ImageNet-O the AUPR of telling its images from ImageNet's; None of other sets."""
        return self.result.detection

    @property
    def assumed(self) -> frozenset[str]:
        """What nobody stated, such as "S" or "pixels"."""
        return self.result.assumed

    @property
    def warnings(self) -> list[str]:
        """What speaks against the row, a sentence each."""
        return self.result.warnings

    @property
    def signature(self) -> str:
        """One line that says what was measured."""
        return self.result.signature

    @cached_property
    def _counted(self) -> list[int]:
        return counted_images(self._evaluated.job.images, self._evaluated.tallies[self._row])

    @cached_property
    def _record(self) -> dict[str, Any]:
        return self.result.record()

    def _interval(self, name: str) -> tuple[float, float] | None:
        low, high = self._record[f"{name}_low"], self._record[f"{name}_high"]
        return None if low is None else (low, high)

    def __repr__(self) -> str:
        return f"<{self.model} {self.protocol}: top-1 error {error_cell(self._record, 'top1')} %, {self.n} images>"


class Table:
    """The rows of an evaluation. In a notebook it shows itself; printed it is what bench.run prints.

    `table["dense"]` is the row of a protocol, however it is written; of several nets `table["name", "dense"]`, of their
    fusion `table["fusion", "dense"]`; `table[0]` the first row. Also iterable, with a length.
    """

    def __init__(self, evaluated: Evaluated, protocols: ProtocolSpec, labels: tuple[str, ...]) -> None:
        self._evaluated, self._protocols, self._labels = evaluated, protocols, labels
        self._rows = [EvaluatedRow(evaluated, row) for row in evaluated.job.rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[EvaluatedRow]:
        return iter(self._rows)

    def __getitem__(self, key: SupportsIndex | str | Protocol | tuple[str, str | Protocol]) -> EvaluatedRow:
        if isinstance(key, SupportsIndex) and -len(self) <= index(key) < len(self):
            return self._rows[key]
        label, protocol = key if isinstance(key, tuple) and len(key) == 2 else (None, key)
        found = [
            row for row in self._rows if self._is(row._row, str(protocol)) and label in (None, self._label(row._row))
        ]
        if len(found) == 1:
            return found[0]
        what = "several rows" if found else "no row"
        rows = "; ".join(f"{self._label(row._row)!r}, {row.protocol!r}" for row in self._rows)
        raise UserError(f"row {key!r}: {what}; give one of {rows}")

    def _is(self, row: Row, protocol: str) -> bool:
        """Whether a row is under the protocol that is written so."""
        try:
            meant = [parse(protocol, model.S, self._protocols.Q, model.side) for model, _ in row.nets]
        except ProtocolError:
            return False
        return meant == [own for _, own in row.nets]

    def _label(self, row: Row) -> str:
        """What the caller calls the row's net."""
        if len(row.nets) > 1:
            return "fusion"
        return self._labels[list(self._evaluated.job.models).index(row.nets[0][0])]

    @property
    def frame(self) -> pd.DataFrame:
        """A row per net and protocol, with the columns of `results.csv`; error rates and intervals in %."""
        records = [flat(row.result.record()) for row in self]
        return pd.DataFrame({"net": [self._label(row._row) for row in self]}).join(pd.DataFrame(records))

    def save(self, folder: str | Path, posteriors: bool = False) -> Path:
        """Write what bench.run writes into a folder: `results.csv`, `.json`, `.md` and `origin.json`.

        With `posteriors` also an `.npz` a row, with `ids`, `labels` and `posteriors`. `bench.inspect` and `bench.gate`
        take the folder. Returns it. Raises UserError where it cannot be written to.
        """
        if not isinstance(folder, str | os.PathLike):
            raise UserError(f"save {folder!r}: give a folder")
        place = writable("save", Path(folder))
        with mistakes():
            self._evaluated.write(place, posteriors)
        return place

    def __str__(self) -> str:
        return terminal_table([row.result for row in self])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cells = [
            {
                "net": self._label(row._row),
                "protocol": row.protocol,
                "n": row.n,
                "top-1 error % [95 %]": error_cell(row._record, "top1"),
                "top-5 error % [95 %]": error_cell(row._record, "top5"),
                "assumed": row._record["assumed"],
            }
            for row in self
        ]
        warnings = dict.fromkeys(text for row in self for text in row.warnings)
        notes = "".join(f"<p>warning: {escaped(text)}</p>" for text in warnings)
        if groups := "\n".join(group_lines([row.result for row in self])):
            notes = f"<pre>{html.escape(groups)}</pre>{notes}"
        return pd.DataFrame(cells).to_html(index=False, escape=True) + notes
