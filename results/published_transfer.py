"""The paper's own figures for its nets as feature extractors, as data (appendix B, Tables 11 and 12)."""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

VOC = ("train+val", "test")  # what the paper learns from, and what it is judged on
DRAWN = ("drawn", "drawn")
COUNTS = ("training", "test", "per_class", "test_per_class")


class Drawn(NamedTuple):
    """How many images of each class are drawn to learn from, and at most to be judged on (None: all the rest)."""

    per_class: int
    test_per_class: int | None = None


class Conditions(NamedTuple):
    """Under what a figure was measured.

    `data` is the set's name, `region` what of its images was seen, "" where there is no choice; `nets` are
    `configuration/S` of all that are stacked; `trained` and `tested` name the parts, or are "drawn" where images are
    drawn, `drawn` of each class; `training` and `test` count the images of each split, None where nobody counted.
    """

    data: str
    region: str
    nets: frozenset[str]
    Q: str
    over: str
    trained: str
    tested: str
    drawn: Drawn | None
    splits: int
    training: int | None
    test: int | None


class Figure(NamedTuple):
    """In %: a mean average precision by 11 points ("mAP11") or by area ("mAP"), or a mean class recall ("recall").

    `deviation` is over the splits, None where there is one.
    """

    measure: str
    value: float
    deviation: float | None

    def __str__(self) -> str:
        return f"{self.value:.1f}" + ("" if self.deviation is None else f" ± {self.deviation:.1f}")


@cache
def published_transfers() -> dict[Conditions, Figure]:
    """All 14 figures by their conditions, in the paper's order."""
    with files("results").joinpath("transfer.csv").open() as lines:
        return dict(map(_row, csv.DictReader(lines)))


def published_transfer(found: Conditions) -> Figure | None:
    """The paper's figure where all conditions are exactly its own, else None; counts that it leaves open are free."""
    for theirs, figure in published_transfers().items():
        training, test = (None if their is None else own for their, own in zip(theirs[-2:], found[-2:], strict=True))
        if found._replace(training=training, test=test) == theirs:
            return figure
    return None


def has_figures(data: str, configuration: str) -> bool:
    """Whether the paper has figures of such nets on a set, alone or stacked, at whatever S."""
    nets = (net for theirs in published_transfers() if theirs.data == data for net in theirs.nets)
    return configuration in {net.partition("/")[0] for net in nets}


def _row(row: dict[str, str]) -> tuple[Conditions, Figure]:
    whole = {name: int(row[name]) if row[name] else None for name in COUNTS}
    drawn = None if whole["per_class"] is None else Drawn(whole["per_class"], whole["test_per_class"])
    conditions = Conditions(
        row["data"],
        row["region"],
        frozenset(row["nets"].split("; ")),
        row["Q"],
        row["over"],
        *(DRAWN if drawn else VOC),
        drawn,
        int(row["splits"]),
        whole["training"],
        whole["test"],
    )
    return conditions, Figure(
        row["measure"], float(row["value"]), float(row["deviation"]) if row["deviation"] else None
    )
