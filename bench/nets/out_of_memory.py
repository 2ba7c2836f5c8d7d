"""Lack of memory: how it is told from other errors, and what can be done before the next attempt."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bench.errors import UserError

# How it is said where torch has no type for it: by its allocators, CUDA's libraries, oneDNN, Metal, SYCL, ONNX Runtime
WORDS = re.compile(
    r"DefaultCPUAllocator: (can't allocate|not enough) memory|std::bad_alloc|bad allocation"
    r"|[Cc]annot allocate memory|\bout of memory\b|OUT_OF_MEMORY|_STATUS_\w*ALLOC(ATION)?_FAILED"
    r"|Unable to find a valid cuDNN algorithm"  # for want of room to work in
    r"|Failed to allocate memory for requested buffer"
    r"|could not create a (memory object|primitive)"
    r"|_ERROR_OUT_OF_(DEVICE_MEMORY|HOST_MEMORY|RESOURCES)"
)
ERRORS = (RuntimeError, MemoryError)  # what `out_of_memory` is asked about; torch's own type is a RuntimeError


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, the device's or the host's, and nothing else."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(WORDS.search(str(error)))


def release(device: torch.device) -> None:
    """Give back what the device keeps of freed memory, in pieces too small for what comes next."""
    gc.collect()  # an error that stands in a cycle still holds what was computed
    empty = getattr(getattr(torch, device.type, None), "empty_cache", None)
    if empty:
        empty()


@contextmanager
def enough_memory(what: str, remedy: str) -> Iterator[None]:
    """Raise UserError, one line that quotes torch, where memory runs out."""
    try:
        yield
    except ERRORS as error:
        if not out_of_memory(error):
            raise
        raise UserError(f"{what} does not fit into memory ({brief(error)}); {remedy}") from None


def brief(error: BaseException) -> str:
    """What an error says first, in one line."""
    return " ".join(str(error).split())[:120] or type(error).__name__
