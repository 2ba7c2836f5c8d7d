"""A net's graph as conversion reads it: what its nodes are, and the shapes that come up."""

from typing import Any

import torch
from torch import fx, nn

from bench.errors import UserError
from bench.nets.layers import on_meta

# What a node is to the conversion, by its layer or by the name of the function, method or operator that does the same.
LAYERS: dict[str, tuple[type[nn.Module], ...]] = {
    "pool": (nn.AdaptiveAvgPool2d,),
    "max-pool": (nn.AdaptiveMaxPool2d,),
    "flatten": (nn.Flatten,),
    "linear": (nn.Linear,),
    "pointwise": (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.Tanh, nn.LeakyReLU),
    "nothing": (nn.Dropout, nn.Identity),  # no effect in evaluation
    "log-softmax": (nn.LogSoftmax,),
    "softmax": (nn.Softmax,),
}
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "pool": ("adaptive_avg_pool2d", "mean"),
    "max-pool": ("adaptive_max_pool2d", "amax"),
    "flatten": ("flatten", "squeeze", "view", "reshape"),
    "pointwise": ("relu", "relu_", "hardswish", "hardswish_", "silu", "silu_", "gelu"),
    "nothing": ("dropout", "contiguous"),
    "log-softmax": ("log_softmax",),
    "softmax": ("softmax",),
}
ONE_CELL = (1, 1), (1, 1), (0, 0)  # kernel, stride and padding


class UnconvertibleError(UserError):
    """The net has no exact fully-convolutional form; the message says why."""


def brief(error: Exception) -> str:
    """What an error says first."""
    return " ".join(str(error).split())[:80]


def kind_of(graph: fx.GraphModule, node: fx.Node) -> str | None:
    """What a node is to the conversion; None for everything that belongs to the body of the net."""
    if node.op == "call_module":
        module = graph.get_submodule(str(node.target))
        if isinstance(module, nn.Conv2d) and (module.kernel_size, module.stride, module.padding) == ONE_CELL:
            return "linear at every place"
        return next((kind for kind, types in LAYERS.items() if isinstance(module, types)), None)
    if node.op in ("call_function", "call_method"):
        return next((kind for kind, names in FUNCTIONS.items() if name_of(graph, node) in names), None)
    return None


def name_of(graph: fx.GraphModule, node: fx.Node) -> str:
    """The name of the layer's class, of the function or of the method that a node calls; what it stands for else."""
    if node.op == "call_module":
        return type(graph.get_submodule(str(node.target))).__name__
    function = getattr(node.target, "overloadpacket", node.target)
    return getattr(function, "__name__", str(function))


def place_of(node: fx.Node) -> str:
    """Where in a net a node is, for people: its layer's name, or that of the module whose code it is."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    within = str(stack[-1][0]).removeprefix("L['self'].") if stack and node.op != "call_module" else ""
    return within or node.name


def output_of(graph: fx.GraphModule) -> fx.Node:
    return next(node for node in reversed(graph.graph.nodes) if node.op == "output")


def input_of(node: fx.Node) -> fx.Node:
    """What a node of one input takes."""
    return node.all_input_nodes[0]


def take_out(graph: fx.GraphModule, node: fx.Node) -> None:
    """Have what follows a node take the node's input."""
    node.replace_all_uses_with(input_of(node))
    graph.graph.erase_node(node)


def drop_log_softmax(graph: fx.GraphModule) -> None:
    """Without the one at the very end, scores have the same soft-max; it may be the logarithm of a soft-max."""
    last = input_of(output_of(graph))
    if kind_of(graph, last) == "log-softmax":
        take_out(graph, last)
    elif name_of(graph, last) == "log":
        softmax = input_of(last)
        if name_of(graph, softmax) == "clamp_min":
            softmax = input_of(softmax)
        if kind_of(graph, softmax) == "softmax":
            last.replace_all_uses_with(input_of(softmax))
            graph.graph.eliminate_dead_code()


def of_images(graph: fx.GraphModule) -> set[fx.Node]:
    """The nodes that images go into, directly or not; others are of the net's tensors alone."""
    return reached([node for node in graph.graph.nodes if node.op == "placeholder"], forwards=True)


def reached(start: list[fx.Node], forwards: bool) -> set[fx.Node]:
    """All nodes that use the given ones, or that they use; themselves among them."""
    found: set[fx.Node] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += node.users if forwards else node.all_input_nodes
    return found


def is_map(shape: torch.Size) -> bool:
    """Whether what one image has become holds more than one vector, wherever its channels stand."""
    return sum(length > 1 for length in shape[1:]) > 1


def node_shapes(graph: fx.GraphModule, shape: tuple[int, int, int]) -> dict[fx.Node, torch.Size]:
    """The shape of every node's tensor for one image of this shape, by node. Raises UnconvertibleError."""
    shapes = _ShapeRecorder(on_meta(graph))
    try:
        shapes.run(torch.empty(1, *shape, device="meta"))
    except Exception as error:  # a graph may hold anything
        raise UnconvertibleError(f"its graph cannot be followed ({brief(error)})") from None
    return {node: shapes.found[node.name] for node in graph.graph.nodes if node.name in shapes.found}


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
