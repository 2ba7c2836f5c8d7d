"""Which tensors of a net are stored in half precision: those where that changes no prediction."""

from collections.abc import Callable

import torch
from torch import nn


@torch.no_grad()
def halve(net: nn.Module, predictions: Callable[[], torch.Tensor]) -> set[str]:
    """Round parameters to half precision, the largest first, and keep what leaves all predictions as they were.

    `predictions` runs the net. Returns the names of the rounded ones, which a file can hold in 16 bits without loss.
    """
    before = predictions()
    rounded = set()
    for name, value in sorted(net.named_parameters(), key=lambda item: -item[1].numel()):
        exact = value.clone()
        value.copy_(value.half())
        if torch.equal(predictions(), before):
            rounded.add(name)
        else:
            value.copy_(exact)
    return rounded
