"""One run, from options to written tables."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.cache import cache_folder
from bench.engine.dry_run import plan
from bench.engine.evaluate import Task, fill
from bench.engine.header import header, sentences
from bench.engine.rows import Row, Tasks, origin_of, result_of, rows_of, save_posteriors, tallies_of, tasks_of
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.classes import reconcile
from bench.images.dataset import Images
from bench.images.sources import data_spec, open_data
from bench.nets.device import Precision, pick_device
from bench.nets.model import Model, open_model
from bench.nets.net_spec import NetSpec, net_specs
from bench.options import dated, made, say, whole_number, writable, writing_to
from bench.provenance import provenance
from protocols.protocol import Protocol, parse, parse_Q
from results.result import Result, signature_id
from results.table import warnings_of, write
from results.tally import Tally
from results.terminal_table import terminal_table


@dataclass(frozen=True)
class Job:
    """What the options mean: images with labels in the models' classes, rows, and the tasks that they need."""

    images: Images
    models: Sequence[Model]
    rows: Sequence[Row]
    tasks: Tasks

    @property
    def distinct_tasks(self) -> list[Task]:
        """Each place in the store once."""
        return list({task.store.folder: task for task in self.tasks.values()}.values())

    def tallies(self, options: Namespace) -> dict[Row, Tally]:
        """Count the rows from their stored parts."""
        return tallies_of(self.rows, self.tasks, self.images, self.scored(options))

    def scored(self, options: Namespace) -> np.ndarray | None:
        """The classes that compete, where not all do."""
        return self.images.present if options.restrict_classes else None

    def result(self, row: Row, counted: Tally, options: Namespace, posteriors: Path | None = None) -> Result:
        """What the tables say of a counted row."""
        result = result_of(row, counted, self.images, options.restrict_classes, provenance(), posteriors)
        if result.posteriors:
            save_posteriors(row, self.tasks, self.images, Path(result.posteriors))
        return result


def run(options: Namespace) -> int:
    """Evaluate what was asked for and write the tables; the first process prints. Raises UserError and its like."""
    with Shard() as shard:
        job = shard.in_turn(lambda: _prepare(options, shard))
        if complete(job, options, shard) and shard.first:
            _report(options, job)
    return 0


def complete(job: Job, options: Namespace, shard: Shard) -> bool:
    """Compute what the store lacks; under --dry-run only say what that is, and return False. Raises UserError."""
    if options.dry_run:
        if shard.first:
            say(plan(job.distinct_tasks, job.images))
        return False
    if shard.first:
        print("\n".join(sentences(job.models, job.images)), file=sys.stderr)
        options.out = writable("--out", options.out or dated(Path("runs")))
    fill(job.distinct_tasks, job.images, shard, *capacity(options), options.fresh, options.skip_corrupt)
    return True


def make_job(options: Namespace, images: Images, models: Sequence[Model], rows: Sequence[Row]) -> Job:
    """Find the parts that the rows need and their places in the store. Raises UserError where a Q is too small."""
    root = made("--store", options.store or cache_folder() / "store")
    job = Job(images, models, rows, tasks_of(rows, images, root))
    for model, part in job.tasks:
        model.check(part, images.ids[0])
    return job


def open_images(options: Namespace) -> Images:
    """The images that the options name. Raises UserError."""
    return open_data(data_spec(options))


def open_models(options: Namespace, specs: Sequence[NetSpec], shard: Shard) -> list[Model]:
    """Nets with their weights, on this process's device. Raises UserError."""
    device = pick_device(options.device, shard.local_rank)
    precision = Precision(options.dtype)
    precision.set_up(device)
    return [open_model(each, device, precision, options.map) for each in specs]


def open_all(options: Namespace, shard: Shard) -> tuple[Images, list[Model]]:
    """The images, labelled in the models' classes, and the models. Raises UserError."""
    images = open_images(options)
    models = open_models(options, net_specs(options, images), shard)
    return same_classes(images, models), models


def _prepare(options: Namespace, shard: Shard) -> Job:
    images, models = open_all(options, shard)
    return make_job(options, images, models, rows_of(models, protocols_of(options, models), options.fuse))


def _report(options: Namespace, job: Job) -> None:
    posteriors = options.out / "posteriors" if options.save_posteriors else None

    def tables() -> list[Result]:
        counted = job.tallies(options)
        results = [job.result(row, counted[row], options, posteriors) for row in job.rows]
        write(results, options.out, header(job.models, job.images))
        rows = {signature_id(result.signature): row for result, row in zip(results, job.rows, strict=True)}
        origin_of(rows, job.tasks, job.images, job.scored(options), options).write(options.out)
        return results

    results = writing_to(options.out, tables)
    say(terminal_table(results, options.columns))
    warn_of(results)
    print(f"written to {options.out}/results.csv, .json and .md, with all columns and signatures", file=sys.stderr)


def warn_of(results: Sequence[Result]) -> None:
    """What speaks against the rows, on standard error."""
    for text, rows in warnings_of([result.record() for result in results]).items():
        print(f"warning: {rows}: {text}", file=sys.stderr)


def same_classes(images: Images, models: Sequence[Model]) -> Images:
    """Labels as indices of the models' classes; several models must agree. Raises UserError."""
    first = models[0]
    seen = _reconciled(images, first)
    assumed = seen.assumed
    for model in models[1:]:
        other = _reconciled(images, model)
        if model.count != first.count or not np.array_equal(other.labels, seen.labels) or _reordered(first, model):
            raise UserError(
                f"models '{first.name}' and '{model.name}' order their classes differently and cannot be compared; "
                "run them one by one"
            )
        assumed |= other.assumed
    return replace(seen, assumed=assumed)


def _reconciled(images: Images, model: Model) -> Images:
    chosen = model.whole or model.drop is not None
    return reconcile(images, model.count, model.classes, model.weights.source, whole=chosen)


def _reordered(one: Model, other: Model) -> bool:
    """Whether two nets know the same classes in different orders."""
    names, others = one.classes, other.classes
    return bool(names and others) and names != others and set(names or ()) == set(others or ())


def protocols_of(options: Namespace, models: Sequence[Model]) -> list[list[Protocol]]:
    """What `--protocol` and `--Q` mean for each model. Raises ProtocolError."""
    Q = parse_Q(options.Q) if options.Q else None
    return [[parse(item.strip(), model.S, Q, model.side) for item in options.protocol.split(",")] for model in models]


def capacity(options: Namespace) -> tuple[int | None, int]:
    """Views at once, None for what suits the device, and threads that prepare images. Raises UserError."""
    return _batch(options.batch_size), _threads(options.workers)


def _batch(text: str) -> int | None:
    return None if text == "auto" else whole_number("--batch-size", text)


def _threads(count: int | None) -> int:
    return min(8, os.cpu_count() or 1) if count is None else whole_number("--workers", str(count))
