"""Batches made on a CUDA device while it computes on the one before."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

T = TypeVar("T")


def made_beside(
    batches: Iterable[T], make: Callable[[T], tuple[torch.Tensor, ...]], device: torch.device
) -> Iterator[tuple[torch.Tensor, ...]]:
    """What `make` makes of each batch on the device, on a stream of its own; the caller's stream waits for it.

    Two are there at most: the one at work, and the next.
    """
    beside, own = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    work: list[torch.cuda.Event] = []  # done when the device is done with a batch
    for batch in batches:
        for finished in work[:-1]:
            finished.synchronize()  # else the host would run ahead, and fill the device with batches
        with torch.cuda.stream(beside):
            made = make(batch)
        own.wait_stream(beside)
        for each in made:
            each.record_stream(own)  # so that its memory is not taken while it is at work
        yield made
        work = [*work[-1:], own.record_event()]
