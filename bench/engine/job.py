"""A request made ready: images labelled in the models' classes, models, rows, and the parts that these need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.cache import cache_folder
from bench.engine.evaluate import Task, fill
from bench.engine.keys import Tasks, tasks_of
from bench.engine.request import Computation, Evaluation, Numbers, Setup
from bench.engine.rows import Row, rows_of
from bench.engine.same_classes import same_classes
from bench.engine.workers import Shard
from bench.folders import made
from bench.images.dataset import Images
from bench.images.sources import DataSpec, open_data
from bench.nets.device import Precision, pick_device
from bench.nets.model import Model, open_model
from bench.nets.net_spec import NetSpec
from bench.nets.weights import choose_weights


@dataclass(frozen=True)
class Job:
    """Images with labels in the models' classes, rows, and the tasks that they need.

    `data` is how the images were named, None where nothing but this process has them.
    """

    images: Images
    models: Sequence[Model]
    rows: Sequence[Row]
    tasks: Tasks
    numbers: Numbers
    data: DataSpec | None

    @property
    def distinct_tasks(self) -> list[Task]:
        """Each place in the store once."""
        return list({task.store.folder: task for task in self.tasks.values()}.values())

    @property
    def competing(self) -> np.ndarray | None:
        """The classes that compete, where not all do."""
        return self.images.present if self.numbers.restrict_classes else None


def job_of(request: Evaluation, shard: Shard) -> Job:
    """Open what a request names. Raises UserError and its like."""
    images, models = open_all(request, shard)
    protocols = [request.protocols.of(model.S, model.side) for model in models]
    return make_job(request, images, models, rows_of(models, protocols, request.fuse))


def make_job(setup: Setup, images: Images, models: Sequence[Model], rows: Sequence[Row]) -> Job:
    """Find the parts that the rows need and their places in the store. Raises UserError where a Q is too small."""
    data = setup.images if isinstance(setup.images, DataSpec) else None
    root = made("--store", setup.keeping.store or cache_folder() / "store")
    job = Job(images, models, rows, tasks_of(rows, images, root), setup.numbers, data)
    for model, part in job.tasks:
        model.check(part, images.ids[0])
    return job


def complete(job: Job, setup: Setup, shard: Shard) -> None:
    """Compute what the store lacks, this process's share of it. Raises UserError and StoreError."""
    how, skip = setup.computation, setup.numbers.skip_corrupt
    fill(job.distinct_tasks, job.images, shard, how.batch, how.loading, setup.keeping.fresh, skip)


def open_all(setup: Setup, shard: Shard) -> tuple[Images, list[Model]]:
    """The images, labelled in the models' classes, and the models. Raises UserError."""
    images = setup.images if isinstance(setup.images, Images) else open_data(setup.images)
    models = open_models(setup.nets, setup.numbers, setup.computation, images, shard)
    return same_classes(images, models), models


def open_models(
    nets: Sequence[NetSpec], numbers: Numbers, computation: Computation, images: Images | None, shard: Shard
) -> list[Model]:
    """Nets with their weights, on this process's device; `auto` weights go by the images. Raises UserError."""
    device = pick_device(computation.device, shard.local_rank)
    precision = Precision(numbers.dtype)
    precision.set_up(device)
    return [open_model(_with_weights(each, images), device, precision, numbers.map_rule) for each in nets]


def _with_weights(net: NetSpec, images: Images | None) -> NetSpec:
    return replace(net, weights=choose_weights(net.weights, net.name, images))
