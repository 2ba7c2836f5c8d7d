"""Floating-point operations of nets, counted by torch on shapes alone."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.nets import zoo


def net_flops(name: str, width: float) -> int:
    """Floating-point operations of one view: twice the multiply-adds."""
    side = zoo.side_of(name)
    with FlopCounterMode(display=False) as counter:
        zoo.build(name, 1000, width)(torch.empty(1, zoo.channels_of(name), side, side, device="meta"))
    return counter.get_total_flops()
