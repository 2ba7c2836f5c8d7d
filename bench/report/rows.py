"""The rows that a report is about: of one run or of several, each looked into once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from bench.errors import UserError
from bench.images.labels.imagenet_names import with_nouns
from bench.report.net_names import known_by_weights, net_name
from bench.stored.run import StoredRun
from results.formatting import shortened, shown
from results.inspection import Inspection, distinct
from results.written_tables import Counts, WrittenRow

OF_THE_NET = ("model", "width", "weights", "drop", "crop", "pixels", "map", "dtype")  # words of a signature

OF_THE_IMAGES = ("data", "labels", "n", "skipped", "classes")

NAMELESS = "(no name)"  # a class
IN_WORDS = 40  # letters of a fusion in a sentence


@dataclass(frozen=True)
class ReportRow:
    """A row with its images one by one; `number` counts from 1 over all runs, in the order of their tables.

    `with_weights` says whether its net is known only with its weights, since others are called the same.
    """

    number: int
    run: StoredRun
    inspection: Inspection
    with_weights: bool = False

    @property
    def row(self) -> WrittenRow:
        """What its table says."""
        return self.inspection.row

    @property
    def key(self) -> str:
        """What scripts and anchors call it."""
        return f"row{self.number}"

    @property
    def net(self) -> str:
        """The net, or the fused ones, with S where the weights have one; no two are called alike."""
        return net_name(self.row["model"], self.row["S"], self.row["weights"] if self.with_weights else None)

    @property
    def computed_by(self) -> tuple[str, ...]:
        """What of the signature says which net computed it, and how: all but images, protocol and its rules."""
        return tuple(word for word in self.row.signature.split() if word.partition("=")[0] in OF_THE_NET)

    @property
    def images(self) -> tuple[str, ...]:
        """What of the signature says which images were counted, under which labels."""
        return tuple(word for word in self.row.signature.split() if word.partition("=")[0] in OF_THE_IMAGES)

    @property
    def label(self) -> str:
        """What people know it by."""
        return shown(f"{self.number}. {self.row['model']} {self.row['protocol']}")

    @property
    def in_words(self) -> str:
        """What a sentence calls it."""
        model, protocol = (shortened(self.row[name], IN_WORDS) for name in ("model", "protocol"))
        return shown(f"row {self.number}, {model} {protocol}")

    @property
    def record(self) -> dict[str, Any]:
        """The row as its table's cells are made from."""
        row = self.row
        return {
            **row.texts,
            **row.beside,
            **row.errors,
            "n": row.counts.n,
            "wrong1": row.counts.wrong1,
            "wrong5": row.counts.wrong5,
            "images_per_second": None if isnan(row.speed) else row.speed,
            "assumed": row.assumed,
            "signature_id": row.id,
        }


def report_rows(runs: Sequence[StoredRun]) -> list[ReportRow]:
    """All rows of the runs; of those that say the same of the same, one. Raises UserError and ResultError."""
    found = list(_distinct(runs))
    if not found:
        raise UserError("none of the runs has a row; give folders that bench.run wrote")
    by_weights = known_by_weights([(row["model"], row["S"], row["weights"]) for _, row in found])
    return [
        ReportRow(number, run, _looked_into(run, row), each)
        for number, ((run, row), each) in enumerate(zip(found, by_weights, strict=True), 1)
    ]


def _looked_into(run: StoredRun, row: WrittenRow) -> Inspection:
    """With names that people know for ImageNet's classes, as they can be shown."""
    found = run.inspected(row)
    return replace(found, names=shown_names(with_nouns(found.names)))


def shown_names(names: Sequence[str]) -> list[str]:
    """Of classes: each is seen, and no two look alike."""
    return distinct([shown(name) if name.strip() else NAMELESS for name in names])


def _distinct(runs: Sequence[StoredRun]) -> Iterator[tuple[StoredRun, WrittenRow]]:
    seen: set[tuple[str, Counts]] = set()
    for run in runs:
        for row in run.rows:
            if (row.signature, row.counts) not in seen:
                seen.add((row.signature, row.counts))
                yield run, row
