"""A request made ready: images labelled in the models' classes, models, rows, and the parts that these need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.cache import cache_folder
from bench.engine.fill import Task, fill
from bench.engine.keys import Tasks, tasks_of
from bench.engine.request import Computation, Entrant, Evaluation, Numbers, Setup
from bench.engine.rows import Row, rows_of
from bench.engine.same_classes import same_classes
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.folders import made
from bench.images.dataset import Images
from bench.images.sources import DataSpec
from bench.nets.device import SLOW_BF16, Precision, pick_device
from bench.nets.engines.engine import Engine
from bench.nets.given_modules import GivenNet, open_given
from bench.nets.layers import state_of
from bench.nets.model import Model
from bench.nets.named import open_model
from bench.nets.net_spec import NetSpec
from bench.nets.reading import choose_weights
from bench.progress import busy, note


@dataclass(frozen=True)
class Job:
    """Images with labels in the models' classes, rows, and the tasks that they need.

    `data` is how the images were named, None where nothing but this process has them. `root` is where blocks are kept,
    `passing` where those are that go with the job, if there are such.
    """

    images: Images
    models: Sequence[Model]
    rows: Sequence[Row]
    tasks: Tasks
    numbers: Numbers
    data: DataSpec | None
    root: Path
    passing: TemporaryDirectory[str] | None = None

    @property
    def distinct_tasks(self) -> list[Task]:
        """Each place in the store once."""
        return list({task.store.folder: task for task in self.tasks.values()}.values())

    @property
    def competing(self) -> np.ndarray | None:
        """The classes that compete, where not all do."""
        restricted = self.numbers.restrict_classes or self.images.restricted
        return self.images.present if restricted else None


def job_of(request: Evaluation, shard: Shard) -> Job:
    """Open what a request names. Raises UserError and its like."""
    images, models = open_all(request, shard)
    protocols = [request.protocols.of_model(model) for model in models]
    return make_job(request, images, models, rows_of(models, protocols, request.fuse))


def make_job(setup: Setup, images: Images, models: Sequence[Model], rows: Sequence[Row]) -> Job:
    """Find the parts that the rows need and their places in the store. Raises UserError where a Q is too small."""
    root = made("--store", setup.keeping.store or cache_folder() / "store")
    passing = None if all(model.kept for model in models) else TemporaryDirectory(prefix="vgg-protocols-")
    tasks = tasks_of(rows, images, root, Path(passing.name) if passing else None)
    job = Job(images, models, rows, tasks, setup.numbers, setup.data, root, passing)
    for model, part in job.tasks:
        model.check(part, images.ids[0])
    return job


def complete(job: Job, setup: Setup, shard: Shard) -> None:
    """Compute what the store lacks, this process's share of it. Raises UserError and StoreError."""
    how, skip = setup.computation, setup.numbers.skip_corrupt
    fill(job.distinct_tasks, job.images, shard, how, setup.keeping.fresh, skip)


def open_all(setup: Setup, shard: Shard) -> tuple[Images, list[Model]]:
    """The images, labelled in the models' classes, and the models. Raises UserError."""
    images = setup.opened()
    if images.right and setup.numbers.restrict_classes:
        raise UserError("--restrict-classes: with several right labels an image all classes compete; leave it out")
    models = open_models(setup.nets, setup.numbers, setup.computation, images, shard)
    (images,) = surveyed([same_classes(images, models)], shard)
    return images, models


def surveyed(sets: Sequence[Images], shard: Shard) -> list[Images]:
    """Sets that only the first of several workers reads in full: its digests go where their outline is its.

    What it finds of other sets in the same turn goes with it.
    """
    if shard.world == 1:
        return list(sets)
    if shard.first:
        shard.handed = (shard.handed or {}) | {images.outline: images.surveyed for images in sets}
        return list(sets)
    found = [(images, shard.handed.get(images.outline)) for images in sets]
    return [images.surveyed_by(theirs) if theirs else images for images, theirs in found]


def open_models(
    nets: Sequence[Entrant], numbers: Numbers, computation: Computation, images: Images | None, shard: Shard
) -> list[Model]:
    """Nets with their weights, on this process's device; `auto` weights go by the images. Raises UserError."""
    device = pick_device(computation.device, shard.local_rank)
    precision = Precision(numbers.dtype)
    precision.check(device)
    if precision.slow_on(device):
        note(SLOW_BF16)
    engine = Engine(computation.engine)
    engine.check(device, precision)
    models = []
    for each in nets:
        if isinstance(each, Model):
            models.append(_kept(each, numbers, computation))
            continue
        with busy(f"opening {each.name}"):
            if isinstance(each, GivenNet):
                own = each.device if computation.device == "auto" else None
                model = open_given(each, own or device, precision, numbers.map_rule)
            else:
                place = choose_weights(each.weights, each.name, images)
                each = replace(each, weights=place, classes=_own_classes(each, images))
                model = open_model(each, device, precision, numbers.map_rule)
        models.append(replace(model, engine=engine))
    return models


def _own_classes(net: NetSpec, images: Images | None) -> tuple[str, ...] | None:
    """Names that a request has for a net's classes, unless they are the data's, which labels are then matched by."""
    return None if images and images.named and images.classes == net.classes else net.classes


def _kept(model: Model, numbers: Numbers, computation: Computation) -> Model:
    """A model that is open already. Raises UserError where it is another by now, or another is asked for."""
    if state_of(model.net) != model.opened:
        raise UserError(
            f"model '{model.name}': its net was trained or changed since its weights were read; give its net, or load "
            "it anew"
        )
    for name, value, usual, has in (
        ("dtype", numbers.dtype, Numbers.dtype, model.precision.name),
        ("map", numbers.map_rule, Numbers.map_rule, model.map_rule),
        ("device", computation.device, Computation.device, str(model.device)),
        ("engine", computation.engine, Computation.engine, model.engine.name),
    ):
        if value not in (usual, has):
            raise UserError(f"{name} '{value}': model '{model.name}' was loaded with '{has}'; load it with {value}")
    return model
