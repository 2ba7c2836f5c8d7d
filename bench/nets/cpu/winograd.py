"""3x3 convolutions of wide layers on a CPU with 4 multiplications where the sum over a kernel takes 9.

F(2x2, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016: an output of 2x2 pixels comes
from an input of 4x4, both transformed by additions alone, and between them lie 16 matrix products. Rounding stays that
of float32 sums; larger tiles would save more and lose digits.
"""

from collections.abc import Iterator

import torch
from torch import nn

TILES = 512  # 2x2 outputs computed together: their transforms stay in the caches
LEAST = 128 * 256  # input times output channels below which transforming costs what multiplying saves
KERNEL = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)


class Winograd(nn.Module):
    """What a 3x3 convolution of stride 1, padded by one pixel, gives of (N, C, H, W), in channels-last layout."""

    kernel_size = (3, 3)
    kernels: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        kernels = torch.einsum("ax,by,kcyx->abck", KERNEL, KERNEL, plain.weight.detach().double().cpu())
        self.register_buffer("kernels", kernels.flatten(0, 1).to(plain.weight).contiguous())
        self.register_buffer("bias", None if plain.bias is None else plain.bias.detach())

    @classmethod
    def of(cls, layer: nn.Module) -> "Winograd | None":
        """Its form for such a convolution in float32, where it is wide enough to be faster; None for other layers."""
        if type(layer) is not nn.Conv2d or layer.weight.dtype != torch.float32:
            return None
        settings = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode)
        usual = settings == ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros")
        return cls(layer) if usual and layer.in_channels * layer.out_channels >= LEAST else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        count, channels, height, width = images.shape
        down, across = -(-height // 2), -(-width // 2)
        padded = images.new_zeros(count, 2 * down + 2, 2 * across + 2, channels)
        padded[:, 1 : height + 1, 1 : width + 1] = images.permute(0, 2, 3, 1)
        outputs = images.new_empty(count, 2 * down, 2 * across, self.kernels.shape[-1])
        for some, start, stop in _strips(count, down, across):
            tiles = _spread_twice(padded[some, 2 * start : 2 * stop + 2])
            products = torch.bmm(tiles.flatten(2, -2).flatten(0, 1), self.kernels)
            if self.bias is not None:
                products[5] += self.bias  # the one product that every output of a tile takes once
            products = products.unflatten(0, (4, 4)).unflatten(2, tiles.shape[2:-1])
            _gather_twice(products, outputs[some, 2 * start : 2 * stop])
        return outputs[:, :height, :width].permute(0, 3, 1, 2)


def _strips(count: int, down: int, across: int) -> Iterator[tuple[slice, int, int]]:
    """Images, and rows of tiles from where to where, that are computed together."""
    images, rows = max(1, TILES // (down * across)), max(1, TILES // across)
    for first in range(0, count, images):
        for start in range(0, down, rows):
            yield slice(first, first + images), start, min(start + rows, down)


def _spread_twice(pixels: torch.Tensor) -> torch.Tensor:
    """Tiles (4, 4, N, rows, columns, C), across before down, of pixels (N, 2 rows + 2, 2 columns + 2, C)."""
    count, height, width, channels = pixels.shape
    rows, columns = height // 2 - 1, width // 2 - 1
    across = pixels.new_empty(4, count, height, columns, channels)
    _spread(pixels, 2, across)
    tiles = pixels.new_empty(4, 4, count, rows, columns, channels)
    for each, into in zip(across, tiles, strict=True):
        _spread(each, 1, into)
    return tiles


def _spread(pixels: torch.Tensor, dim: int, into: torch.Tensor) -> None:
    """Along one axis, four sums for every two pixels, from them and their neighbours."""
    pairs = pixels.unflatten(dim, (-1, 2))
    even, odd = pairs.unbind(dim + 1)
    n = even.shape[dim] - 1
    a, b, c, d = even.narrow(dim, 0, n), odd.narrow(dim, 0, n), even.narrow(dim, 1, n), odd.narrow(dim, 1, n)
    torch.sub(a, c, out=into[0])
    torch.add(b, c, out=into[1])
    torch.sub(c, b, out=into[2])
    torch.sub(b, d, out=into[3])


def _gather_twice(products: torch.Tensor, outputs: torch.Tensor) -> None:
    """Write products (4, 4, N, rows, columns, K), across before down, as pixels (N, 2 rows, 2 columns, K)."""
    lines = products.new_empty(4, 2, *products.shape[2:])
    for each, into in zip(products, lines, strict=True):
        _gather(each, into[0], into[1])
    pixels = outputs.unflatten(2, (-1, 2)).unflatten(1, (-1, 2))
    for parity in (0, 1):
        _gather(lines[:, parity], pixels[:, :, parity, :, 0], pixels[:, :, parity, :, 1])


def _gather(products: torch.Tensor, even: torch.Tensor, odd: torch.Tensor) -> None:
    """Along one axis, two pixels from four products."""
    torch.add(products[1] + products[2], products[0], out=even)
    torch.sub(products[1] - products[2], products[3], out=odd)
