"""Where batches are computed: in the host's threads, or on a device that works on while the host does other things.

A lane brings prepared images to where they are cut, begins with a batch, and hands its results over when they are
asked for. All but a few calls is the same for every lane.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch

from bench.images.loader import Prepared
from bench.nets.out_of_memory import ERRORS, out_of_memory

Compute = Callable[[], Any]  # gives a tensor where the net is; what else it gives is handed over as it is


class Begun(Protocol):
    """A batch under way."""

    def result(self) -> Any:
        """What came of it, tensors as arrays on the host; waits for that, and raises its error."""


class Lane(Protocol):
    """`late` batches may be under way while one more is begun; with `joined` they may have views of several blocks."""

    late: int
    joined: bool

    def bring(self, image: Prepared) -> Prepared:
        """The image with its pixels where views are cut; called by the threads that prepare images."""

    def begin(self, compute: Compute) -> Begun: ...

    def settle(self) -> None:
        """Wait until nothing is under way."""


@dataclass(frozen=True)
class Done:
    """What has come of a batch."""

    value: Any

    def result(self) -> Any:
        return self.value


class Here:
    """In the thread that asks, one batch after the other: devices without memory of their own, and one thread."""

    late = 0

    def __init__(self, joined: bool) -> None:
        self.joined = joined

    def bring(self, image: Prepared) -> Prepared:
        return image

    def begin(self, compute: Compute) -> Begun:
        return Done(_on_host(compute()))

    def settle(self) -> None: ...


class Threads:
    """In so many of the host's threads, a batch each. As many again wait, so that none is idle when another is late."""

    joined = False  # on a CPU a view's numbers are the same to the bit whatever is computed beside it

    def __init__(self, pool: Executor, threads: int) -> None:
        self.pool, self.late = pool, 2 * threads
        self.under_way: set[Future[Any]] = set()

    def bring(self, image: Prepared) -> Prepared:
        return image

    def begin(self, compute: Compute) -> Begun:
        future = self.pool.submit(lambda: _on_host(compute()))
        self.under_way.add(future)
        future.add_done_callback(self.under_way.discard)
        return future

    def settle(self) -> None:
        wait(tuple(self.under_way))


class Cuda:
    """On a CUDA device: images arrive and results leave beside what is computed, and results are a batch late.

    Images go once for each way they are rescaled, as they lie in memory.
    """

    late = 1
    joined = True

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.computing = torch.cuda.current_stream(device)
        self.arriving, self.leaving = torch.cuda.Stream(device), torch.cuda.Stream(device)

    def bring(self, image: Prepared) -> Prepared:
        """Where the device has no room the image stays: its views are cut on the host."""
        try:
            with torch.cuda.stream(self.arriving):
                there = {each: self._copied(pixels) for each, pixels in image.at.items()}
        except ERRORS as error:
            if not out_of_memory(error):
                raise
            return image
        return replace(image, there=there)

    def _copied(self, pixels: torch.Tensor) -> torch.Tensor:
        lying = pixels.permute(1, 2, 0).contiguous().pin_memory()
        there = lying.to(self.device, non_blocking=True)
        there.record_stream(self.computing)  # its memory is another image's only after the net has seen it
        return there.permute(2, 0, 1)

    def begin(self, compute: Compute) -> Begun:
        self.computing.wait_stream(self.arriving)
        found = compute()
        if not isinstance(found, torch.Tensor):
            return Done(found)
        values = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
        self.leaving.wait_stream(self.computing)
        with torch.cuda.stream(self.leaving):
            values.copy_(found, non_blocking=True)
            there = torch.cuda.Event()
            there.record(self.leaving)
        found.record_stream(self.leaving)
        return Late(values, there)

    def settle(self) -> None:
        torch.cuda.synchronize(self.device)


@dataclass(frozen=True)
class Late:
    """Results on their way to the host."""

    values: torch.Tensor
    there: torch.cuda.Event

    def result(self) -> np.ndarray:
        self.there.synchronize()
        return self.values.numpy()


def lane_of(device: torch.device, pool: Executor, threads: int) -> Lane:
    """What suits a device; `pool` has so many threads for nets."""
    if device.type == "cuda":
        return Cuda(device)
    return Threads(pool, threads) if threads > 1 else Here(joined=device.type != "cpu")


def _on_host(found: Any) -> Any:
    return found.cpu().numpy() if isinstance(found, torch.Tensor) else found
