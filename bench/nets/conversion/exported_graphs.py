"""The graph that torch.export makes of a net at its own size, with torch's layers where an operator is one.

So what is done to graphs later, faster forms and lower precision among it, finds layers as in a graph of torch.fx.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

import torch
from torch import fx, nn

from bench.nets.conversion.graphs import name_of, output_of
from bench.nets.layers import put, sharing_copy
from bench.nets.tracing import exported

ASSERTED = ("_guards_fn", "assert", "sym_constrain")  # nodes that say which sizes were exported, and no more
NORM = "_native_batch_norm_legit_no_training"  # torch 2.4's, which gives three tensors
TENSORS = ("weight", "bias", "running_mean", "running_var")

Said = dict[str, Any]  # an operator's arguments, by its names of them
Values = dict[str, torch.Tensor]


def exported_graph(net: nn.Module, shape: tuple[int, int, int]) -> fx.GraphModule:
    """A graph that says nothing of sizes but what the net computed of them; tensors are shared with the net.

    Raises whatever torch says of nets that it cannot export, and ValueError where more than one tensor comes out.
    """
    device = next((each.device for each in net.parameters()), torch.device("cpu"))
    program = exported(sharing_copy(net).eval(), torch.zeros(2, *shape, device=device)).module()
    program.graph.set_codegen(fx.graph.CodeGen())  # of one tensor in and one out, as modules have it
    graph = fx.GraphModule(program, program.graph, type(net).__name__)
    (scores,) = cast(tuple[fx.Node, ...], output_of(graph).args[0])  # else there is more than one
    output_of(graph).args = (scores,)
    for node in list(graph.graph.nodes):
        if any(word in f"{name_of(graph, node)} {node.target}" for word in ASSERTED):
            graph.graph.erase_node(node)
        elif node.op == "call_function" and name_of(graph, node) in LAYERS:
            _put_layer(graph, node)
        elif "device" in node.kwargs and not node.all_input_nodes:
            _keep_constant(graph, node)
    for node in list(graph.graph.nodes):
        node.meta.pop("val", None)  # of the sizes that were exported
        if node.op == "get_attr" and not node.users:
            graph.graph.erase_node(node)
    return fx.GraphModule(graph, graph.graph, type(net).__name__)  # without tensors that none of its nodes is


def _keep_constant(graph: fx.GraphModule, node: fx.Node) -> None:
    """What is made of nothing, on the device that was exported on, is a buffer, which goes where the net goes."""
    name = f"{node.name}_constant"
    graph.register_buffer(name, node.target(*node.args, **node.kwargs))  # type: ignore[operator]
    with graph.graph.inserting_before(node):
        node.replace_all_uses_with(graph.graph.get_attr(name))
    graph.graph.erase_node(node)


def _put_layer(graph: fx.GraphModule, node: fx.Node) -> None:
    """A layer in the place of an operator that has the net's own tensors; others, of computed weights, stay."""
    said = _arguments(node)
    tensors = {name: said[name] for name in TENSORS if said.get(name) is not None}
    if any(not isinstance(each, fx.Node) or each.op != "get_attr" for each in tensors.values()):
        return
    values = {name: attrgetter(str(each.target))(graph) for name, each in tensors.items()}
    normalises = "batch_norm" in name_of(graph, node)
    if normalises and (values.keys() != set(TENSORS) or node.args[0].meta["val"].ndim != 4):  # type: ignore[union-attr]
        return
    with torch.device("meta"):
        layer = LAYERS[name_of(graph, node)](said, values).eval()
    for name, value in values.items():
        setattr(layer, name, value)
    owner = str(tensors["weight"].target).rpartition(".")[0] if tensors else ""
    name = ".".join(filter(None, (owner, node.name)))
    put(graph, name, layer)
    result = next(iter(node.users)) if name_of(graph, node) == NORM else node  # the first of what that one gives
    with graph.graph.inserting_before(node):
        called = graph.graph.call_module(name, (node.args[0],))
    called.meta = dict(result.meta)
    result.replace_all_uses_with(called)
    for each in dict.fromkeys((result, node)):
        graph.graph.erase_node(each)


def _arguments(node: fx.Node) -> Said:
    """What an operator was called with, by the names that it has for it, defaults among it."""
    declared = node.target._schema.arguments  # type: ignore[union-attr]
    given = dict(zip((each.name for each in declared), node.args, strict=False))
    return {each.name: each.default_value for each in declared} | given | dict(node.kwargs)


def _convolution(said: Said, values: Values) -> nn.Module:
    count, channels, height, width = values["weight"].shape
    named = {name: said[name] for name in ("stride", "padding", "dilation", "groups")}
    plain: Said = {name: tuple(each) if isinstance(each, list) else each for name, each in named.items()}
    return nn.Conv2d(channels * said["groups"], count, (height, width), bias="bias" in values, **plain)


def _linear(said: Said, values: Values) -> nn.Module:
    count, features = values["weight"].shape
    return nn.Linear(features, count, "bias" in values)


def _batch_norm(said: Said, values: Values) -> nn.Module:
    norm = nn.BatchNorm2d(len(values["running_mean"]), said["eps"], said["momentum"])
    norm.num_batches_tracked = None  # of training alone
    return norm


def _max_pool(said: Said, values: Values) -> nn.Module:
    named = {name: said[name] for name in ("padding", "dilation", "ceil_mode")}
    return nn.MaxPool2d(said["kernel_size"], said["stride"] or None, **named)


def _average_pool(said: Said, values: Values) -> nn.Module:
    named = {name: said[name] for name in ("padding", "ceil_mode", "count_include_pad", "divisor_override")}
    return nn.AvgPool2d(said["kernel_size"], said["stride"] or None, **named)


LAYERS: dict[str, Callable[[Said, Values], nn.Module]] = {
    "conv2d": _convolution,
    "linear": _linear,
    "batch_norm": _batch_norm,
    NORM: _batch_norm,
    "max_pool2d": _max_pool,
    "avg_pool2d": _average_pool,
}
