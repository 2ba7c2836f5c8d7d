"""Which net with which weights, as a plain value."""

from dataclasses import dataclass

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets import zoo
from protocols.scales import TrainingScale


@dataclass(frozen=True)
class NetSpec:
    """A net to be evaluated: its name, where its weights are, and what these may not say themselves.

    `weights` is a place as `--weights` takes it, or "auto": what suits the images. `key` is the state dict that is
    meant of several in one file, `side` that of the crops in pixels; `drop` the class that is left out; `whole` says
    that all of 1001 are meant. Raises UserError for what no net can be.
    """

    name: str
    weights: str = "auto"
    key: str | None = None
    S: TrainingScale | None = None
    pixels: Pixels | None = None
    side: int | None = None
    drop: int | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", zoo.canonical(self.name))
        if self.side is not None and self.side < 1:
            raise UserError(f"--side '{self.side}': give a whole number above 0")
        if self.drop is not None and self.drop < 0:
            raise UserError(f"--drop-class '{self.drop}': give the index of a class of the net, from 0, or none")
