"""From a fully-connected classifier to the fully-convolutional net of section 3.2, exactly or not at all.

The traced net's end is rewritten: its last pooling and its flattening go, linear layers become convolutions. Two kinds
of net allow that. Where the last pooling leaves the map as it is at the net's own input size (VGG 7x7, AlexNet 6x6),
the first linear layer becomes a convolution of that size. Where it is a mean over the whole map (ResNet, MobileNetV2,
SqueezeNet), what follows must be linear, for the mean of its scores over positions to be the score of the mean.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from bench.errors import UserError
from bench.nets.layers import on_meta, put, sharing_copy

POOLS = (nn.AdaptiveAvgPool2d,)
POOL_FUNCTIONS = (F.adaptive_avg_pool2d, torch.mean, "mean")
FLATTENS = (nn.Flatten,)
FLATTEN_FUNCTIONS = (torch.flatten, torch.squeeze, "flatten", "squeeze", "view", "reshape")
NOTHING = (nn.Dropout, nn.Identity)  # no effect in evaluation
NOTHING_FUNCTIONS = (F.dropout, "contiguous")
POINTWISE = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.Tanh, nn.LeakyReLU)
POINTWISE_FUNCTIONS = (F.relu, torch.relu, F.hardswish, F.silu, F.gelu, "relu")
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
    shapes = _shapes(traced, (channels, side, side))
    end = _end(traced)
    spatial = _input(end[0])
    if len(shapes[spatial]) != 4:
        raise UnconvertibleError("it does not end in a map of features")
    averaging = False
    for node in end:
        kind = _kind(traced, node)
        before, after = shapes[_input(node)], shapes[node]
        if kind == "pool" and before != after:
            if tuple(after[2:]) not in ((1, 1), ()):
                raise UnconvertibleError(f"its last pooling makes {before[2]}x{before[3]} into {after[2]}x{after[3]}")
            averaging = True
        if kind == "pointwise":
            if averaging:
                raise UnconvertibleError("what follows its global average is not linear")
            continue
        if kind == "linear":
            height, width = (1, 1) if averaging or len(shapes[spatial]) == 2 else shapes[spatial][2:]
            _replace_linear(traced, node, (height, width))
            spatial = node
        else:
            node.replace_all_uses_with(_input(node))
            traced.graph.erase_node(node)
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
        return fx.symbolic_trace(sharing_copy(net).eval())
    except Exception as error:  # tracing runs the net's own Python, which may raise anything
        raise UnconvertibleError(f"it cannot be traced ({' '.join(str(error).split())[:80]})") from None


def _drop_log_softmax(traced: fx.GraphModule) -> None:
    last = _input(_output(traced))
    logarithmic = last.target in (F.log_softmax, torch.log_softmax, "log_softmax") or (
        last.op == "call_module" and isinstance(traced.get_submodule(str(last.target)), nn.LogSoftmax)
    )
    if logarithmic:
        last.replace_all_uses_with(_input(last))
        traced.graph.erase_node(last)


def _output(traced: fx.GraphModule) -> fx.Node:
    return next(node for node in reversed(traced.graph.nodes) if node.op == "output")


def _shapes(traced: fx.GraphModule, shape: tuple[int, int, int]) -> dict[fx.Node, torch.Size]:
    """The shape of every node's output for one image of this shape, by node."""
    shapes = _Shapes(on_meta(traced))
    shapes.run(torch.empty(1, *shape, device="meta"))
    return {node: shapes.found[node.name] for node in traced.graph.nodes if node.name in shapes.found}


class _Shapes(fx.Interpreter):
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


def _end(traced: fx.GraphModule) -> list[fx.Node]:
    """The nodes from the last pooling or flattening to the output, in order."""
    node = _output(traced).args[0]
    end: list[fx.Node] = []
    while isinstance(node, fx.Node) and (kind := _kind(traced, node)):
        collapsed = any(_kind(traced, later) in ("pool", "flatten") for later in end)
        if collapsed and kind in ("pointwise", "linear"):
            break
        end.insert(0, node)
        node = _input(node)
    if not any(_kind(traced, later) in ("pool", "flatten") for later in end):
        raise UnconvertibleError("it does not end in a pooled or flattened map and linear layers")
    return end


def _kind(traced: fx.GraphModule, node: fx.Node) -> str | None:
    """What a node is to the conversion; None for everything that belongs to the body of the net."""
    if node.op == "call_module":
        module = traced.get_submodule(str(node.target))
        table: Sequence = (POOLS, FLATTENS, NOTHING, POINTWISE, (nn.Linear,))
        matches = [isinstance(module, types) for types in table]
    else:
        functions: Sequence = (POOL_FUNCTIONS, FLATTEN_FUNCTIONS, NOTHING_FUNCTIONS, POINTWISE_FUNCTIONS, ())
        matches = [node.op in ("call_function", "call_method") and node.target in names for names in functions]
    return dict(zip(matches, ("pool", "flatten", "nothing", "pointwise", "linear"), strict=True)).get(True)


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
        maximum = node.target is F.adaptive_max_pool2d or (
            node.op == "call_module" and isinstance(traced.get_submodule(str(node.target)), nn.AdaptiveMaxPool2d)
        )
        if not maximum and _kind(traced, node) != "pool":
            continue
        after = [each for each in nodes[at + 1 :] if each in shapes]
        if not maximum and not any(_is_map(shapes[each]) for each in (node, *after)):
            first = next(each for each in after if each.op != "get_attr" and each.target != "permute")
            what = getattr(first.target, "__name__", first.target)
            raise UnconvertibleError(f"what follows its global average is not linear ({what})")
        raise UnconvertibleError(f"it pools over the whole image inside ({node.name})")


def _is_map(shape: torch.Size) -> bool:
    """Whether it holds more than one vector, wherever its channels stand."""
    return sum(length > 1 for length in shape[1:]) > 1
