"""The twelve nets of Table 3, each trained by a `bench.train` of its own once the net that it starts from is there."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import UserError
from bench.folders import writable
from bench.images.sources import open_data
from bench.progress import note
from bench.train.defaults import RATE, VALIDATED, WIDTH
from bench.train.processes import PlannedTraining, train_nets
from bench.train.training_request import TrainingRequest, option


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
# What may be said of all of them; the rest the paper's recipe says itself.
SHARED = ("epochs", "patience", "batch", "dropout", "dtype", "device", "workers")
DATA = ("data", "split", "seed", "class_order", "labels_from", "allow_duplicates", "exif", "verify")
NAMED = ("class_map", "classes", "list_columns")
TAKEN = {*SHARED, *DATA, *NAMED, "width", "rate", "threads", "half", "out", "paper", "jobs"}


def train_all(request: TrainingRequest, jobs: int | None) -> None:
    """Train the twelve nets, `jobs` at once, into one folder each; what is there already is kept. Raises UserError."""
    out = writable("--out", request.out or Path("runs/paper"))
    # rendered once, not by every training that finds it missing
    open_data(request.images, "train")
    open_data(replace(request.images, limit=VALIDATED))
    trainings = {net.name: PlannedTraining(own_request(net, request, out), net.start) for net in NETS}
    train_nets(trainings, out, jobs, request.threads)
    note(f"the twelve nets are in {out}/*/weights.safetensors")


def own_request(net: PaperNet, request: TrainingRequest, out: Path) -> TrainingRequest:
    """What the training of one net is asked to be."""
    rate = (request.rate or RATE["sgd"]) * net.share
    return TrainingRequest(
        model=net.configuration,
        S=net.S,
        rate=float(f"{rate:g}"),
        images=request.images,
        half=True,
        width=request.width or WIDTH,
        init=str(out / net.start / "weights.safetensors") if net.start else None,
        **{name: getattr(request, name) for name in SHARED},
    )


def refuse_others(given: Iterable[str]) -> None:
    """Raise UserError for options that the paper's recipe says itself; `given` are those that are not as usual."""
    for name in given:
        if name not in TAKEN:
            raise UserError(f"--paper: the twelve nets have the paper's own {option(name)}; leave it out")
