"""Train the systems, evaluate them under each protocol, and judge what is claimed of them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.engine.evaluated import Evaluated
from bench.engine.header import about_images, sentences
from bench.engine.job import complete, make_job, open_all
from bench.engine.request import Computation, Keeping, Numbers, Setup
from bench.engine.rows import Row
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.folders import made, writable, writing_to
from bench.images.sources import DataSpec, open_data
from bench.nets.model import Model
from bench.nets.net_spec import NetSpec
from bench.nets.reading import read_weights
from bench.progress import note
from bench.provenance import provenance
from bench.systems.systems import CACHED, PLAIN, SETS, SYSTEM_CLAIMS, SYSTEMS, System
from bench.train.processes import PlannedTraining, train_nets
from bench.train.training_request import TrainingRequest, typed
from protocols.protocol import Protocol, parse
from protocols.scales import in_proportion
from results.claims import Claim, judge
from results.replacing import keep_larger
from results.systems_table import Judged, Measured, Section, Trained, write_systems
from results.tally import Tally

PROTOCOLS = ("centre", "dense", "multicrop")


@dataclass(frozen=True)
class SystemsRequest:
    """Which sets are there, by option of `bench.systems`, how they are opened and evaluated, and where nets come from.

    `data` is each set without a limit; `limit` the validation images that are evaluated. `features` are the weights
    that frozen nets start from (None: these nets are left out), with `key` and `pixels` where they do not say them.
    """

    data: Mapping[str, DataSpec]
    limit: int | None
    features: str | None
    key: str | None
    pixels: str | None
    numbers: Numbers
    computation: Computation
    keeping: Keeping
    jobs: int | None
    threads: int | None
    runs: Path
    out: Path
    replace: bool

    def __post_init__(self) -> None:
        if not self.data:
            raise UserError(f"no images: give at least one of {', '.join(f'--{name} SET' for name in SETS)}")

    def setup(self, data: DataSpec, nets: Sequence[NetSpec]) -> Setup:
        """Nets on the validation images of one set."""
        return Setup(
            nets=nets,
            images=replace(data, limit=self.limit),
            numbers=self.numbers,
            computation=self.computation,
            keeping=self.keeping,
        )


def run(request: SystemsRequest) -> None:
    """Train what is not trained, evaluate what is not stored, and write `systems.md` and `.csv`. Raises UserError."""
    for data in request.data.values():
        open_data(data, "train")
    # before anything is trained
    for option, folder in {"runs": request.runs, "out": request.out}.items():
        writable(f"--{option}", folder)
    if request.keeping.store:
        made("--store", request.keeping.store)
    opened = {name: open_data(replace(data, limit=request.limit)) for name, data in request.data.items()}
    if request.features:
        read_weights(request.features, key=request.key)
    systems = [each for each in SYSTEMS if each.data in request.data and (request.features or not each.frozen)]
    if not request.replace:
        by_name = {opened[each.data].name: len(opened[each.data]) for each in systems}
        keep_larger([request.out / "systems.csv"], sum(by_name.values()))
    trainings = {each.name: _training(each, request) for each in systems}
    train_nets(trainings, request.runs, request.jobs, request.threads)
    by_data = {name: [each for each in systems if each.data == name] for name in request.data}
    sections = [_section(own, request.data[name], request) for name, own in by_data.items() if own]
    writing_to(request.out, lambda: write_systems(sections, request.out, provenance()))
    note(f"written to {request.out}/systems.md and .csv")


def _training(system: System, request: SystemsRequest) -> PlannedTraining:
    own = dict(system.recipe)
    if system.frozen:
        own |= {"init": request.features, "pixels": request.pixels, "weights_key": request.key}
    images = replace(request.data[system.data], limit=own.pop("limit", None))
    asked = TrainingRequest(model=system.model, images=images, device=request.computation.device, **own)
    # kept features are timed against the frozen net: one after the other, not beside one another
    return PlannedTraining(asked, PLAIN if system.name == CACHED else None)


def _section(systems: Sequence[System], data: DataSpec, request: SystemsRequest) -> Section:
    """The systems of one data set, evaluated and judged."""
    rows, found = _evaluated(systems, data, request)
    results = {key: found.results[row] for key, row in rows.items()}
    tallies = {key: found.tallies[row] for key, row in rows.items()}
    measured = [
        Measured(
            _trained(each, rows[each.name, PROTOCOLS[0]].nets[0][0], request.runs),
            {protocol: results[each.name, protocol] for protocol in PROTOCOLS},
        )
        for each in systems
    ]
    found.warn()
    clear = {key: counted for key, counted in tallies.items() if results[key].clean}
    first, *notes = about_images(found.job.images, found.job.models[0].count)
    title = "; ".join([first, *(note.removeprefix("- Data: ") for note in notes)])
    return Section(title, measured, _judged(clear), _alike(tallies, request.runs))


def _evaluated(
    systems: Sequence[System], data: DataSpec, request: SystemsRequest
) -> tuple[dict[tuple[str, str], Row], Evaluated]:
    """The rows by (system, protocol), and what came out of them."""
    specs = [NetSpec(each.model, str(_weights(each.name, request.runs))) for each in systems]
    setup = request.setup(data, specs)
    with Shard() as shard:
        images, models = open_all(setup, shard)
        rows = {
            (each.name, protocol): Row(((model, _at_one_Q(protocol, model)),))
            for each, model in zip(systems, models, strict=True)
            for protocol in PROTOCOLS
        }
        job = make_job(setup, images, models, list(rows.values()))
        note("\n".join(sentences(models, images)))
        complete(job, setup, shard)
    return rows, Evaluated(job)


def _at_one_Q(protocol: str, model: Model) -> Protocol:
    return parse(protocol, model.S, (in_proportion(256, model.side),), model.side)


def _trained(system: System, model: Model, runs: Path) -> Trained:
    with (runs / system.name / "log.csv").open() as lines:
        seconds = [float(epoch["seconds"]) for epoch in csv.DictReader(lines)]
    parameters = sum(value.numel() for value in model.net.parameters())
    told, width = " ".join(typed(system.recipe)), model.weights.width
    return Trained(system.name, model.name, width, parameters, told, len(seconds), sum(seconds))


def _judged(tallies: Mapping[tuple[str, str], Tally]) -> list[Judged]:
    """What is claimed of two systems of this data set, under each protocol."""
    found = []
    for each in SYSTEM_CLAIMS:
        for protocol in PROTOCOLS:
            if (each.first, protocol) in tallies and (each.second, protocol) in tallies:
                wrong = [tallies[name, protocol].ranks >= 1 for name in (each.first, each.second)]
                claim = Claim(each.text, each.source, "better", (each.first,), (each.second,))
                found.append(Judged(protocol, judge(claim, *wrong)))
    return found


def _alike(tallies: Mapping[tuple[str, str], Tally], runs: Path) -> str | None:
    """How far the net trained on kept features is from the one that computed them in every epoch."""
    if (CACHED, "centre") not in tallies:
        return None
    states = [read_weights(str(_weights(name, runs))).state for name in (CACHED, PLAIN)]
    largest = max(float((one - states[1][name]).abs().max()) for name, one in states[0].items())
    differing = [int(np.sum(tallies[CACHED, each].ranks != tallies[PLAIN, each].ranks)) for each in PROTOCOLS]
    return (
        f"{CACHED} against {PLAIN}: the largest difference of a weight is {largest:.1e}; the true class has another "
        f"rank on {', '.join(map(str, differing))} images under {', '.join(PROTOCOLS)}."
    )


def _weights(name: str, runs: Path) -> Path:
    return runs / name / "weights.safetensors"
