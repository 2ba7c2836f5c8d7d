"""One run of `bench.speed`, from options to written tables."""

import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bench.engine.job import open_all, protocols_of
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.nets import zoo
from bench.nets.device import device_name, pick_device
from bench.nets.out_of_memory import enough_memory
from bench.options import dated, say, writable, writing_to
from bench.progress import warn
from bench.provenance import provenance
from bench.speed.nets import LAYOUTS, MODES, Sweep, net_speeds
from bench.speed.protocols import protocol_speed
from results.atomic_files import write_text_atomically

DTYPES = ("fp32", "tf32", "bf16", "fp16")


def run(options: Namespace) -> int:
    """Measure, print and write. Raises UserError."""
    device = pick_device(options.device)
    folder = writable("--out", options.out or dated(Path("runs"), "speed-"))
    about = {"device": device_name(device), "driver": _driver(device), **provenance()}
    records = _protocols(options) if options.protocol else _nets(options, device)
    table = _table([_cells(record) for record in records])
    if options.protocol:
        table += "\n\n" + _table([cells for record in records for cells in _layer_cells(record)])
    lines = [*(f"- {name}: {value}" for name, value in about.items()), "", table, ""]
    measured = json.dumps({"about": about, "records": records}, indent=1)
    writing_to(folder, lambda: write_text_atomically(folder / "speed.md", "\n".join(lines)))
    writing_to(folder, lambda: write_text_atomically(folder / "speed.json", measured))
    say(table)
    print(f"written to {folder}/speed.md and .json", file=sys.stderr)
    return 0


def _nets(options: Namespace, device: torch.device) -> list[dict[str, Any]]:
    dtypes = _of("--dtypes", options.dtypes, DTYPES)
    layouts = _of("--layouts", options.layouts, tuple(LAYOUTS))
    modes = _of("--modes", options.modes, MODES)
    if "quick" in modes and device.type != "cpu":
        raise UserError(f"--modes quick: these forms are for a CPU, this is {device.type}; give eager or compiled")
    records = []
    for name in map(zoo.canonical, options.model.split(",")):
        sweep = Sweep(name, options.width, dtypes, layouts, modes, options.largest, options.seconds, device)
        with enough_memory(f"model '{name}'", "give a smaller --width, or another --device"):
            for record in net_speeds(sweep):
                warn(" ".join(_cells(record).values()))
                records.append(record)
    return records


def _protocols(options: Namespace) -> list[dict[str, Any]]:
    loading = min(8, os.cpu_count() or 1)
    records = []
    for dtype in _of("--dtypes", options.dtypes, DTYPES):
        with Shard() as shard:
            images, models = open_all(Namespace(**vars(options), dtype=dtype), shard)
        for model, protocols in zip(models, protocols_of(options, models), strict=True):
            records += [protocol_speed(model, protocol, images, loading) for protocol in protocols]
    return records


def _of(option: str, text: str, allowed: Sequence[str]) -> list[str]:
    given = text.split(",")
    for each in given:
        if each not in allowed:
            raise UserError(f"{option} '{each}': give some of {', '.join(allowed)}, commas between")
    return given


def _table(cells: Sequence[dict[str, str]]) -> str:
    return pd.DataFrame(cells).fillna("–").to_markdown(index=False, disable_numparse=True)


def _layer_cells(record: dict[str, Any]) -> Iterator[dict[str, str]]:
    """A row for every kind of layer: its time and its share of the net's; what is left is cutting, moving, joining."""
    layers = record["layers_ms"]
    for kind, ms in (layers | {"rest": record["net_ms"] - sum(layers.values())}).items():
        said = {name: record[name] for name in ("model", "protocol", "dtype")}
        yield _cells({**said, "layer": kind, "ms": ms, "share": ms / record["net_ms"]})


def _cells(record: dict[str, Any]) -> dict[str, str]:
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
