"""Timings in pytest-benchmark's format, read back; a file may come from anywhere, so nothing in it is trusted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.errors import ResultError
from results.written_tables import content_of, is_number, require

LONGEST = 1e9  # seconds: anything above was never measured
MOST_ROUNDS = 1e12
MOST_BENCHMARKS = 10_000
PLACE = ("driver", "python_version", "torch", "torchvision", "numpy", "pillow", "vgg-protocols", "cpu_capability")
WANTED = "give a benchmark.json as bench.speed writes it, or what pytest --benchmark-json wrote"


@dataclass(frozen=True)
class Timing:
    """One benchmark: what pytest-benchmark calls it in full, and the median and quartiles of its rounds in seconds."""

    name: str
    q1: float
    median: float
    q3: float
    rounds: int


@dataclass(frozen=True)
class Timings:
    """A file of them, by name. `machine` is empty where the file does not tell it, `device` where it names none.

    `beside` are driver and versions, of PLACE, empty where not told. A device that no file names is the
    processor.
    """

    machine: str
    device: str
    beside: Mapping[str, str]
    timings: Mapping[str, Timing]


def read_timings(path: Path) -> Timings | None:
    """What a file of pytest-benchmark's holds; None where it is no such file, whatever it is. Raises ResultError."""
    if not path.is_file():  # what can be read only once is left to others
        return None
    try:
        content = json.loads(content_of(path))
        json.dumps(content, ensure_ascii=False).encode()  # JSON can spell half a character, which cannot be printed
    except (OSError, ValueError, RecursionError):
        return None
    if not (isinstance(content, dict) and "benchmarks" in content):
        return None
    try:
        return _timings(content)
    except ValueError as error:
        raise ResultError(f"'{path}': {error}; {WANTED}") from None


def _timings(content: Mapping[str, Any]) -> Timings:
    machine, benchmarks = content.get("machine_info", {}), content["benchmarks"]
    require("machine_info", machine, isinstance(machine, dict), "an object")
    require("benchmarks", benchmarks, isinstance(benchmarks, list) and bool(benchmarks), "a list of benchmarks")
    if len(benchmarks) > MOST_BENCHMARKS:
        raise ValueError(f"it holds {len(benchmarks)} benchmarks, and {MOST_BENCHMARKS} are the most")
    found: dict[str, Timing] = {}
    for place, each in enumerate(benchmarks, 1):
        require(f"benchmark {place}", each, isinstance(each, dict), "an object")
        timing = _timing(place, each)
        if timing.name in found:
            raise ValueError(f"benchmark {place}: its name stands above; keep one of them")
        found[timing.name] = timing
    return Timings(_machine(machine), _text(machine, "device"), {name: _text(machine, name) for name in PLACE}, found)


def _timing(place: int, benchmark: Mapping[str, Any]) -> Timing:
    name: Any = benchmark.get("fullname")
    stats: Any = benchmark.get("stats")
    require(f"benchmark {place}: fullname", name, isinstance(name, str) and bool(name.strip()), "a text")
    require(f"benchmark {place}: stats", stats, isinstance(stats, dict), "an object")
    low, middle, high, rounds = (stats.get(key) for key in ("q1", "median", "q3", "rounds"))
    for key, value in (("q1", low), ("median", middle), ("q3", high)):
        require(f"benchmark {place}: {key}", value, is_number(value, LONGEST, whole=False), "seconds")
    require(
        f"benchmark {place}: rounds", rounds, is_number(rounds, MOST_ROUNDS) and rounds > 0, "a whole number from 1"
    )
    require(f"benchmark {place}: median", middle, low <= middle <= high, "between its quartiles")
    return Timing(name, float(low), float(middle), float(high), int(rounds))


def _machine(info: Mapping[str, Any]) -> str:
    """As our own tables write it; empty where any of it is not told."""
    cpu = info.get("cpu")
    cpu = cpu if isinstance(cpu, dict) else {}
    count = cpu.get("count")
    words = (_text(info, "system"), _text(info, "machine"), _text(cpu, "brand_raw"))
    if not all(words) or type(count) is not int:
        return ""
    return f"{words[0]} {words[1]}, {words[2]}, {count} cores"


def _text(info: Mapping[str, Any], name: str) -> str:
    value = info.get(name)
    return value if isinstance(value, str) else ""
