"""The twelve nets of Table 3, each trained by a `bench.train` of its own once the net that it starts from is there."""

import sys
from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import UserError
from bench.folders import writable
from bench.images.sources import open_data
from bench.requests import data_spec
from bench.train.__main__ import parser
from bench.train.defaults import RATE, VALIDATED, WIDTH
from bench.train.processes import Training, train_nets


@dataclass(frozen=True)
class PaperNet:
    """One of the twelve: its configuration, S, the net that it starts from, and its share of the initial rate."""

    configuration: str
    S: str
    start: str | None = None
    share: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.configuration}-{self.S}"


DEEP = ("C", "D", "E")  # the configurations that the paper trains at three S
# Section 3.1: deeper nets start from A, S=384 from S=256 at a tenth of the rate, the jittered from S=384.
NETS = (
    PaperNet("A", "256"),
    PaperNet("A-LRN", "256"),
    *(PaperNet(each, "256", start="A-256") for each in ("E", "D", "C", "B")),
    *(PaperNet(each, "384", start=f"{each}-256", share=0.1) for each in reversed(DEEP)),
    *(PaperNet(each, "256-512", start=f"{each}-384") for each in reversed(DEEP)),
)
# What one `bench.train` is told that all of them are told.
SHARED = ("epochs", "patience", "batch", "dropout", "device", "workers")
DATA = ("data", "split", "seed", "class_order", "labels_from", "allow_duplicates", "exif")
TAKEN = {*SHARED, *DATA, "width", "rate", "paper", "jobs", "threads", "half", "out"}  # of all options


def train_all(options: Namespace) -> int:
    """Train the twelve nets, several at once, into one folder each; what is there already is kept. Raises UserError."""
    _refuse_others(options)
    out = writable("--out", options.out or Path("runs/paper"))
    # rendered once, not by every training that finds it missing
    data = data_spec(options)
    open_data(data, "train")
    open_data(replace(data, limit=VALIDATED))
    trainings = {net.name: Training(words(net, options, out), sum(options.epochs), net.start) for net in NETS}
    train_nets(trainings, out, options.jobs, options.threads)
    print(f"the twelve nets are in {out}/*/weights.safetensors", file=sys.stderr)
    return 0


def words(net: PaperNet, options: Namespace, out: Path) -> list[str]:
    """What the training of one net is told."""
    rate, width = options.rate or RATE["sgd"], options.width or WIDTH
    told = ["--model", net.configuration, "--S", net.S, "--rate", f"{rate * net.share:g}", "--half"]
    told += ["--width", str(width)]
    if net.start:
        told += ["--init", str(out / net.start / "weights.safetensors")]
    for name in SHARED:
        value = getattr(options, name)
        told += [f"--{name}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    return told + data_spec(options).words


def _refuse_others(options: Namespace) -> None:
    """Raise UserError for what the paper's recipe says itself."""
    usual = vars(parser().parse_args([]))
    for name, value in vars(options).items():
        if name not in TAKEN and value != usual[name]:
            raise UserError(f"--paper: the twelve nets have the paper's own --{name.replace('_', '-')}; leave it out")
