"""What a net cannot compute in a number format, said in a line with what helps."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bench.errors import UserError
from bench.nets.device import Precision
from bench.nets.out_of_memory import brief
from bench.nets.overflow import Float16OverflowError


@contextmanager
def formats_refused(name: str, precision: Precision, device: torch.device) -> Iterator[None]:
    """Around what a net computes. Raises UserError where it leaves float16's range, or torch has no such kernel."""
    try:
        yield
    except Float16OverflowError as error:
        raise UserError(
            f"dtype 'fp16': {name} overflows behind {error}: what follows would be zeros or infinities; "
            "give --dtype bf16 or fp32"
        ) from None
    except NotImplementedError as error:
        remedy = "--device cpu" if precision.name == "fp32" else "--dtype fp32"
        raise UserError(
            f"dtype '{precision.name}': {name} cannot run in it on {device.type}; give {remedy} ({brief(error)})"
        ) from None
