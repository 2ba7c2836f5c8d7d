"""Nets as trees of layers: another layer in one's place, and copies with layers of their own."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import getclosurevars
from types import FunctionType
from typing import TypeVar

import torch
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def put(net: nn.Module, name: str, layer: nn.Module) -> None:
    """Put a layer where `name`, such as `features.3`, says; beside the others where nothing stands there yet."""
    parent, _, own = name.rpartition(".")
    setattr(net.get_submodule(parent), own, layer)


def tensors_of(net: nn.Module) -> list[torch.Tensor]:
    """Parameters, buffers, and tensors that layers keep as plain attributes, each once."""
    plain = [each for layer in net.modules() for each in vars(layer).values() if isinstance(each, torch.Tensor)]
    return list({id(each): each for each in (*net.parameters(), *net.buffers(), *plain)}.values())


def state_of(net: nn.Module) -> tuple[tuple[int, int, torch.dtype], ...]:
    """Which tensors a net has, in which format, and how often each was written to: another one where it was trained."""
    return tuple((id(each), 0 if each.is_inference() else each._version, each.dtype) for each in tensors_of(net))


def hooks_of(net: nn.Module) -> list[Callable]:
    """What was hooked into the forward pass of a net's layers."""
    kinds = ("_forward_hooks", "_forward_pre_hooks")
    return [hook for layer in net.modules() for kind in kinds for hook in getattr(layer, kind).values()]


def scripted(net: nn.Module) -> bool:
    """Whether torch.jit made layers of it, which copy their tensors themselves."""
    return any(isinstance(layer, torch.jit.ScriptModule) for layer in net.modules())


def held_forwards(net: nn.Module) -> list[str]:
    """The layers whose `forward` was replaced by a function that holds on to a module, which copies would share."""
    return [name for name, layer in net.named_modules() if _holds_module(vars(layer).get("forward"))]


def _holds_module(found: object) -> bool:
    if isinstance(found, FunctionType):
        return any(_is_module(cell) or _holds_module(cell) for cell in getclosurevars(found).nonlocals.values())
    return False


def _is_module(found: object) -> bool:
    """Or one's method."""
    return isinstance(getattr(found, "__self__", found), nn.Module)


def sharing_copy(net: Net) -> Net:
    """A net with layers of its own that has the very parameters and buffers of the given one."""
    return copy_with(net, lambda each: each)


def copy_with(net: Net, change: Callable[[torch.Tensor], torch.Tensor]) -> Net:
    """A net of its own whose parameters and buffers are what `change` makes of the given one's.

    Hooks are the very same, and what they belong to is not copied.
    """
    memo: dict[int, object] = {id(each): each for each in hooks_of(net)}
    return copy.deepcopy(net, memo | {id(each): _of_its_kind(each, change(each)) for each in tensors_of(net)})


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """The net in evaluation mode meanwhile, then each of its layers in its own."""
    modes = {layer: layer.training for layer in net.modules()}
    net.eval()
    try:
        yield
    finally:
        for layer, mode in modes.items():
            layer.training = mode


def on_meta(net: Net) -> Net:
    """A copy without storage, in float32: for shapes and counts alone."""
    return copy_with(net, lambda each: torch.empty_like(each, device="meta", dtype=_single(each)))


def _single(tensor: torch.Tensor) -> torch.dtype:
    return torch.float32 if tensor.is_floating_point() else tensor.dtype


def _of_its_kind(tensor: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    if value is tensor or not isinstance(tensor, nn.Parameter):
        return value
    return nn.Parameter(value, tensor.requires_grad and not value.is_inference())  # that of inference has no gradient
