"""The paper's own error rates, as data (Tables 3 to 6, ILSVRC-2012 validation)."""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

IMAGES = 50_000  # of the ILSVRC-2012 validation set
VALIDATION = "imagenet/val"  # what the set is called


class PaperRow(NamedTuple):
    """A row of one of the paper's tables: the nets fused, each `configuration/S protocol`, and its errors in %."""

    table: int
    nets: tuple[str, ...]
    top1: float
    top5: float


@cache
def paper_rows() -> tuple[PaperRow, ...]:
    """All 32 rows, in the paper's order."""
    with files("results").joinpath("paper.csv").open() as lines:
        return tuple(
            PaperRow(int(row["table"]), tuple(row["nets"].split("; ")), float(row["top1"]), float(row["top5"]))
            for row in csv.DictReader(lines)
        )


@cache
def published() -> dict[frozenset[str], tuple[float, float]]:
    """Top-1 and top-5 error in % by the nets measured."""
    return {frozenset(row.nets): (row.top1, row.top5) for row in paper_rows()}


def reference(nets: Iterable[str], data: str, n: int) -> tuple[float, float] | None:
    """The paper's figures where configuration, S, protocol and data are exactly one of its rows, else None."""
    nets = list(nets)
    if data != VALIDATION or n != IMAGES or len(set(nets)) < len(nets):
        return None
    return published().get(frozenset(nets))
