"""Poolings of a fixed window that is the whole map at the net's own side: slid by one cell, as VGG's first layer is.

By their own stride they would look at a part of a larger map alone.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn

from bench.nets.conversion.graphs import input_of, name_of
from bench.nets.layers import put

POOLS = ("avg_pool2d", "max_pool2d", "AvgPool2d", "MaxPool2d")


def slide_whole_windows(graph: fx.GraphModule, shapes: Mapping[fx.Node, torch.Size]) -> None:
    """Give such poolings steps of one, in place; at the net's own side nothing changes."""
    for node in graph.graph.nodes:
        if name_of(graph, node) not in POOLS or node not in shapes or len(shapes[node]) != 4:
            continue
        before, after = tuple(shapes[input_of(node)][2:]), tuple(shapes[node][2:])
        if after != (1, 1) or before == (1, 1) or _window(graph, node) != before:
            continue
        if node.op == "call_module":
            layer = graph.get_submodule(str(node.target))
            kind = nn.AvgPool2d if isinstance(layer, nn.AvgPool2d) else nn.MaxPool2d
            put(graph, f"{node.target}_slid", kind(before, 1))
            node.target = f"{node.target}_slid"
        else:
            node.args = (node.args[0], before, 1)
            node.kwargs = {}


def _window(graph: fx.GraphModule, node: fx.Node) -> tuple[int, int] | None:
    """Height and width of a pooling without padding or dilation; None of others."""
    said: Any
    if node.op == "call_module":
        layer = graph.get_submodule(str(node.target))
        said = {name: getattr(layer, name, None) for name in ("kernel_size", "padding", "dilation")}
    else:
        names = ("input", "kernel_size", "stride", "padding")
        said = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
    if _pair(said.get("padding") or 0) != (0, 0) or _pair(said.get("dilation") or 1) != (1, 1):
        return None
    return _pair(said["kernel_size"])


def _pair(value: Any) -> tuple[int, int]:
    found = tuple(value) if isinstance(value, tuple | list) else (value,)
    return (found * 2)[:2]
