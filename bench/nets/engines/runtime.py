"""What a runtime offers, and a net as it computes it."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import nn

from bench.nets.engines.exporting import Graph

Compute = Callable[[torch.Tensor], torch.Tensor]  # contiguous float32 (N, C, H, W) on the device to scores on the host


class Runtime(Protocol):
    """One of this folder's files: how its library is asked for, and how it opens a graph."""

    device: str  # the kind of device that it computes on

    def version(self) -> str:
        """Of the installed library. Raises UserError, which names the extra, where there is none."""

    def opened(self, graph: Graph, device: torch.device, at_once: int) -> Compute:
        """A graph made ready, in float32 and nothing less.

        So many calls are computed at once, which share torch's number of threads on a CPU. Raises what the library
        raises.
        """


class Opened(nn.Module):
    """A net in a runtime, called as the net is: float32 (N, C, H, W) on the device, scores in host memory."""

    def __init__(self, compute: Compute) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Raises RuntimeError, as torch does, where the runtime cannot."""
        try:
            return self.compute(images.contiguous())
        except Exception as error:  # runtimes have types of their own, of which nobody below knows
            raise RuntimeError(str(error)) from error
