"""Honest timings: warmed up, the device waited for, repeated, and told with their spread."""

import time
from collections.abc import Callable
from statistics import quantiles
from typing import NamedTuple

import torch

from bench.interrupt import heed
from bench.nets.device import synchronise

FEWEST = 5  # repetitions, of which quartiles still mean something
ROUNDS = "rounds_s"  # in a record: the timings themselves


class Spread(NamedTuple):
    """Median and quartiles of repeated timings, in seconds."""

    low: float
    median: float
    high: float


def repeated(work: Callable[[], object], device: torch.device, seconds: float, fewest: int = FEWEST) -> list[float]:
    """Seconds that each call takes: two calls to warm up, then for so many seconds, and at least `fewest` times."""
    for _ in range(2):
        work()
    times: list[float] = []
    synchronise(device)
    while len(times) < fewest or sum(times) < seconds:
        heed()
        start = time.perf_counter()
        work()
        synchronise(device)
        times.append(time.perf_counter() - start)
    return times


def spread_of(times: list[float]) -> Spread:
    """Of at least two timings, in seconds."""
    return Spread(*quantiles(times, n=4, method="inclusive"))


def percentile(times: list[float], percent: int) -> float:
    """The time, in seconds, that so many percent of the calls do not exceed."""
    return quantiles(times, n=100, method="inclusive")[percent - 1]
