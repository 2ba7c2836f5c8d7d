"""Train the systems, evaluate them under each protocol, and judge what is claimed of them."""

import csv
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.engine.header import about_images
from bench.engine.job import complete, make_job, open_images, open_models, same_classes, warn_of
from bench.engine.rows import Row
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.sources import data_spec, has_parts, open_data
from bench.nets import zoo
from bench.nets.model import Model
from bench.nets.net_spec import NetSpec
from bench.nets.weights import read_weights
from bench.options import made, writable, writing_to
from bench.provenance import provenance
from bench.run.__main__ import parser as run_parser
from bench.systems.nets import CACHED, PLAIN, SETS, SYSTEM_CLAIMS, SYSTEMS, System
from bench.train.processes import Training, train_nets
from protocols.protocol import Protocol, parse
from protocols.scales import in_proportion
from results.claims import Claim, compare
from results.replacing import keep_larger
from results.result import Result
from results.systems_table import Judged, Measured, Section, Trained, write_systems
from results.tally import Tally

PROTOCOLS = ("centre", "dense", "multicrop")


def run(options: Namespace) -> int:
    """Train what is not trained, evaluate what is not stored, and write `systems.md` and `.csv`. Raises UserError."""
    sets = _sets(options)
    # before anything is trained
    for name in ("runs", "out"):
        writable(f"--{name}", getattr(options, name))
    if options.store:
        made("--store", options.store)
    opened = {name: open_images(_own(data, options)) for name, data in sets.items()}
    if options.features:
        read_weights(options.features, key=options.weights_key)
    systems = [each for each in SYSTEMS if each.data in sets and (options.features or not each.frozen)]
    if not options.replace:
        by_name = {opened[each.data].name: len(opened[each.data]) for each in systems}
        keep_larger([options.out / "systems.csv"], sum(by_name.values()))
    train_nets(
        {each.name: _training(each, sets[each.data], options) for each in systems},
        options.runs,
        options.jobs,
        options.threads,
    )
    by_data = {data: [each for each in systems if each.data == data] for data in sets}
    sections = [_section(own, sets[data], options) for data, own in by_data.items() if own]
    writing_to(options.out, lambda: write_systems(sections, options.out, provenance()))
    print(f"written to {options.out}/systems.md and .csv", file=sys.stderr)
    return 0


def _sets(options: Namespace) -> dict[str, str]:
    """The data that were given, by option. Raises UserError where there are none, or some cannot be read."""
    given = {name: getattr(options, name) for name in SETS}
    given["objects"] = given["objects"] or given["flowers"]
    sets = {name: data for name, data in given.items() if data}
    if not sets:
        raise UserError(f"no images: give at least one of {', '.join(f'--{name} SET' for name in SETS)}")
    if options.split and all(map(has_parts, sets.values())):
        raise UserError(f"--split {options.split:g}: every set has parts of its own; leave --split out")
    for data in sets.values():
        open_data(replace(data_spec(_own(data, options)), limit=None), "train")
    return sets


def _split(data: str, options: Namespace) -> float | None:
    """The share of --split, for sets that have no parts of their own."""
    return None if has_parts(data) else options.split


def _training(system: System, data: str, options: Namespace) -> Training:
    words = ["--model", system.model, "--device", options.device, *system.recipe.split()]
    words += data_spec(_own(data, options)).words
    if system.frozen:
        words += ["--init", options.features]
        given = {"--pixels": options.pixels, "--weights-key": options.weights_key}
        words += [word for option, value in given.items() if value for word in (option, value)]
    epochs = words[words.index("--epochs") + 1].split(",")
    # kept features are timed against the frozen net: one after the other, not beside one another
    return Training(words, sum(map(int, epochs)), PLAIN if system.name == CACHED else None)


@dataclass(frozen=True)
class Evaluated:
    """The systems of one data set by name, and by (name, protocol) what came out."""

    data: str
    models: Mapping[str, Model]
    tallies: Mapping[tuple[str, str], Tally]
    results: Mapping[tuple[str, str], Result]


