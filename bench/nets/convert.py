"""From a fully-connected classifier to the fully-convolutional net of section 3.2, exactly or not at all.

The traced net's end is rewritten: its last pooling and its flattening go, linear layers become convolutions. Two kinds
of net allow that. Where the last pooling leaves the map as it is at the net's own input size (VGG 7x7, AlexNet 6x6),
the first linear layer becomes a convolution of that size. Where it is a mean over the whole map (ResNet, MobileNetV2,
SqueezeNet), what follows must be linear, for the mean of its scores over positions to be the score of the mean.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from bench.errors import UserError
from bench.nets.layers import on_meta, put, sharing_copy
from bench.nets.tracing import traced as traced_graph

# What a node is to the conversion, by its layer and by the function or method that does the same.
LAYERS: dict[str, tuple[type[nn.Module], ...]] = {
    "pool": (nn.AdaptiveAvgPool2d,),
    "max-pool": (nn.AdaptiveMaxPool2d,),
    "flatten": (nn.Flatten,),
    "linear": (nn.Linear,),
    "pointwise": (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.Tanh, nn.LeakyReLU),
    "nothing": (nn.Dropout, nn.Identity),  # no effect in evaluation
    "log-softmax": (nn.LogSoftmax,),
}
FUNCTIONS: dict[str, tuple[Callable | str, ...]] = {
    "pool": (F.adaptive_avg_pool2d, torch.mean, "mean"),
    "max-pool": (F.adaptive_max_pool2d,),
    "flatten": (torch.flatten, torch.squeeze, "flatten", "squeeze", "view", "reshape"),
    "pointwise": (F.relu, torch.relu, F.hardswish, F.silu, F.gelu, "relu"),
    "nothing": (F.dropout, "contiguous"),
    "log-softmax": (F.log_softmax, torch.log_softmax, "log_softmax"),
}
COLLAPSING = ("pool", "flatten")  # from a map to one vector
CLASSIFYING = ("linear", "pointwise")  # of that vector
FAR = 2048  # pixels, a multiple of every net's stride


class UnconvertibleError(UserError):
    """The net has no exact fully-convolutional form; the message says why."""


def fully_convolutional(net: nn.Module, side: int, channels: int = 3) -> fx.GraphModule:
    """Convert a net that takes (N, channels, side, side): it gives a class score map (N, K, h, w) on any larger input.

    A log-soft-max at the very end goes: its scores have the same soft-max, also after a mean over positions.
    Parameters are shared with the net. Raises UnconvertibleError.
    """
    traced = _trace(net)
    _drop_log_softmax(traced)
    shapes = _node_shapes(traced, (channels, side, side))
    _make_convolutional(traced, _end_nodes(traced), shapes)
    traced.delete_all_unused_submodules()
    traced.recompile()
    _refuse_remaining_pooling(traced, shapes)
    return traced


def smallest_side(convolutional: fx.GraphModule, side: int, channels: int = 3) -> int:
    """The smallest square input, in pixels, that a converted net gives a score map for; at most `side`."""
    meta = on_meta(convolutional)
    low, high = 1, side
    while low < high:
        middle = (low + high) // 2
        if accepts(meta, (channels, middle, middle)):
            high = middle
        else:
            low = middle + 1
    return high


def map_places(convolutional: fx.GraphModule, side: int, channels: int = 3) -> tuple[float, float]:
    """Where on an image, in pixels, the positions of a converted net's score map lie: the first, and their distance.

    A position lies in the middle of what stands for one input of the net's own size; where that gives several (nets
    that end in an average), they are spread evenly around its middle: right to half a distance.
    Raises UnconvertibleError where larger images have no larger map.
    """
    meta = on_meta(convolutional)
    own, wide = (meta(torch.empty(1, channels, side, width, device="meta")).shape[-1] for width in (side, side + FAR))
    if wide <= own:
        raise UnconvertibleError("its map does not grow with the image")
    distance = FAR / (wide - own)
    return side / 2 - distance * (own - 1) / 2, distance


def accepts(meta: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Whether a net without storage gives a map of an image (channels, height, width)."""
    try:
        return min(meta(torch.empty(1, *shape, device="meta")).shape) > 0
    except (RuntimeError, ValueError):
        return False


def _trace(net: nn.Module) -> fx.GraphModule:
    try:
        return traced_graph(sharing_copy(net).eval())
    except Exception as error:  # tracing runs the net's own Python, which may raise anything
        raise UnconvertibleError(f"it cannot be traced ({' '.join(str(error).split())[:80]})") from None


def _drop_log_softmax(traced: fx.GraphModule) -> None:
    last = _input(_output(traced))
    if _kind(traced, last) == "log-softmax":
        _take_out(traced, last)


def _output(traced: fx.GraphModule) -> fx.Node:
    return next(node for node in reversed(traced.graph.nodes) if node.op == "output")


def _node_shapes(traced: fx.GraphModule, shape: tuple[int, int, int]) -> dict[fx.Node, torch.Size]:
    """The shape of every node's output for one image of this shape, by node."""
    shapes = _ShapeRecorder(on_meta(traced))
    shapes.run(torch.empty(1, *shape, device="meta"))
    return {node: shapes.found[node.name] for node in traced.graph.nodes if node.name in shapes.found}


