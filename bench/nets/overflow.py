"""What leaves float16's range while a net computes, and would come out as a finite number all the same.

Behind an activation that is infinite stand zeros or ones that nobody can tell from a net's own: x / inf, a sigmoid of
it, or a rectified -inf. So every value that torch's functions give within `watched` is looked at, in one pass over it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# What gives memory without values yet
BLANK = (
    *(torch.empty, torch.empty_like, torch.empty_strided),
    *(torch.Tensor.new_empty, torch.Tensor.new_empty_strided),
)


class Float16OverflowError(ArithmeticError):
    """The message is the name of the layer behind which it was found."""


def watched(net: nn.Module, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
    """What `compute`, which calls `net` or parts of it, gives. Raises Float16OverflowError."""
    with _Watch({id(value): name.rpartition(".")[0] for name, value in net.named_parameters()}) as watch:
        found = compute()
    if watch.extremes:
        fine = torch.stack(watch.extremes).isfinite().all(1)
        if not fine.all():
            raise Float16OverflowError(watch.layers[int(fine.int().argmin())])
    return found


class _Watch(TorchFunctionMode):
    """Notes the extremes of everything in float16, and by the parameters that were used last behind which layer."""

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__()
        self.names = names
        self.layer = "its input"
        self.layers: list[str] = []
        self.extremes: list[torch.Tensor] = []

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        value = function(*args, **(kwargs or {}))
        given = [each for each in (*args, *(kwargs or {}).values()) if isinstance(each, torch.Tensor)]
        self.layer = next((self.names[id(each)] for each in given if id(each) in self.names), self.layer)
        halves = isinstance(value, torch.Tensor) and value.dtype == torch.float16 and function not in BLANK
        if halves and value.numel():
            self.layers.append(self.layer)
            self.extremes.append(torch.stack(value.aminmax()))
        return value
