"""Nets compiled by torch: one pass over the maps behind a convolution, not one for bias, activation and pooling each.

Convolutions and products stay those of the device's library, which are as fast as any; so neither kernels are tried
against each other, which takes many minutes, nor are graphs of CUDA recorded, which would save microseconds a layer of
batches that take milliseconds.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import torch
from torch import nn

from bench.nets.device import Precision
from bench.nets.layers import hooks_of, scripted
from bench.nets.out_of_memory import brief, out_of_memory
from bench.progress import warn

BACKEND = "inductor"
FORMS = 64  # of one class of nets, such as the paper's, that may be compiled in one process


def uncompilable(net: nn.Module, precision: Precision) -> str | None:
    """Why a net has to be run layer by layer, None where it has not: what goes on between layers is in no graph."""
    if precision.name == "fp16":
        return "fp16 is watched layer by layer for what leaves its range"
    if precision.name == "tf32":
        return "its last layer is kept out of tf32"
    if scripted(net):
        return "torch.jit made layers of it"
    return "its layers have hooks" if hooks_of(net) else None


class Compiled:
    """A net compiled for batches of any length, of images of one size, or with `sizes` of any."""

    def __init__(self, name: str, net: nn.Module, sizes: bool) -> None:
        self.name, self.net = name, net
        self.dynamic = (0, 2, 3) if sizes else (0,)
        self.given_up: str | None = None  # why
        self.told = False

    @cached_property
    def run(self) -> Callable[[torch.Tensor], torch.Tensor]:
        return torch.compile(self.net, fullgraph=True, backend=BACKEND)

    def begin(self, images: torch.Tensor) -> bool:
        """Compile it now, with two images or more of a size that it may see; whether that could be done."""
        with _unheard(), torch._dynamo.config.patch(cache_size_limit=FORMS):
            self._compute(images)
        self._tell()
        return not self.given_up

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """What the net gives of a batch. Where it cannot be compiled one line says why, and it runs layer by layer."""
        found = self._compute(batch)
        self._tell()
        return found

    def _compute(self, batch: torch.Tensor) -> torch.Tensor:
        if self.given_up:
            return self.net(batch)
        if len(batch) == 1:  # one and several would be compiled apart
            return self._compute(torch.cat([batch, batch]))[:1]
        for dim in self.dynamic:
            torch._dynamo.maybe_mark_dynamic(batch, dim)
        try:
            return self.run(batch)
        except Exception as error:  # no compiler, no Triton, or what it does not know: of any kind
            if out_of_memory(error):
                raise
            found = self.net(batch)  # raises what is the net's own fault
            self.given_up = brief(error)
            return found

    def _tell(self) -> None:
        """Where it is heard: torch's own warnings, which are not, are ignored as it compiles."""
        if self.given_up and not self.told:
            self.told = True
            warn(f"{self.name} is not compiled, and runs layer by layer: {self.given_up}")


@contextmanager
def _unheard() -> Iterator[None]:
    """What torch logs and warns of while it compiles is not for users; what fails is raised."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "torch"]
    handlers = {each: each.level for name in ("torch", *names) for each in logging.getLogger(name).handlers}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for each in handlers:
                each.setLevel(logging.CRITICAL)
            yield
    finally:
        for each, level in handlers.items():
            each.setLevel(level)
