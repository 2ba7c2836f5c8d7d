"""One run, from options to written tables."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench import zoo
from bench.cache import cache_folder
from bench.classes import reconcile
from bench.data import Images
from bench.device import Precision, pick_device
from bench.errors import UserError
from bench.evaluate import fill
from bench.header import header
from bench.model import Model, make_model
from bench.parts import Batch
from bench.pixels import parse_pixels
from bench.plan import plan
from bench.provenance import provenance
from bench.rows import Row, result_of, rows_of, tasks_of
from bench.shard import Shard
from bench.sources import open_data
from bench.weights import choose_weights, read_weights
from protocols.protocol import Protocol, parse, parse_Q
from protocols.scales import parse_S
from results.table import markdown, write

T = TypeVar("T")


def run(options: Namespace) -> int:
    """Evaluate what was asked for and write the tables; the first process prints. Raises UserError and its like."""
    with Shard() as shard:
        images = shard.in_turn(lambda: open_data(options.data)).limit(_limit(options.limit))
        models = shard.in_turn(lambda: _models(options, images, shard))
        images = _same_classes(images, models)
        rows = rows_of(models, _protocols(options, models), options.fuse)
        root = _writable(options.store or cache_folder() / "store")
        tasks = tasks_of(rows, images, root)
        for task in tasks.values():
            task.model.check(task.part, images.ids[0])
        if options.dry_run:
            if shard.first:
                print(plan(list(tasks.values()), images))
            return 0
        lines = header(models, images, options)
        if shard.first:
            print("\n".join(lines), file=sys.stderr)
        batch = Batch(_batch(options.batch_size), models[0].device)
        fill(list(tasks.values()), images, shard, batch, _threads(options.workers), options.fresh, options.skip_corrupt)
        if shard.first:
            _report(options, rows, tasks, images, lines)
    return 0


def _report(options: Namespace, rows: Sequence[Row], tasks, images: Images, lines: Sequence[str]) -> None:
    scored = np.unique(images.labels) if options.restrict_classes else None
    posteriors = options.out / "posteriors" if options.save_posteriors else None
    results = [result_of(row, tasks, images, scored, provenance(), posteriors) for row in rows]
    try:
        write(results, options.out, lines)
    except OSError as error:
        raise UserError(f"cannot write to {options.out}: {error.strerror}; give --out DIR") from None
    print(markdown(results))
    print(f"written to {options.out}/results.csv, .json and .md", file=sys.stderr)


def _models(options: Namespace, images: Images, shard: Shard) -> list[Model]:
    names = [zoo.canonical(name) for name in options.model.split(",")]
    specs = options.weights.split(",")
    if len(specs) == 1 and len(names) > 1 and specs[0] == "auto":
        specs = specs * len(names)
    if len(specs) != len(names):
        raise UserError(
            f"weights '{options.weights}': {len(specs)} for {len(names)} models; give one per model, or auto"
        )
    device = pick_device(options.device, shard.local_rank)
    precision = Precision(options.dtype)
    precision.set_up(device)
    pixels = _parsed(parse_pixels, options.pixels)
    S = _parsed(parse_S, options.S)
    models = []
    for name, spec in zip(names, specs, strict=True):
        weights = read_weights(choose_weights(spec, name, images), name)
        models.append(make_model(name, weights, pixels, S, device, precision, options.map))
    return models


def _same_classes(images: Images, models: Sequence[Model]) -> Images:
    """Labels as indices of the models' classes; several models must agree."""
    seen = [reconcile(images, model.count, model.weights.classes, model.weights.source) for model in models]
    for model, other in zip(models[1:], seen[1:], strict=True):
        if model.count != models[0].count or not np.array_equal(other.labels, seen[0].labels):
            raise UserError(
                f"models '{models[0].name}' and '{model.name}' order their classes differently and cannot be compared; "
                "run them one by one"
            )
    return seen[0]


def _protocols(options: Namespace, models: Sequence[Model]) -> list[list[Protocol]]:
    Q = parse_Q(options.Q) if options.Q else None
    return [[parse(item.strip(), model.S, Q) for item in options.protocol.split(",")] for model in models]


def _parsed(parse: Callable[[str], T], text: str | None) -> T | None:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UserError(str(error)) from None


def _whole_number(option: str, text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"{option} '{text}': give a whole number above 0")
    return int(text)


def _limit(text: str | None) -> int | None:
    return None if text in (None, "all") else _whole_number("--limit", text)


def _batch(text: str) -> int | None:
    return None if text == "auto" else _whole_number("--batch-size", text)


def _threads(count: int | None) -> int:
    return min(8, os.cpu_count() or 1) if count is None else _whole_number("--workers", str(count))


def _writable(root: Path) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"store '{root}': {error.strerror}; give --store DIR where blocks can be kept") from None
    return root
