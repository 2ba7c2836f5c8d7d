"""Batch normalisations as part of the convolutions before them: one pass over the maps less."""

from collections import Counter

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench.nets.layers import Net, hooks_of, put, sharing_copy
from bench.nets.tracing import traced


def folded(net: Net) -> Net:
    """A net without the batch normalisations that `fold_norms` folds, which shares all other tensors; or the net."""
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules()):
        return net
    copied = sharing_copy(net).eval()
    fold_norms(copied)
    return copied


def fold_norms(net: nn.Module) -> None:
    """Put batch normalisations into the convolutions right before them, in float32; in their place nothing is done.

    A net that cannot be traced stays as it is.
    """
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules()):
        return
    try:
        graph = traced(net).graph
    except Exception:  # tracing runs the net's own Python, which may raise anything
        return
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    for node in graph.nodes:
        norm = _layer(net, node)
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        (before,) = node.all_input_nodes
        convolution = _layer(net, before)
        if not isinstance(convolution, nn.Conv2d):
            continue
        alone = len(before.users) == calls[before.target] == calls[node.target] == 1
        if alone and convolution.weight.dtype == torch.float32 and not hooks_of(convolution) + hooks_of(norm):
            put(net, str(before.target), fuse_conv_bn_eval(convolution, norm))
            put(net, str(node.target), nn.Identity())


def _layer(net: nn.Module, node: fx.Node) -> nn.Module | None:
    return net.get_submodule(str(node.target)) if node.op == "call_module" else None
