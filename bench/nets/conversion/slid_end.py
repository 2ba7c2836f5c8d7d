"""Ends that are not linear behind a global average: slid over the map as a window of the size it has at the net's own.

The average becomes a pooling of that window, by steps of one; what follows is done at every position, as if each were
an image. At its own size the form is the net, and elsewhere the net's end slid by hand.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import fx

from bench.nets.conversion.graphs import input_of, is_map, kind_of, name_of, of_images, output_of, reached

Shapes = Mapping[fx.Node, torch.Size]


class AveragedEnd(NamedTuple):
    """A global average of a map (N, C, h, w), and what of the graph follows it."""

    average: fx.Node
    after: list[fx.Node]


def averaged_end(graph: fx.GraphModule, shapes: dict[fx.Node, torch.Size]) -> AveragedEnd | None:
    """The last global average that the scores see the image through alone; None where there is none.

    Where channels stand elsewhere, as in (N, h, w, C), the graph is given a node that puts them first.
    """
    for node in reversed(graph.graph.nodes):
        axes = _averaged(graph, node, shapes)
        after = _following(graph, node, shapes) if axes else None
        if axes and after:
            if axes != (2, 3):
                _put_channels_first(graph, node, axes, shapes)
            return AveragedEnd(node, after)
    return None


def slide(graph: fx.GraphModule, end: AveragedEnd, shapes: Shapes) -> None:
    """Rewrite the end of a graph in place."""
    average, scores = end.average, output_of(graph).args[0]
    features = input_of(average)
    window = tuple(shapes[features][2:])
    with graph.graph.inserting_before(average):
        windows = graph.graph.call_function(F.avg_pool2d, (features, window, 1))
        rows = graph.graph.call_function(at_every_position, (windows, tuple(shapes[average][1:])))
        count = graph.graph.call_method("size", (rows, 0))
    average.replace_all_uses_with(rows)
    graph.graph.erase_node(average)
    for node in end.after:
        for counted in [each for each in node.all_input_nodes if _counts_images(graph, each) and each not in end.after]:
            node.replace_input_with(counted, count)
    output = output_of(graph)
    with graph.graph.inserting_before(output):
        output.args = (graph.graph.call_function(as_map, (scores, windows)),)
    if not count.users:
        graph.graph.erase_node(count)


def at_every_position(features: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The vectors of a map (N, C, h, w) one by one, each in a shape that holds C numbers: (N h w, *shape)."""
    return features.permute(0, 2, 3, 1).reshape(-1, *shape)


def as_map(scores: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """The scores (N h w, K) of all positions of a map (N, C, h, w) as a map (N, K, h, w)."""
    rows = scores.reshape(features.shape[0], features.shape[2], features.shape[3], -1)
    return rows.permute(0, 3, 1, 2)


def _averaged(graph: fx.GraphModule, node: fx.Node, shapes: Shapes) -> tuple[int, int] | None:
    """The two axes of a map that a node makes one mean of."""
    if kind_of(graph, node) != "pool" or len(node.all_input_nodes) != 1 or node not in shapes:
        return None
    before, after = shapes[input_of(node)], shapes[node]
    if len(before) != 4 or not is_map(before) or is_map(after):
        return None
    if name_of(graph, node) != "mean":
        return 2, 3
    said = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", ())
    axes = sorted(axis % 4 for axis in said) if isinstance(said, (tuple, list)) else []
    return (axes[0], axes[1]) if len(axes) == 2 and axes[0] > 0 else None


def _put_channels_first(
    graph: fx.GraphModule, average: fx.Node, axes: tuple[int, int], shapes: dict[fx.Node, torch.Size]
) -> None:
    """What its average is taken over says no more than that it goes."""
    features = input_of(average)
    (channels,) = {1, 2, 3} - set(axes)
    with graph.graph.inserting_before(average):
        moved = graph.graph.call_method("permute", (features, 0, channels, *axes))
    average.replace_input_with(features, moved)
    shapes[moved] = torch.Size(shapes[features][axis] for axis in (0, channels, *axes))


def _following(graph: fx.GraphModule, average: fx.Node, shapes: Shapes) -> list[fx.Node] | None:
    """The nodes between an average and the output, in order; None where they see the image past the average, too."""
    seen, needed = reached([average], forwards=True), reached([output_of(graph)], forwards=False)
    after = [node for node in graph.graph.nodes if node in seen & needed and node not in (average, output_of(graph))]
    images = of_images(graph)
    others = {each for node in after for each in node.all_input_nodes} - {average, *after}
    if not after or any(node in images and node in shapes for node in others):
        return None
    return after


def _counts_images(graph: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a node is the number of images in a batch, which is that of positions behind the average."""
    name, (first, *others) = name_of(graph, node), (*node.args, None)
    if name in ("sym_size", "size"):
        return others[:1] == [0]
    return name == "getitem" and others[:1] == [0] and isinstance(first, fx.Node) and _is_shape(graph, first)


def _is_shape(graph: fx.GraphModule, node: fx.Node) -> bool:
    return (name_of(graph, node), len(node.args)) == ("size", 1) or (
        name_of(graph, node) == "getattr" and node.args[1:] == ("shape",)
    )
