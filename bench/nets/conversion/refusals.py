"""What no sliding window does: pooling or normalising over the whole image in a net's body, or attending to places."""

from collections.abc import Mapping

import torch
from torch import fx

from bench.nets.conversion.graphs import UnconvertibleError, input_of, is_map, kind_of, name_of, of_images, place_of

ATTENTION = (
    *("MultiheadAttention", "multi_head_attention_forward", "scaled_dot_product_attention"),
    "shifted_window_attention",
)
SOFTMAX = ("Softmax", "softmax")
PRODUCTS = ("matmul", "bmm", "einsum", "baddbmm")
NORMS = ("GroupNorm", "group_norm", "InstanceNorm2d", "instance_norm")  # of each channel, or some, at all places
TIMES = ("mul", "mul_", "imul")
SPREAD = ("expand", "expand_as")


def refuse_attention(graph: fx.GraphModule) -> None:
    """Raise UnconvertibleError where a graph has attention by its name."""
    _refuse_first(graph, ATTENTION)


def refuse_likely_attention(graph: fx.GraphModule) -> None:
    """The same for a soft-max beside products of two maps, in a graph that cannot be converted anyway."""
    nodes = graph.graph.nodes
    if any(name_of(graph, node) in PRODUCTS and len(node.all_input_nodes) > 1 for node in nodes):
        _refuse_first(graph, SOFTMAX)


def _refuse_first(graph: fx.GraphModule, names: tuple[str, ...]) -> None:
    for node in graph.graph.nodes:
        if name_of(graph, node) in names:
            raise UnconvertibleError(
                f"places of its maps attend to others ({place_of(node)}), which no convolution does"
            )


def refuse_whole_image(graph: fx.GraphModule, shapes: Mapping[fx.Node, torch.Size]) -> None:
    """Raise UnconvertibleError where a graph, converted, still pools or normalises over the whole image."""
    images = of_images(graph) & shapes.keys()
    for node in graph.graph.nodes:
        if node in images and name_of(graph, node) in NORMS and is_map(shapes[node]):
            raise UnconvertibleError(f"it normalises over the whole image inside ({place_of(node)})")
        if kind_of(graph, node) in ("pool", "max-pool") and node in images and _pools_all(graph, node, shapes):
            gate = ": squeeze-and-excitation" if _gates(graph, node, shapes) else ""
            raise UnconvertibleError(f"it pools over the whole image inside ({place_of(node)}){gate}")


def _pools_all(graph: fx.GraphModule, node: fx.Node, shapes: Mapping[fx.Node, torch.Size]) -> bool:
    """Adaptive pooling always does, means and maxima where no map is left."""
    return name_of(graph, node) not in ("mean", "amax") or not is_map(shapes[node])


def _gates(graph: fx.GraphModule, pool: fx.Node, shapes: Mapping[fx.Node, torch.Size]) -> bool:
    """Whether the map that is pooled, or one as large, is multiplied by what comes of the pooling."""
    whole = shapes[input_of(pool)].numel()
    waiting, seen = list(pool.users), set()
    while waiting:
        node = waiting.pop()
        if node in seen or node not in shapes:
            continue
        seen.add(node)
        if shapes[node].numel() < whole or name_of(graph, node) in SPREAD:
            waiting += node.users
        elif name_of(graph, node) in TIMES:
            return True
    return False
