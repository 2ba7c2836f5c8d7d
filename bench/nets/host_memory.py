"""The host's memory for a net's maps: many cores would compute more views at once than it holds."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch

from bench.cores import memory
from bench.images.memory_budget import Room

PER_PIXEL = 1 << 10  # bytes, of a view's: what VGG-16's widest layer takes, with its padding, and gives, in float32


@cache
def _maps() -> Room:
    """Half of the memory; the rest is for weights and images."""
    return Room(memory() // 2)


def room_for(pixels: int, device: torch.device) -> AbstractContextManager[None]:
    """Wait until views of so many pixels find room on the host, if it computes them, and hold it meanwhile.

    Views that need all of it go alone.
    """
    return _maps().taken(PER_PIXEL * pixels) if device.type == "cpu" else nullcontext()
