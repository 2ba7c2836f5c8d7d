"""Batch normalisations on a CPU as part of the convolutions before them: one pass over the maps less."""

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(net: nn.Module) -> None:
    """Scale a net's convolutions by the batch normalisations right behind them, which then do nothing, in float32.

    A net that cannot be traced stays as it is.
    """
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules()):
        return
    try:
        graph = fx.symbolic_trace(net).graph
    except Exception:  # tracing runs the net's own Python, which may raise anything
        return
    for node in graph.nodes:
        norm = _layer(net, node)
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        (before,) = node.all_input_nodes
        convolution = _layer(net, before)
        if not isinstance(convolution, nn.Conv2d):
            continue
        if len(before.users) == 1 and convolution.weight.dtype == torch.float32:
            net.set_submodule(str(before.target), fuse_conv_bn_eval(convolution, norm))
            net.set_submodule(str(node.target), nn.Identity())


def _layer(net: nn.Module, node: fx.Node) -> nn.Module | None:
    return net.get_submodule(str(node.target)) if node.op == "call_module" else None
