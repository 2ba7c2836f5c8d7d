"""Floating-point operations of nets: twice the multiply-adds of convolutions and products, for one image."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from bench.nets import zoo
from bench.nets.layers import on_meta

PRODUCTS = {  # what else multiplies, and is counted by torch alone
    *(
        "conv1d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "bilinear",
        "einsum",
        "tensordot",
    ),
    *("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "addmm", "addbmm", "baddbmm", "addmv"),
    *("inner", "outer", "ger", "addr", "matrix_power", "multi_dot", "chain_matmul", "vecdot", "convolution"),
    *("linalg_matmul", "linalg_multi_dot", "linalg_vecdot", "linalg_matrix_power", "_convolution", "conv_tbc"),
    *("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"),
    *("scaled_dot_product_attention", "multi_head_attention_forward", "deform_conv2d"),
}


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


def image_flops(net: nn.Module, shape: tuple[int, int, int]) -> int:
    """What `counted_flops` counts, of a net with its weights, in evaluation mode.

    A net of convolutions and linear layers is counted by giving it no image at all, a batch of none, which takes a
    millisecond; torch's own count takes a second for the first net. That has the last word where
    nothing was found, and on TorchScript, which runs unseen here and there raises or is counted. Raises what the net
    raises.
    """
    if any(isinstance(each, torch.jit.ScriptModule) for each in net.modules()):
        return counted_flops(on_meta(net), shape)
    return _found_flops(net, shape) or counted_flops(on_meta(net), shape)


def _found_flops(net: nn.Module, shape: tuple[int, int, int]) -> int | None:
    """Of a net whose every product is known; else None."""
    try:
        like = next(net.parameters())
        with torch.inference_mode(), _Counting() as counting:
            net(torch.empty(0, *shape, device=like.device, dtype=like.dtype))
        return 2 * counting.multiply_adds
    except Exception:  # an unknown product, or whatever a net raises that needs an image
        return None


class _UnknownProductError(Exception):
    """Something multiplies that is neither a convolution nor a linear layer."""


class _Counting(TorchFunctionMode):
    """Adds up the multiply-adds an image of all convolutions and linear layers while it lasts."""

    def __init__(self) -> None:
        super().__init__()
        self.multiply_adds = 0

    def __torch_function__(
        self, func: Callable, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in PRODUCTS:
            raise _UnknownProductError(name)
        found = func(*args, **(kwargs or {}))
        if name in ("conv2d", "linear"):
            self.multiply_adds += prod(found.shape[1:]) * prod(args[1].shape[1:])
        return found
