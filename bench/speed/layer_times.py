"""Where a net's time goes, by kind of layer."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from bench.nets.device import synchronise


@contextmanager
def layer_times(net: nn.Module, device: torch.device) -> Iterator[dict[str, float]]:
    """Seconds by kind of layer, such as `Conv2d 3x3`, added up while it lasts; for calls from one thread."""
    spent: dict[str, float] = defaultdict(float)
    began: dict[nn.Module, float] = {}

    def start(layer: nn.Module, _: object) -> None:
        synchronise(device)
        began[layer] = time.perf_counter()

    def stop(layer: nn.Module, *_: object) -> None:
        synchronise(device)
        spent[kind(layer)] += time.perf_counter() - began.pop(layer)

    leaves = [layer for layer in net.modules() if not any(layer.children())]
    hooks = [layer.register_forward_pre_hook(start) for layer in leaves]
    hooks += [layer.register_forward_hook(stop) for layer in leaves]
    try:
        yield spent
    finally:
        for hook in hooks:
            hook.remove()


def kind(layer: nn.Module) -> str:
    """A layer's type, and its kernels' size where it has kernels."""
    size = getattr(layer, "kernel_size", None)
    return type(layer).__name__ + (f" {size[0]}x{size[1]}" if isinstance(size, tuple) else "")
