"""Floating-point operations of nets, counted by torch on shapes alone."""

import torch
from torch import nn

from bench.nets import zoo


def net_flops(name: str, width: float) -> int:
    """Floating-point operations of one view of a net by name, with 1000 classes."""
    side = zoo.side_of(name)
    return counted_flops(zoo.build(name, 1000, width), (zoo.channels_of(name), side, side))


def counted_flops(meta: nn.Module, shape: tuple[int, int, int]) -> int:
    """Floating-point operations of a net without storage for one image (channels, height, width).

    They are twice the multiply-adds.
    """
    from torch.utils.flop_counter import FlopCounterMode  # imports a compiler

    with FlopCounterMode(display=False) as counter:
        meta(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops()
