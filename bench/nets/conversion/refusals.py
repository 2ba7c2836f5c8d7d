"""What no sliding window does: looking at the whole image in the body of a net, or attending from place to place."""

from collections.abc import Mapping

import torch
from torch import fx

from bench.nets.conversion.graphs import UnconvertibleError, is_map, kind_of, name_of, of_images

ATTENTION = (
    *("MultiheadAttention", "multi_head_attention_forward", "scaled_dot_product_attention"),
    "shifted_window_attention",
)
SOFTMAX = ("Softmax", "softmax")
PRODUCTS = ("matmul", "bmm", "einsum", "baddbmm")
TIMES = ("mul", "mul_", "imul")


def refuse_attention(graph: fx.GraphModule) -> None:
    """Raise UnconvertibleError where a graph has attention: by its name, or a soft-max beside products of two maps."""
    nodes = list(graph.graph.nodes)
    products = any(name_of(graph, node) in PRODUCTS and len(node.all_input_nodes) > 1 for node in nodes)
    for node in nodes:
        name = name_of(graph, node)
        if name in ATTENTION or (products and name in SOFTMAX):
            raise UnconvertibleError(f"places of its maps attend to others ({node.name}), which no convolution does")


def refuse_whole_image(graph: fx.GraphModule, shapes: Mapping[fx.Node, torch.Size]) -> None:
    """Raise UnconvertibleError where a graph, converted, still pools over the whole image."""
    images = of_images(graph) & shapes.keys()
    for node in graph.graph.nodes:
        if kind_of(graph, node) in ("pool", "max-pool") and node in images and _pools_all(graph, node, shapes):
            gate = ": squeeze-and-excitation" if _gates(graph, node, shapes) else ""
            raise UnconvertibleError(f"it pools over the whole image inside ({node.name}){gate}")


def _pools_all(graph: fx.GraphModule, node: fx.Node, shapes: Mapping[fx.Node, torch.Size]) -> bool:
    """Adaptive pooling always does, means and maxima where no map is left."""
    return name_of(graph, node) not in ("mean", "amax") or not is_map(shapes[node])


def _gates(graph: fx.GraphModule, pool: fx.Node, shapes: Mapping[fx.Node, torch.Size]) -> bool:
    """Whether a map is multiplied by what comes of a pooling."""
    waiting, seen = list(pool.users), set()
    while waiting:
        node = waiting.pop()
        if node in seen or node not in shapes:
            continue
        seen.add(node)
        if not is_map(shapes[node]):
            waiting += node.users
        elif name_of(graph, node) in TIMES:
            return True
    return False
