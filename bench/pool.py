"""Max-pooling of 2x2 windows on a CPU, several times as fast as torch's with channels last."""

import torch
from torch import nn


class PairwiseMax(nn.Module):
    """What `nn.MaxPool2d(2)` gives, bit for bit: the larger of two rows, then of two columns.

    Whole rows are contiguous with channels last, so the first and larger step runs at the speed of memory; torch's own
    pooling also keeps the indices that only training needs.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[-2] // 2 * 2, images.shape[-1] // 2 * 2
        rows = torch.maximum(images[..., 0:height:2, :width], images[..., 1:height:2, :width])
        return torch.maximum(rows[..., 0::2], rows[..., 1::2])


def pool_pairwise(net: nn.Module) -> None:
    """Put it in the place of every 2x2 pooling of a net that is not to be trained any more."""
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if is_pairwise(child):
                setattr(parent, name, PairwiseMax())


def is_pairwise(layer: nn.Module) -> bool:
    """Whether it is a 2x2 pooling of stride 2 without padding, in either form."""
    if not isinstance(layer, nn.MaxPool2d):
        return isinstance(layer, PairwiseMax)
    settings = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode, layer.return_indices)
    return settings in [(2, 2, 0, 1, False, False), ((2, 2), (2, 2), (0, 0), (1, 1), False, False)]
