"""What a net that only Python knows computes, as a digest: its tensors, and what it does with them.

Two nets with equal tensors and different `forward` must not share stored blocks. So the traced graph is part of the
digest: by torch.fx, which keeps torch's layers whole, or else by torch.export. What neither shows, such as a
hook or a function that tracing does not enter, has no digest.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from types import ModuleType
from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules import module as module_hooks

from bench.nets.layers import hooks_of, sharing_copy
from bench.nets.tracing import exported, traced

KNOWN = ("torch", "torchvision", "_operator", "operator", "builtins", "math")  # whose functions a name stands for
LIBRARIES = ("aten", "prims", "prim", "torchvision", "quantized")  # whose operators are known by name
PLAIN: tuple[type, ...] = (
    *(bool, int, float, complex, str, bytes, type(None), type(...)),
    *(torch.dtype, torch.device, torch.layout, torch.memory_format),
)
OWN = {"training", "_is_full_backward_hook", "_backward_hooks", "_non_persistent_buffers_set"}  # of no value's concern


class UntoldError(Exception):
    """Something that the net computes with cannot be told in words."""


def net_digest(net: nn.Module, said: str | None, images: torch.Tensor) -> str | None:
    """SHA-256 of a net in evaluation mode; None where nobody can tell what it computes.

    `said` is the caller's word for what it computes, else it is traced, on a batch of at least two `images`.
    """
    words = [f"said {said}"] if said is not None else _traced(net, images)
    if words is None:
        return None
    total = hashlib.sha256()
    for word in words:
        total.update(f"{word}\n".encode("utf-8", "surrogateescape"))
    try:
        for name, value in sorted(_tensors(net)):
            total.update(f"{_values(name, value)}\n".encode())
    except (RuntimeError, TypeError, NotImplementedError):  # of a kind whose bytes torch does not show
        return None
    return total.hexdigest()


def _values(name: str, value: torch.Tensor) -> str:
    """A tensor by its name, kind and bytes."""
    plain = value.detach().cpu().resolve_conj().resolve_neg()
    plain = plain if plain.layout == torch.strided else plain.to_dense()
    content = plain.contiguous().view(-1).view(torch.uint8).numpy().data
    return f"{name} {value.dtype} {tuple(value.shape)} {hashlib.sha256(content).hexdigest()}"


def _tensors(net: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """All that a net keeps, by name: buffers that no state dict has, too, and plain attributes."""
    for prefix, layer in net.named_modules(remove_duplicate=False):
        own = {**layer._parameters, **layer._buffers, **vars(layer)}
        for name, value in own.items():
            if isinstance(value, torch.Tensor):
                yield f"{prefix}.{name}", value


def _traced(net: nn.Module, images: torch.Tensor) -> list[str] | None:
    if any(not _known(hook if hasattr(hook, "__qualname__") else type(hook)) for hook in hooks_of(net)):
        return None
    if any(not _known(type(layer).__call__) for layer in net.modules()):  # torch.fx asks for its forward alone
        return None
    if module_hooks._global_forward_hooks or module_hooks._global_forward_pre_hooks:
        return None
    for trace in (_by_fx, _by_export):
        try:
            return list(trace(net, images))
        except Exception:  # tracing runs the net's own Python, which may raise anything
            continue
    return None


def _by_fx(net: nn.Module, images: torch.Tensor) -> Iterator[str]:
    if "forward" in vars(net):
        raise UntoldError("forward")  # torch.fx follows that of the class
    graph = traced(sharing_copy(net))
    _refuse_other(graph, net, images)
    for node in graph.graph.nodes:
        yield f"{node.name} {node.op} {_target(node)} {_told(node.args)} {_told(node.kwargs)}"
        if node.op == "get_attr":  # also what was computed from tensors alone, which the graph has as its result
            yield _values(str(node.target), attrgetter(str(node.target))(graph))
        elif node.op == "call_module":
            yield from _layer(graph.get_submodule(str(node.target)))


@torch.inference_mode()
def _refuse_other(graph: fx.GraphModule, net: nn.Module, images: torch.Tensor) -> None:
    """Raise UntoldError where the graph computes something else: tracing takes other ways through a net's branches."""
    own, told = net(images), graph(images)
    if not (isinstance(own, torch.Tensor) and torch.allclose(own, told, rtol=1e-4, atol=1e-6, equal_nan=True)):
        raise UntoldError("another way through the net")


def _by_export(net: nn.Module, images: torch.Tensor) -> Iterator[str]:
    """Of images of the net's own size, in batches of any: one that branches on their number is not told."""
    program = exported(sharing_copy(net), images)
    if any(isinstance(each, fx.GraphModule) for each in program.graph_module.children()):
        raise UntoldError("a graph within the graph")  # of a branch, or under other settings
    for node in program.graph.nodes:
        yield f"{node.name} {node.op} {_target(node)} {_told(node.args)} {_told(node.kwargs)}"
    for name, value in sorted(program.constants.items()):
        if not isinstance(value, torch.Tensor):
            raise UntoldError(name)
        yield _values(name, value)


def _target(node: fx.Node) -> str:
    return _function(node.target) if node.op == "call_function" else str(node.target)


def _function(function: Any) -> str:
    if isinstance(function, torch._ops.OpOverload | torch._ops.OpOverloadPacket):
        if str(function).partition(".")[0] not in LIBRARIES:  # a person's own operator, whose name says nothing of it
            raise UntoldError(str(function))
        return str(function)
    if not _known(function):
        raise UntoldError(str(function))
    return f"{function.__module__}.{getattr(function, '__qualname__', function.__name__)}"


def _known(thing: Any) -> bool:
    """Whether its name says what it does: something of torch's or Python's own."""
    module = getattr(thing, "__module__", None) or ""
    return module.partition(".")[0] in KNOWN


def _layer(layer: nn.Module) -> Iterator[str]:
    """A layer that tracing kept whole, and what is in it: classes and every plain value. Raises UntoldError."""
    for name, each in layer.named_modules(remove_duplicate=False):
        if not _known(type(each)) or not _known(type(each).forward):  # a class of torch's may have been changed
            raise UntoldError(str(type(each)))
        values = {key: value for key, value in vars(each).items() if key not in OWN and not _kept_elsewhere(key, value)}
        yield f"{name} {type(each).__module__}.{type(each).__qualname__} {_told(dict(sorted(values.items())))}"


def _kept_elsewhere(key: str, value: Any) -> bool:
    """Tensors, which are digested by name; layers, which have lines of their own; hooks, which were looked at."""
    inside = key in ("_parameters", "_buffers", "_modules") or "_hooks" in key
    return inside or isinstance(value, torch.Tensor)


def _told(value: Any) -> str:
    """A value in words that are the same in every process. Raises UntoldError."""
    if isinstance(value, fx.Node):
        return value.name
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + _listed(f"{_told(key)}: {_told(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        return type(value).__name__ + "(" + _listed(map(_told, value)) + ")"
    if isinstance(value, set | frozenset):
        return "set(" + _listed(sorted(map(_told, value))) + ")"
    if isinstance(value, slice):
        return f"slice({_told(value.start)}, {_told(value.stop)}, {_told(value.step)})"
    if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
        return str(value)
    if callable(value) and not isinstance(value, nn.Module | ModuleType):
        return _function(value)
    raise UntoldError(str(type(value)))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
