"""What lower precision must not be used for: scores and what follows them, and squares that leave float16's range."""

from contextlib import nullcontext

import torch
from torch import nn

from bench.nets.head import last_layer
from bench.nets.layers import put, tensors_of
from bench.nets.torch_settings import without_tf32


class Single(nn.Module):
    """A layer computed in float32, and so is what follows it; with `back`, what follows is as what it was given."""

    def __init__(self, layer: nn.Module, back: bool = False) -> None:
        super().__init__()
        self.layer, self.back = layer, back

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        with nullcontext() if torch.compiler.is_compiling() else without_tf32():  # nets in tf32 are not compiled
            found = self.layer(features.float())
        return found.to(features.dtype) if self.back else found


def single_tensors(net: nn.Module) -> list[torch.Tensor]:
    """The parameters that stay float32: the last layer's."""
    return tensors_of(net.get_submodule(last_layer(net)))


def keep_single(net: nn.Module) -> None:
    """Have a net in lower precision compute its last layer and all behind it, and squares over channels, in float32.

    In bf16 one image in ten ties with another class, since scores keep three digits; in fp16 the squares of local
    response normalisation become infinite and what is divided by them zero.
    """
    last = last_layer(net)
    squares = [name for name, layer in net.named_modules() if isinstance(layer, nn.LocalResponseNorm)]
    for name in squares:
        put(net, name, Single(net.get_submodule(name), back=True))
    put(net, last, Single(net.get_submodule(last).float()))
