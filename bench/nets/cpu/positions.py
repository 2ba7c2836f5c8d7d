"""Converted fully-connected layers on a CPU, several times as fast as torch's convolution of so large kernels."""

import torch
from torch import nn

from bench.nets.cpu.products import product

LEAST = 6  # pixels of a kernel's side: AlexNet's first fully-connected layer; the paper's has 7


class Positions(nn.Module):
    """A convolution without padding as one matrix product over its positions, in channels-last layout.

    Its kernels outweigh its input many times, and torch's convolution reorders them at every call.
    """

    kernels: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.kernel_size = plain.kernel_size
        self.register_buffer("kernels", plain.weight.detach().permute(0, 2, 3, 1).flatten(1))
        self.register_buffer("bias", None if plain.bias is None else plain.bias.detach())

    @classmethod
    def of(cls, layer: nn.Module) -> "Positions | None":
        """Its form for a convolution whose kernels are as large as only converted layers have; None for others."""
        if type(layer) is not nn.Conv2d or min(layer.kernel_size) < LEAST:
            return None
        settings = (layer.stride, layer.padding, layer.dilation, layer.groups)
        return cls(layer) if settings == ((1, 1), (0, 0), (1, 1), 1) else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        windows = images.permute(0, 2, 3, 1).unfold(1, self.kernel_size[0], 1).unfold(2, self.kernel_size[1], 1)
        rows = windows.permute(0, 1, 2, 4, 5, 3).flatten(3)
        return product(rows, self.kernels, self.bias).permute(0, 3, 1, 2)
