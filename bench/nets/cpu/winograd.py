"""3x3 convolutions of wide layers on a CPU with a quarter of the multiplications that a sum over the kernel takes.

F(4x4, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016: an output of 4x4 pixels comes
from an input of 6x6, both transformed by small matrices, and between them lie 36 matrix products. What such tiles lose
in digits comes back by points chosen for it and by sums over few channels at a time: rounding grows with their length.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

TILES = 256  # computed together: fewer make poor products, more leave the caches
GROUPS = 8  # of channels, each summed by itself
LEAST = 128  # input and output channels below which transforming costs what multiplying saves


@dataclass(frozen=True)
class Transforms:
    """Cook and Toom's for m outputs of a 3-tap filter: polynomials known at m + 1 `points`, and at infinity.

    The points are short binary fractions, so that float32 holds the matrices for pixels and outputs exactly.
    """

    points: tuple[float, ...]

    @property
    def outputs(self) -> torch.Tensor:
        """From n products to m outputs: (m, n)."""
        return self._powers(len(self.points) - 1)

    @property
    def kernel(self) -> torch.Tensor:
        """From 3 taps to n: (n, 3)."""
        others = [np.prod([p - q for q in self.points if q != p]) for p in self.points]
        return self._powers(3).T / torch.tensor([*others, 1.0], dtype=torch.float64)[:, None]

    @property
    def pixels(self) -> torch.Tensor:
        """From n pixels to n: (n, n)."""
        rows = [[*np.poly([q for q in self.points if q != p])[::-1], 0] for p in self.points]
        return torch.tensor(np.array([*rows, np.poly(self.points)[::-1]]))

    def _powers(self, count: int) -> torch.Tensor:
        """Of every point, and of infinity, from 0 on: (count, n)."""
        powers = torch.tensor(self.points, dtype=torch.float64) ** torch.arange(count)[:, None]
        last = torch.eye(count, dtype=torch.float64)[:, -1:]
        return torch.cat([powers, last], 1)


TRANSFORMS = Transforms((0, 0.65625, -0.65625, 1.5, -1.5))  # of all short ones these amplify rounding least


class Winograd(nn.Module):
    """What a 3x3 convolution of stride 1, padded by one pixel, gives of (N, C, H, W), in channels-last layout."""

    kernel_size = (3, 3)
    weight: torch.Tensor
    kernels: torch.Tensor
    bias: torch.Tensor | None
    pixels: torch.Tensor
    outputs: torch.Tensor

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        to = TRANSFORMS.kernel
        kernels = torch.einsum("ax,by,kcyx->abck", to, to, plain.weight.detach().double().cpu())
        grouped = kernels.flatten(0, 1).unflatten(1, (GROUPS, -1))
        self.register_buffer("weight", plain.weight.detach())
        self.register_buffer("kernels", grouped.to(plain.weight).contiguous())
        self.register_buffer("bias", None if plain.bias is None else plain.bias.detach())
        self.register_buffer("pixels", TRANSFORMS.pixels.to(plain.weight))
        self.register_buffer("outputs", TRANSFORMS.outputs.to(plain.weight))

    @classmethod
    def of(cls, layer: nn.Module) -> "Winograd | None":
        """Its form for such a convolution in float32, where it is wide enough to be faster; None for other layers."""
        if type(layer) is not nn.Conv2d or layer.weight.dtype != torch.float32:
            return None
        settings = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode)
        usual = settings == ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros") and layer.in_channels % GROUPS == 0
        return cls(layer) if usual and min(layer.in_channels, layer.out_channels) >= LEAST else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        count, _, height, width = images.shape
        m = len(self.outputs)
        if min(height, width) < m:  # most of a tile would be padding
            return nn.functional.conv2d(images, self.weight, self.bias, padding=1)
        down, across = -(-height // m), -(-width // m)
        outputs = images.new_empty(count, m * down, m * across, self.kernels.shape[-1])
        for some, start, stop in _strips(count, down, across):
            tiles = self._spread(_padded(images.permute(0, 2, 3, 1)[some], m * start, m * stop, m * across))
            self._gather(self._products(tiles), outputs[some, m * start : m * stop])
        return outputs[:, :height, :width].permute(0, 3, 1, 2)

    def _spread(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tiles (n * n, N * rows * columns, C), across before down, of pixels (N, m rows + 2, m columns + 2, C)."""
        count, height, width, channels = pixels.shape
        m, n = self.outputs.shape
        rows = height // m
        lines = pixels.new_empty(count, rows, n, width * channels)
        matrices = self.pixels.expand(rows, n, n)
        for each, into in zip(pixels.flatten(2), lines, strict=True):
            torch.bmm(matrices, each.unfold(0, n, m).transpose(1, 2), out=into)
        windows = lines.flatten(0, 1).unflatten(2, (width, channels)).unfold(2, n, m)  # (N rows, n, columns, C, n)
        across = windows.permute(4, 1, 0, 2, 3).reshape(n, -1)
        return torch.mm(self.pixels, across).view(n * n, -1, channels)

    def _products(self, tiles: torch.Tensor) -> torch.Tensor:
        """Sums over the channels, (n * n, T, K), of tiles (n * n, T, C)."""
        groups, size, wide = self.kernels.shape[1:]
        products = tiles.new_empty(*tiles.shape[:2], wide)
        for each, kernels, into in zip(tiles, self.kernels, products, strict=True):
            torch.addbmm(into, each.unflatten(1, (groups, size)).transpose(0, 1), kernels, beta=0, out=into)
        return products

    def _gather(self, products: torch.Tensor, outputs: torch.Tensor) -> None:
        """Write products (n * n, N * rows * columns, K), across before down, as pixels (N, m rows, m columns, K)."""
        m, n = self.outputs.shape
        lines = torch.mm(self.outputs, products.view(n, -1)).view(m, n, -1)
        pixels = torch.bmm(self.outputs.expand(m, m, n), lines)
        into = outputs.unflatten(2, (-1, m)).unflatten(1, (-1, m)).permute(4, 2, 0, 1, 3, 5)
        torch.add(pixels.view(into.shape), 0 if self.bias is None else self.bias, out=into)


def _strips(count: int, down: int, across: int) -> Iterator[tuple[slice, int, int]]:
    """Images, and rows of tiles from where to where, that are computed together."""
    images, rows = max(1, TILES // (down * across)), max(1, TILES // across)
    for first in range(0, count, images):
        for start in range(0, down, rows):
            yield slice(first, first + images), start, min(start + rows, down)


def _padded(images: torch.Tensor, start: int, stop: int, wide: int) -> torch.Tensor:
    """Rows from start to stop of images (N, H, W, C), `wide` pixels of them, and a pixel around; zeros outside."""
    count, height, width, channels = images.shape
    first, last = max(0, start - 1), min(height, stop + 1)
    padded = images.new_empty(count, stop - start + 2, wide + 2, channels)
    padded[:, : first - start + 1] = 0
    padded[:, last - start + 1 :] = 0
    padded[:, :, 0] = 0
    padded[:, :, width + 1 :] = 0
    padded[:, first - start + 1 : last - start + 1, 1 : width + 1] = images[:, first:last]
    return padded
