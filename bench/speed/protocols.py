"""A protocol end to end: images/s with all stages under way at once, and each stage's share when done in turn."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from bench.engine.capacity import Capacity
from bench.engine.counting import tallies_of
from bench.engine.job import complete, make_job
from bench.engine.part_posteriors import part_posteriors
from bench.engine.request import Computation, Keeping, Setup
from bench.engine.rows import Row
from bench.engine.view_batches import scaling_of
from bench.engine.workers import Shard
from bench.images.dataset import Images
from bench.images.loader import Prepared
from bench.images.pixels import decode, size_of
from bench.images.rescaling import rescale
from bench.nets.device import synchronise
from bench.nets.model import Model
from bench.nets.torch_settings import single_threads
from bench.speed.layer_times import layer_times
from bench.speed.stopwatch import ROUNDS
from protocols.protocol import Protocol

SAMPLE = 8  # images whose stages are timed in turn
STAGES = ("decode", "rescale", "views", "net", "fuse")


class Netless(Model):
    """A model that does all but run its net: views are cut, batched, normalised and moved to the device."""

    def begun(self, views: torch.Tensor, whole: bool) -> torch.Tensor:
        self.batch_of(views)
        synchronise(self.device)
        return torch.zeros(len(views), self.count)

    def begun_grid(self, image: torch.Tensor, tops: Sequence[int], lefts: Sequence[int]) -> torch.Tensor:
        return self.begun(image[None], whole=False).expand(len(lefts), len(tops), -1)


def protocol_speed(model: Model, protocol: Protocol, images: Images, how: Computation) -> dict[str, Any]:
    """Images/s, all blocks computed anew after a block to warm up; and the stages' shares, each in one thread.

    ROUNDS in the record has one timing: the whole evaluation, in seconds. A compiled net has no layers to be timed.
    """
    row = Row(((model, protocol),))
    with tempfile.TemporaryDirectory() as folder:
        _evaluate(row, images.take(range(min(SAMPLE, len(images)))), Path(folder, "warm"), how)
        seconds, fusing = _evaluate(row, images, Path(folder, "timed"), how)
    layers: dict[str, float] = defaultdict(float)
    stages = _stages(model, protocol, images, how, layers) | {"fuse": fusing / len(images)}
    total, counted = sum(stages.values()), min(SAMPLE, len(images))
    slowest_first = sorted(layers, key=layers.__getitem__, reverse=True)
    return {
        "model": model.name,
        "protocol": str(protocol),
        "dtype": model.precision.name,
        **model.engine.made,
        "sharing": "on" if model.grid else "off",
        "compiled": "on" if model.compiled else "off",
        "images": len(images),
        "images_per_second": len(images) / seconds,
        **{f"{stage}_ms": 1e3 * stages[stage] for stage in STAGES},
        **{f"{stage}_share": stages[stage] / total for stage in STAGES},
        "layers_ms": {kind: 1e3 * layers[kind] / counted for kind in slowest_first},
        ROUNDS: [seconds],
    }


def _evaluate(row: Row, images: Images, store: Path, computation: Computation) -> tuple[float, float]:
    """Seconds in all, and of these those of averaging and counting."""
    how = Setup(nets=(), images=images, computation=computation, keeping=Keeping(store, fresh=True))
    job = make_job(how, images, [row.nets[0][0]], [row])
    start = time.perf_counter()
    with Shard() as shard:
        complete(job, how, shard)
    between = time.perf_counter()
    tallies_of(job)
    stop = time.perf_counter()
    return stop - start, stop - between


def _stages(
    model: Model, protocol: Protocol, images: Images, how: Computation, layers: dict[str, float]
) -> dict[str, float]:
    """Seconds per image of each stage before the posteriors are fused; `layers` adds up the net's by kind of layer."""
    places = [images.place(i) for i in range(min(SAMPLE, len(images)))]
    start = time.perf_counter()
    decoded = [decode(*place) for place in places]
    times = {"decode": time.perf_counter() - start, "rescale": 0.0, "views": 0.0, "net": 0.0}
    netless = Netless(**{field.name: getattr(model, field.name) for field in fields(model)})
    vars(netless).update(vars(model))  # with the forms that are there: made now, they would count as cutting
    with model.precision.settings(), single_threads(model.device):
        capacity = Capacity(how.batch, model.device)
        for part in protocol.parts:
            scaling = scaling_of(part, model.pixels)
            start = time.perf_counter()
            block = [Prepared(size_of(image), {scaling: rescale(image, scaling)}) for image in decoded]
            rescaled = time.perf_counter()
            part_posteriors(netless, part, block, capacity)
            cut = time.perf_counter()
            part_posteriors(model, part, block, capacity)
            stop = time.perf_counter()
            if not model.compiled:
                with layer_times(model.dense_net if part.whole else model.crop_net, model.device) as spent:
                    part_posteriors(model, part, block, capacity)
                for kind, seconds in spent.items():
                    layers[kind] += seconds
            times["rescale"] += rescaled - start
            times["views"] += cut - rescaled
            times["net"] += (stop - cut) - (cut - rescaled)
    return {stage: seconds / len(places) for stage, seconds in times.items()}
