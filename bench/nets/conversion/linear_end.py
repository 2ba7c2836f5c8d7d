"""Ends that are linear behind their pooling, or whose first layer sees all of the map: they become convolutions."""

from collections.abc import Mapping, Sequence

import torch
from torch import fx, nn

from bench.nets.conversion.graphs import UnconvertibleError, input_of, is_map, kind_of, output_of, take_out
from bench.nets.layers import put

COLLAPSING = ("pool", "flatten")  # from a map to one vector
CLASSIFYING = ("linear", "pointwise")  # of that vector
LINEAR = (*COLLAPSING, "linear", "linear at every place", "nothing")


def linear_end(
    graph: fx.GraphModule, shapes: Mapping[fx.Node, torch.Size], averaged: Sequence[fx.Node]
) -> list[fx.Node]:
    """The nodes from the last pooling or flattening to the output, in order: first what collapses, then classifies.

    None where something else comes up, or what follows a global average is not linear; `averaged` is the last one with
    all that follows it, where there is one. Raises UnconvertibleError.
    """
    if averaged and all(kind_of(graph, node) in LINEAR for node in averaged):
        return list(averaged)
    end = _end_nodes(graph)
    if not end or len(shapes[input_of(end[0])]) != 4 or (averaged and averaged[0] not in end):
        return []
    averaging = _averaging(graph, end, shapes)
    return [] if averaging and any(kind_of(graph, node) == "pointwise" for node in end) else end


def make_convolutions(graph: fx.GraphModule, end: Sequence[fx.Node], shapes: Mapping[fx.Node, torch.Size]) -> None:
    """Take out what collapses the map, and make convolutions of the linear layers."""
    features = shapes[input_of(end[0])]
    # of what the first linear layer sees
    window = (1, 1) if _averaging(graph, end, shapes) else (features[2], features[3])
    for node in end:
        kind = kind_of(graph, node)
        if kind == "linear":
            _replace_linear(graph, node, window)
            window = (1, 1)
        elif kind in (*COLLAPSING, "nothing"):
            take_out(graph, node)


def _end_nodes(graph: fx.GraphModule) -> list[fx.Node]:
    end: list[fx.Node] = []
    collapsing = False
    node = output_of(graph).args[0]
    while isinstance(node, fx.Node):
        kind = kind_of(graph, node)
        if kind in COLLAPSING:
            collapsing = True
        elif kind != "nothing" and (collapsing or kind not in CLASSIFYING):
            break
        end.insert(0, node)
        node = input_of(node)
    return end if collapsing else []


def _averaging(graph: fx.GraphModule, end: Sequence[fx.Node], shapes: Mapping[fx.Node, torch.Size]) -> bool:
    """Whether an end makes one mean of its map. Raises UnconvertibleError."""
    pools = [node for node in end if kind_of(graph, node) == "pool"]
    averages = [_averages(shapes[input_of(node)], shapes[node]) for node in pools]
    return any(averages)


def _averages(before: torch.Size, after: torch.Size) -> bool:
    """Whether a pooling makes one mean of a map; False where it leaves it as it is. Raises UnconvertibleError."""
    if before == after:
        return False
    if is_map(after):
        raise UnconvertibleError(f"its last pooling makes {before[2]}x{before[3]} into {after[2]}x{after[3]}")
    return True


def _replace_linear(graph: fx.GraphModule, node: fx.Node, window: tuple[int, int]) -> None:
    """Put a convolution in a linear layer's place; torch flattens C,H,W, so a plain view is the right kernel."""
    linear = graph.get_submodule(str(node.target))
    assert isinstance(linear, nn.Linear)
    channels = linear.in_features // (window[0] * window[1])
    with torch.device("meta"):
        convolution = nn.Conv2d(channels, linear.out_features, window, bias=linear.bias is not None)
    convolution.weight = nn.Parameter(linear.weight.detach().view(linear.out_features, channels, *window))
    if linear.bias is not None:
        convolution.bias = linear.bias
    put(graph, f"{node.target}_convolution", convolution)
    node.target = f"{node.target}_convolution"
