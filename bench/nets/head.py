"""The head of a net: what comes after its features, and learns other classes from them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import fx, nn

from bench.errors import UserError
from bench.nets.layers import evaluating

HEADS = ("classifier", "fc")


def last_layer(net: nn.Module) -> str:
    """The name of the layer that gives the classes' scores."""
    names = [name for name, _ in net.named_modules()]
    if isinstance(net, fx.GraphModule):  # in the order of its calls: layers may have been put in others' places
        names = [str(node.target) for node in net.graph.nodes if node.op == "call_module"]
    return [name for name in names if list(net.get_submodule(name).parameters(recurse=False))][-1]


def head_of(net: nn.Module) -> str:
    """The name of the module that trains while features are frozen: `classifier` or `fc`, else the last layer."""
    return next((name for name in HEADS if hasattr(net, name)), None) or last_layer(net)


def freeze(net: nn.Module) -> None:
    """Let nothing but the head's parameters learn."""
    net.requires_grad_(False)
    net.get_submodule(head_of(net)).requires_grad_(True)


def train_head(net: nn.Module) -> None:
    """Training mode for the head alone: statistics of batch normalisation before it stay, and dropout is off."""
    net.eval()
    net.get_submodule(head_of(net)).train()


@contextmanager
def inputs_of_head(net: nn.Module) -> Iterator[list[torch.Tensor]]:
    """A list that every run of the net adds its head's input to."""
    caught: list[torch.Tensor] = []
    head = net.get_submodule(head_of(net))
    hook = head.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].detach()))
    try:
        yield caught
    finally:
        hook.remove()


def from_head_on(net: nn.Module) -> nn.Module:
    """The net that takes its head's inputs and gives its scores; parameters are shared. Raises UserError."""
    name = head_of(net)
    try:
        with evaluating(net):
            graph = _Tracer(name).trace(net)
        start = next(node for node in graph.nodes if node.op == "call_module" and node.target == name)
        with graph.inserting_before(start):
            start.args = (graph.placeholder("features"),)
        _keep_what_output_needs(graph)
        if len([node for node in graph.nodes if node.op == "placeholder"]) != 1:
            raise ValueError("what follows the head looks at the image again")
        return fx.GraphModule(net, graph)
    except Exception as error:  # tracing runs the net's own Python, which may raise anything
        why = " ".join(str(error).split())[:80]
        raise UserError(f"--cache-features: the net cannot be cut before its head ({why}); leave it out") from None


def _keep_what_output_needs(graph: fx.Graph) -> None:
    needed, waiting = set(), [next(node for node in graph.nodes if node.op == "output")]
    while waiting:
        needed.add(node := waiting.pop())
        waiting += [each for each in node.all_input_nodes if each not in needed]
    for node in reversed(graph.nodes):
        if node not in needed:
            graph.erase_node(node)


class _Tracer(fx.Tracer):
    """Takes the head as one node."""

    def __init__(self, head: str) -> None:
        super().__init__()
        self.head = head

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return name == self.head or super().is_leaf_module(module, name)
