"""One run of `bench.speed`, from options to written tables."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bench.choices import COMPILING, DTYPES
from bench.command import say
from bench.engine.job import open_all
from bench.engine.request import Evaluation, Numbers
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.folders import dated, writable, writing_to
from bench.nets import zoo
from bench.nets.device import Precision, device_name, pick_device
from bench.nets.engines.engine import Engine
from bench.nets.out_of_memory import enough_memory
from bench.progress import busy, note
from bench.provenance import provenance
from bench.speed.benchmark_file import Measured, benchmark_file
from bench.speed.protocols import protocol_speed
from bench.speed.stopwatch import ROUNDS
from bench.speed.throughput import LAYOUTS, MODES, Sweep, net_speeds
from results.atomic_files import write_text_atomically

SHARING = {"auto": None, "on": True, "off": False}  # of early features, by the crops of a grid


@dataclass(frozen=True)
class NetSpeeds:
    """Nets by name, measured in every format, layout and mode, from `smallest` to `largest` views; `seconds` each."""

    nets: Sequence[str]
    device: str = "auto"
    width: float = 1.0
    dtypes: Sequence[str] = ("fp32",)
    layouts: Sequence[str] = tuple(LAYOUTS)
    modes: Sequence[str] = ("eager",)
    smallest: int = 1
    largest: int | None = None
    seconds: float = 1.0
    engine: str = "torch"

    def __post_init__(self) -> None:
        if self.engine != "torch" and tuple(self.modes) != ("eager",):
            raise UserError(
                f"--modes {','.join(self.modes)}: they are torch's; with --engine {self.engine} leave it out"
            )
        _check("--dtypes", self.dtypes, DTYPES)
        _check("--layouts", self.layouts, tuple(LAYOUTS))
        _check("--modes", self.modes, MODES)
        if self.largest is not None and self.largest < self.smallest:
            raise UserError(f"--largest {self.largest}: give at least --smallest, {self.smallest}")

    def measured(self) -> Iterator[Measured]:
        """Every setting and batch size. Raises UserError."""
        device = pick_device(self.device)
        if "quick" in self.modes and device.type != "cpu":
            raise UserError(f"--modes quick: these forms are for a CPU, this is {device.type}; give eager or compiled")
        engine = Engine(self.engine)
        ways = (self.layouts, self.modes) if engine.runtime is None else (("nchw",), (self.engine,))
        for name in map(zoo.canonical, self.nets):
            batches = self.smallest, self.largest
            sweep = Sweep(name, self.width, self.dtypes, *ways, *batches, self.seconds, device, engine)
            with enough_memory(f"model '{name}'", "give a smaller --width, or another --device"):
                for record in net_speeds(sweep):
                    rounds = record.pop(ROUNDS)
                    note(" ".join(_cells(record).values()))
                    said = {key: record[key] for key in ("dtype", "layout", "mode", "batch")}
                    yield Measured(record, {"model": name, "width": self.width, **said}, rounds)


@dataclass(frozen=True)
class ProtocolSpeeds:
    """An evaluation, measured end to end in each of the number formats.

    `sharing`: crops of a grid with shared early features ("on"), without ("off"), or as the device suits ("auto");
    `compile`: nets compiled by torch or not.
    """

    request: Evaluation
    dtypes: Sequence[str] = ("fp32",)
    sharing: Sequence[str] = ("auto",)
    compile: Sequence[str] = ("auto",)

    def __post_init__(self) -> None:
        _check("--dtypes", self.dtypes, DTYPES)
        _check("--sharing", self.sharing, tuple(SHARING))
        _check("--compile", self.compile, COMPILING)
        for name, given in (("--sharing", self.sharing), ("--compile", self.compile)):
            if self.engine != "torch" and "on" in given:
                raise UserError(f"{name} {','.join(given)}: it is torch's; with --engine {self.engine} leave it out")

    @property
    def device(self) -> str:
        return self.request.computation.device

    @property
    def engine(self) -> str:
        return self.request.computation.engine

    def measured(self) -> Iterator[Measured]:
        """Every format, way to share, way to run, net and protocol. Raises UserError."""
        for dtype, sharing, compile in product(self.dtypes, self.sharing, self.compile):
            how = replace(self.request.computation, compile=compile)
            request = replace(self.request, numbers=Numbers(dtype))
            with Shard() as shard:
                images, models = open_all(request, shard)
            for model in [replace(each, sharing=SHARING[sharing]) for each in models]:
                for protocol in request.protocols.of_model(model):
                    record = protocol_speed(model, protocol, images, how)
                    rounds = record.pop(ROUNDS)
                    said = {key: record[key] for key in ("model", "protocol", "dtype", "sharing", "compiled", "images")}
                    yield Measured(record, {**said, "data": images.digest[:12]}, rounds)


def run(request: NetSpeeds | ProtocolSpeeds, out: Path | None) -> None:
    """Measure, print and write into a folder, None for a dated one. Raises UserError."""
    device, engine = pick_device(request.device), Engine(request.engine)
    for precision in map(Precision, request.dtypes):  # now: else what was measured before one would be lost
        precision.check(device)
        engine.check(device, precision)
    folder = writable("--out", out or dated(Path("runs"), "speed-"))
    about = {"device": device_name(device), "driver": _driver(device), **engine.made, **provenance()}
    with busy("measuring"):
        measured = list(request.measured())
    records = [each.record for each in measured]
    table = _table([_cells(record) for record in records])
    if isinstance(request, ProtocolSpeeds):
        table += "\n\n" + _table([cells for record in records for cells in _layer_cells(record)])
    lines = [*(f"- {name}: {value}" for name, value in about.items()), "", table, ""]
    written = {
        "speed.md": "\n".join(lines),
        "speed.json": json.dumps({"about": about, "records": records}, indent=1),
        "benchmark.json": json.dumps(benchmark_file(measured, about), indent=1),
    }
    for name, text in written.items():
        writing_to(folder, partial(write_text_atomically, folder / name, text))
    say(table)
    note(f"written to {folder}/speed.md and .json, and benchmark.json")


def _check(option: str, given: Sequence[str], allowed: Sequence[str]) -> None:
    for each in given:
        if each not in allowed:
            raise UserError(f"{option} '{each}': give some of {', '.join(allowed)}, commas between")


def _table(cells: Sequence[dict[str, str]]) -> str:
    return pd.DataFrame(cells).fillna("–").to_markdown(index=False, disable_numparse=True)


def _layer_cells(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """A row for every kind of layer: its time and its share of the net's; what is left is cutting, moving, joining."""
    layers = record["layers_ms"]
    for kind, ms in (layers | {"rest": record["net_ms"] - sum(layers.values())}).items():
        said = {name: record[name] for name in ("model", "protocol", "dtype")}
        yield _cells({**said, "layer": kind, "ms": ms, "share": ms / record["net_ms"]})


def _cells(record: Mapping[str, Any]) -> dict[str, str]:
    return {name: _cell(name, value) for name, value in record.items() if not isinstance(value, dict)}


def _cell(name: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1%}" if "share" in name else f"{value:.4g}"
    return str(value)


def _driver(device: torch.device) -> str:
    """The GPU driver's version, as its own tool says it."""
    if device.type != "cuda":
        return "–"
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{found.splitlines()[0]}, CUDA {torch.version.cuda}"
