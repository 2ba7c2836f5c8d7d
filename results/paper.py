"""The paper's own error rates, as data (Tables 3 to 6, ILSVRC-2012 validation)."""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

IMAGES = 50_000  # of the ILSVRC-2012 validation set


@cache
def published() -> dict[frozenset[str], tuple[float, float]]:
    """Top-1 and top-5 error in % by the nets measured, each `configuration/S protocol`."""
    with files("results").joinpath("paper.csv").open() as lines:
        return {
            frozenset(row["nets"].split("; ")): (float(row["top1"]), float(row["top5"]))
            for row in csv.DictReader(lines)
        }


def reference(nets: Iterable[str], data: str, n: int) -> tuple[float, float] | None:
    """The paper's figures where configuration, S, protocol and data are exactly one of its rows, else None."""
    nets = list(nets)
    if data != "imagenet/val" or n != IMAGES or len(set(nets)) < len(nets):
        return None
    return published().get(frozenset(nets))
