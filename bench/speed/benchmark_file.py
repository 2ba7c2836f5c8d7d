"""Speeds in the format of pytest-benchmark, whose tools then compare them: `pytest-benchmark compare FILE FILE`."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from statistics import mean, median, stdev
from typing import Any

from bench.provenance import processor
from results.names import unicode_of

FORMAT = "5.0.0"  # the version of pytest-benchmark whose format this is
FENCE = 1.5  # interquartile ranges beyond a quartile; what lies further out is Tukey's outlier
OPTIONS = {"timer": "perf_counter", "warmup": True, "disable_gc": False}
PROJECT = "vgg-protocols"
ELSEWHERE = (
    "machine",
    "python",
    "commit",
    "command",
)  # of what is said about a run: under other names, or no machine's


@dataclass(frozen=True)
class Measured:
    """One line of a table: all that it says, what tells the work apart from other work, and its rounds in seconds."""

    record: Mapping[str, Any]
    params: Mapping[str, Any]
    rounds: Sequence[float]


def benchmark_file(measured: Sequence[Measured], about: Mapping[str, Any]) -> dict[str, Any]:
    """The whole file; `about` has the device, the versions and the commit."""
    return {
        "machine_info": _machine() | {name: about[name] for name in about if name not in ELSEWHERE},
        "commit_info": _commit(about["commit"]),
        "benchmarks": [_benchmark(each) for each in measured],
        "datetime": datetime.now(timezone.utc).isoformat(),
        "version": FORMAT,
    }


def statistics_of(rounds: Sequence[float]) -> dict[str, Any]:
    """What pytest-benchmark says of at least one timing in seconds, by its definitions and its names."""
    data = sorted(rounds)
    middle, spread = mean(data), stdev(data) if len(data) > 1 else 0.0
    q1, q3 = _lower_quartile(data), -_lower_quartile([-each for each in reversed(data)])
    low, high = q1 - FENCE * (q3 - q1), q3 + FENCE * (q3 - q1)
    beyond_spread = sum(abs(each - middle) > spread for each in data)
    beyond_fences = sum(not low <= each <= high for each in data)
    return {
        "min": data[0],
        "max": data[-1],
        "mean": middle,
        "stddev": spread,
        "rounds": len(data),
        "median": median(data),
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": beyond_fences,
        "stddev_outliers": beyond_spread,
        "outliers": f"{beyond_spread};{beyond_fences}",
        "ld15iqr": min(each for each in data if each >= low),
        "hd15iqr": max(each for each in data if each <= high),
        "ops": len(data) / sum(data),
        "total": sum(data),
        "data": list(rounds),
        "iterations": 1,
    }


def _lower_quartile(data: Sequence[float]) -> float:
    """Of sorted values: the median of the lower half, or between the two values that an odd number has around it."""
    count = len(data)
    if count == 1:
        return data[0]
    if count % 2 == 0:
        return median(data[: count // 2])
    k = count // 4
    return 0.25 * data[k - 1] + 0.75 * data[k] if count % 4 == 1 else 0.75 * data[k] + 0.25 * data[k + 1]


def _benchmark(measured: Measured) -> dict[str, Any]:
    """Named as pytest names a test with parameters; a group is one net."""
    params = {key: unicode_of(value) if isinstance(value, str) else value for key, value in measured.params.items()}
    model, *others = map(str, params.values())
    param = "-".join(others)
    name = f"{model}[{param}]"
    said = {key: value for key, value in measured.record.items() if key not in params and value == value}  # no NaN
    return {
        "group": model,
        "name": name,
        "fullname": f"bench.speed::{name}",
        "params": params,
        "param": param,
        "extra_info": said,
        "options": OPTIONS,
        "stats": statistics_of(measured.rounds),
    }


def _machine() -> dict[str, Any]:
    """As pytest-benchmark writes it, but for the machine's own name, which says nothing of its speed."""
    return {
        "processor": platform.processor(),
        "machine": platform.machine(),
        "python_compiler": platform.python_compiler(),
        "python_implementation": platform.python_implementation(),
        "python_implementation_version": platform.python_version(),
        "python_version": platform.python_version(),
        "python_build": list(platform.python_build()),
        "release": platform.release(),
        "system": platform.system(),
        "cpu": {"arch_string_raw": platform.machine(), "brand_raw": processor(), "count": os.cpu_count()},
    }


def _commit(described: str) -> dict[str, Any]:
    """Of this package, as provenance has it; what is not known as pytest-benchmark writes it."""
    return {
        "id": described.removesuffix("-dirty"),
        "time": None,
        "author_time": None,
        "dirty": described.endswith("-dirty"),
        "project": PROJECT,
        "branch": "(unknown)",
    }