class _ShapeRecorder(fx.Interpreter):
    """The shapes that come up while a net runs; its linear layers do not: on meta, torch takes seconds to load them."""

    def __init__(self, net: fx.GraphModule) -> None:
        super().__init__(net)
        self.found: dict[str, torch.Size] = {}

    def run_node(self, node: fx.Node) -> Any:
        value = super().run_node(node)
        if isinstance(value, torch.Tensor):
            self.found[node.name] = value.shape
        return value

    def call_module(self, target: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        module = self.fetch_attr(str(target))
        if isinstance(module, nn.Linear):
            return args[0].new_empty(*args[0].shape[:-1], module.out_features)
        return super().call_module(target, args, kwargs)


def _end_nodes(traced: fx.GraphModule) -> list[fx.Node]:
    """The nodes from the last pooling or flattening to the output, in order: first what collapses, then classifies."""
    end: list[fx.Node] = []
    collapsing = False
    node = _output(traced).args[0]
    while isinstance(node, fx.Node):
        kind = _kind(traced, node)
        if kind in COLLAPSING:
            collapsing = True
        elif kind != "nothing" and (collapsing or kind not in CLASSIFYING):
            break
        end.insert(0, node)
        node = _input(node)
    if not collapsing:
        raise UnconvertibleError("it does not end in a pooled or flattened map and linear layers")
    return end


def _kind(traced: fx.GraphModule, node: fx.Node) -> str | None:
    """What a node is to the conversion; None for everything that belongs to the body of the net."""
    if node.op == "call_module":
        module = traced.get_submodule(str(node.target))
        return next((kind for kind, types in LAYERS.items() if isinstance(module, types)), None)
    if node.op in ("call_function", "call_method"):
        return next((kind for kind, functions in FUNCTIONS.items() if node.target in functions), None)
    return None


def _make_convolutional(traced: fx.GraphModule, end: Sequence[fx.Node], shapes: Mapping[fx.Node, torch.Size]) -> None:
    """Take out what collapses the map, and make convolutions of the linear layers. Raises UnconvertibleError."""
    features = shapes[_input(end[0])]
    if len(features) != 4:
        raise UnconvertibleError("it does not end in a map of features")
    kinds = {node: _kind(traced, node) for node in end}
    averages = [_averages(shapes[_input(node)], shapes[node]) for node, kind in kinds.items() if kind == "pool"]
    averaging = any(averages)
    if averaging and "pointwise" in kinds.values():
        raise UnconvertibleError("what follows its global average is not linear")
    window = (1, 1) if averaging else (features[2], features[3])  # of what the first linear layer sees
    for node, kind in kinds.items():
        if kind == "linear":
            _replace_linear(traced, node, window)
            window = (1, 1)
        elif kind != "pointwise":
            _take_out(traced, node)


def _averages(before: torch.Size, after: torch.Size) -> bool:
    """Whether a pooling makes one mean of a map; False where it leaves it as it is. Raises UnconvertibleError."""
    if before == after:
        return False
    if tuple(after[2:]) not in ((1, 1), ()):
        raise UnconvertibleError(f"its last pooling makes {before[2]}x{before[3]} into {after[2]}x{after[3]}")
    return True


def _take_out(traced: fx.GraphModule, node: fx.Node) -> None:
    node.replace_all_uses_with(_input(node))
    traced.graph.erase_node(node)


def _input(node: fx.Node) -> fx.Node:
    return node.all_input_nodes[0]


def _replace_linear(traced: fx.GraphModule, node: fx.Node, window: tuple[int, int]) -> None:
    """Put a convolution in a linear layer's place; torch flattens C,H,W, so a plain view is the right kernel."""
    linear = traced.get_submodule(str(node.target))
    assert isinstance(linear, nn.Linear)
    channels = linear.in_features // (window[0] * window[1])
    with torch.device("meta"):
        convolution = nn.Conv2d(channels, linear.out_features, window, bias=linear.bias is not None)
    convolution.weight = nn.Parameter(linear.weight.detach().view(linear.out_features, channels, *window))
    if linear.bias is not None:
        convolution.bias = linear.bias
    put(traced, f"{node.target}_convolution", convolution)
    node.target = f"{node.target}_convolution"


def _refuse_remaining_pooling(traced: fx.GraphModule, shapes: dict[fx.Node, torch.Size]) -> None:
    """Pooling over the whole image either ends the map, with something after it that is not linear, or feeds it."""
    nodes = list(traced.graph.nodes)
    for at, node in enumerate(nodes):
        kind = _kind(traced, node)
        if kind not in ("pool", "max-pool"):
            continue
        after = [each for each in nodes[at + 1 :] if each in shapes]
        if kind == "pool" and not any(_is_map(shapes[each]) for each in (node, *after)):
            first = next(each for each in after if each.op != "get_attr" and each.target != "permute")
            what = getattr(first.target, "__name__", first.target)
            raise UnconvertibleError(f"what follows its global average is not linear ({what})")
        raise UnconvertibleError(f"it pools over the whole image inside ({node.name})")


def _is_map(shape: torch.Size) -> bool:
    """Whether it holds more than one vector, wherever its channels stand."""
    return sum(length > 1 for length in shape[1:]) > 1
