"""Throughput and latency of a net by number format, memory layout, mode and batch size."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product, takewhile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.nets import zoo
from bench.nets.batch_norms import folded
from bench.nets.compiled import Compiled, uncompilable
from bench.nets.cpu.forms import quicken
from bench.nets.device import Precision
from bench.nets.engines.engine import TORCH, Engine
from bench.nets.float32_parts import keep_single
from bench.nets.flops import net_flops
from bench.nets.out_of_memory import ERRORS, out_of_memory, release
from bench.progress import note
from bench.speed.stopwatch import FEWEST, ROUNDS, percentile, repeated, spread_of

LAYOUTS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}
MODES = ("eager", "compiled", "quick")
LARGEST = {"cpu": 64, "mps": 512}  # views; on devices with memory of their own 4096
SMALLEST_SIDE = 256  # of the first product, PEAK_SIDE of the last one, unless it would take LONGEST seconds
LONGEST = 0.5
PEAK_SIDE = {
    "cpu": 2048,
    "mps": 4096,
}  # with memory of their own 8192; of the square matrices whose product is the machine's peak
CALLS = 100  # at batch 1, for the 99th percentile


@dataclass(frozen=True)
class Sweep:
    """What is measured of a net: every format in every layout and mode, from a batch to the largest that fits.

    A runtime has its own layout, and is the mode.
    """

    model: str
    width: float
    dtypes: Sequence[str]
    layouts: Sequence[str]
    modes: Sequence[str]
    smallest: int
    largest: int | None
    seconds: float
    device: torch.device
    engine: Engine = TORCH


def net_speeds(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """A record for every setting and batch size, doubled until memory runs out; its ROUNDS are each call's seconds."""
    for dtype in sweep.dtypes:
        precision = Precision(dtype)
        with precision.settings():
            yield from _speeds_in(precision, sweep)


def _speeds_in(precision: Precision, sweep: Sweep) -> Iterator[dict[str, Any]]:
    """In one number format."""
    device, side = sweep.device, zoo.side_of(sweep.model)
    channels, flops = zoo.channels_of(sweep.model), net_flops(sweep.model, sweep.width)
    largest = sweep.largest or LARGEST.get(device.type, 4096)
    peak = matrix_peak(precision, device, sweep.seconds)
    for layout, mode in product(sweep.layouts, sweep.modes):
        form = LAYOUTS[layout]
        net = random_net(sweep.model, sweep.width, device)
        if mode == "compiled":
            net = folded(net)
        net = net.to(precision.dtype).to(memory_format=form)
        if precision.dtype != torch.float32:
            keep_single(net)
        shape = (channels, side, side)
        images = torch.zeros(2, *shape, device=device, dtype=precision.dtype)
        work = _in_runtime(sweep, net) if sweep.engine.runtime else _in_mode(mode, net, sweep, precision, images)
        if work is None:
            continue
        said = {"model": sweep.model, "dtype": precision.name, "layout": layout, "mode": mode}
        for batch in takewhile(lambda n: n <= largest, (sweep.smallest * 2**k for k in count())):
            found = _measured(work, (batch, *shape), precision.dtype, form, sweep)
            if found is None:
                release(device)
                break
            yield said | {"batch": batch} | found | _rates(batch, found, flops, peak)


@torch.inference_mode()
def _in_mode(mode: str, net: nn.Module, sweep: Sweep, precision: Precision, images: torch.Tensor) -> Callable | None:
    """The net as it is, as bench.run compiles it, or in bench.run's forms on a CPU; None where it is not compiled."""
    if mode == "quick":
        quicken(net)
    if mode != "compiled":
        return net
    if why := uncompilable(net, precision):
        note(f"{sweep.model} in {precision.name} is not compiled: {why}")
        return None
    compiled = Compiled(sweep.model, net, sizes=False)
    return compiled if compiled.begin(images) else None


def _in_runtime(sweep: Sweep, net: nn.Module) -> nn.Module:
    """Called with one batch after the other."""
    side = zoo.side_of(sweep.model)
    noise = torch.randn(2, zoo.channels_of(sweep.model), side, side)
    return sweep.engine.ready(sweep.model, net.cpu(), sweep.device, noise, whole=False, at_once=1)


def random_net(name: str, width: float, device: torch.device) -> nn.Module:
    """A net with the random weights that its layers begin with: speed does not depend on them."""
    net = zoo.build(name, 1000, width).to_empty(device=device)
    for module in net.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    return net.eval()


def matrix_peak(precision: Precision, device: torch.device, seconds: float) -> float:
    """FLOP/s of a large matrix product in a number format: what the machine can do at best.

    Smaller ones come first: where a processor has no units for a format, a large one takes minutes.
    """
    side, largest = SMALLEST_SIDE, PEAK_SIDE.get(device.type, 8192)
    taken = _product_time(side, precision, device, seconds)
    while side < largest and 8 * taken <= LONGEST:
        side *= 2
        taken = _product_time(side, precision, device, seconds)
    return 2 * side**3 / taken


def _product_time(side: int, precision: Precision, device: torch.device, seconds: float) -> float:
    """Seconds of a product of two square matrices, the lower quartile."""
    one, other = (torch.randn(side, side, device=device, dtype=precision.dtype) for _ in range(2))
    return spread_of(repeated(lambda: one @ other, device, seconds)).low


@torch.inference_mode()
def _measured(
    net: Callable, shape: tuple[int, ...], dtype: torch.dtype, form: torch.memory_format, sweep: Sweep
) -> dict[str, Any] | None:
    """Timings and peak memory of one batch; None where it does not fit into memory."""
    device, batch = sweep.device, shape[0]
    try:
        images = torch.randn(shape, device=device, dtype=dtype).contiguous(memory_format=form)
        with peak_memory(device) as peak:
            times = repeated(lambda: net(images), device, sweep.seconds, fewest=CALLS if batch == 1 else FEWEST)
    except ERRORS as error:
        if not out_of_memory(error):
            raise
        return None
    low, median, high = spread_of(times)
    latency = {"p50_ms": 1e3 * percentile(times, 50), "p99_ms": 1e3 * percentile(times, 99)} if batch == 1 else {}
    spread = {"ms": 1e3 * median, "ms_low": 1e3 * low, "ms_high": 1e3 * high}
    return {**spread, "peak_MiB": peak[0] / 2**20, **latency, ROUNDS: times}


def _rates(batch: int, found: dict[str, Any], flops: int, peak: float) -> dict[str, float]:
    per_second = 1e3 * batch / found["ms"]
    return {
        "images_per_second": per_second,
        "GFLOP_per_image": flops / 1e9,
        "TFLOP_per_second": per_second * flops / 1e12,
        "peak_TFLOP_per_second": peak / 1e12,
        "share_of_peak": per_second * flops / peak,
    }


@contextlib.contextmanager
def peak_memory(device: torch.device) -> Iterator[list[float]]:
    """The most bytes in use meanwhile: the device's, or this process's resident ones; NaN where that is not told."""
    found = [float("nan")]
    if device.type in ("cuda", "xpu"):
        memory = getattr(torch, device.type)
        memory.reset_peak_memory_stats(device)
        yield found
        found[0] = memory.max_memory_allocated(device)
        return
    if device.type == "mps":
        torch.mps.empty_cache()
        yield found
        found[0] = torch.mps.driver_allocated_memory()  # what was taken for it, and is kept
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    yield found
    with contextlib.suppress(OSError):
        status = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        found[0] = 1024 * float(status[1]) if status else found[0]