def _section(systems: Sequence[System], data: str, options: Namespace) -> Section:
    """The systems of one data set, evaluated and judged."""
    found = _evaluated(systems, data, options)
    measured = [
        Measured(
            _trained(each, found.models[each.name], options),
            {protocol: found.results[each.name, protocol] for protocol in PROTOCOLS},
        )
        for each in systems
    ]
    warn_of(list(found.results.values()))
    clear = {key: counted for key, counted in found.tallies.items() if found.results[key].clean}
    return Section(found.data, measured, _judged(clear), _alike(found.tallies, options))


def _evaluated(systems: Sequence[System], data: str, options: Namespace) -> Evaluated:
    own = _own(data, options)
    with Shard() as shard:
        images = open_images(own)
        specs = [NetSpec(zoo.canonical(each.model), str(_weights(each.name, options))) for each in systems]
        models = open_models(own, specs, shard)
        images = same_classes(images, models)
        by_name = {each.name: model for each, model in zip(systems, models, strict=True)}
        rows = {
            (name, protocol): Row(((model, _at_one_Q(protocol, model)),))
            for name, model in by_name.items()
            for protocol in PROTOCOLS
        }
        job = make_job(own, images, models, list(rows.values()))
        complete(job, own, shard)
    counted = job.tallies(own)
    tallies = {key: counted[row] for key, row in rows.items()}
    results = {key: job.result(row, counted[row], own) for key, row in rows.items()}
    first, *notes = about_images(images)
    return Evaluated("; ".join([first, *(note.removeprefix("- Data: ") for note in notes)]), by_name, tallies, results)


def _own(data: str, options: Namespace) -> Namespace:
    """The options of `bench.run` on one set; the trained nets say their pixels."""
    usual = vars(run_parser().parse_args([]))
    return Namespace(**{**usual, **vars(options), "data": data, "split": _split(data, options), "pixels": None})


def _at_one_Q(protocol: str, model: Model) -> Protocol:
    return parse(protocol, model.S, (in_proportion(256, model.side),), model.side)


def _trained(system: System, model: Model, options: Namespace) -> Trained:
    with (options.runs / system.name / "log.csv").open() as lines:
        seconds = [float(epoch["seconds"]) for epoch in csv.DictReader(lines)]
    parameters = sum(value.numel() for value in model.net.parameters())
    return Trained(system.name, model.name, model.weights.width, parameters, system.recipe, len(seconds), sum(seconds))


def _judged(tallies: Mapping[tuple[str, str], Tally]) -> list[Judged]:
    """What is claimed of two systems of this data set, under each protocol."""
    found = []
    for each in SYSTEM_CLAIMS:
        for protocol in PROTOCOLS:
            if (each.first, protocol) in tallies and (each.second, protocol) in tallies:
                wrong = [tallies[name, protocol].ranks >= 1 for name in (each.first, each.second)]
                claim = Claim(each.text, each.source, "better", (each.first,), (each.second,))
                found.append(Judged(protocol, compare(claim, *wrong)))
    return found


def _alike(tallies: Mapping[tuple[str, str], Tally], options: Namespace) -> str | None:
    """How far the net trained on kept features is from the one that computed them in every epoch."""
    if (CACHED, "centre") not in tallies:
        return None
    states = [read_weights(str(_weights(name, options))).state for name in (CACHED, PLAIN)]
    largest = max(float((one - states[1][name]).abs().max()) for name, one in states[0].items())
    differing = [int(np.sum(tallies[CACHED, each].ranks != tallies[PLAIN, each].ranks)) for each in PROTOCOLS]
    return (
        f"{CACHED} against {PLAIN}: the largest difference of a weight is {largest:.1e}; the true class has another "
        f"rank on {', '.join(map(str, differing))} images under {', '.join(PROTOCOLS)}."
    )


def _weights(name: str, options: Namespace) -> Path:
    return options.runs / name / "weights.safetensors"
