"""Layers that a file has in order but under names of its own, as a net's: by their order, and then by their shapes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from bench.errors import UserError
from bench.nets import zoo
from bench.nets.state_dicts import State


class Layer(NamedTuple):
    """A convolution (out, in, H, W) or a linear layer (out, in), its inputs counted C, H, W; `bias` is (out,)."""

    name: str
    weight: torch.Tensor
    bias: torch.Tensor | None


def in_order(spec: str, model: str, layers: Sequence[Layer]) -> tuple[State, float]:
    """The layers under a net's names, and the width of the net that their shapes tell. Raises UserError.

    A convolution that sees all of its map is the linear layer that the net has in its place. Whether shapes fit shows
    where they are loaded.
    """
    own = zoo.build(model, 2).state_dict()
    places = [name.removesuffix(".weight") for name, value in own.items() if value.ndim > 1]
    if len(places) != len(layers):
        raise UserError(
            f"weights '{spec}': {len(layers)} layers with weights, {layers[0].name} to {layers[-1].name}, and {model} "
            f"has {len(places)}; give --model of the net that it holds"
        )
    state: State = {}
    for place, layer in zip(places, layers, strict=True):
        linear = own[f"{place}.weight"].ndim == 2
        state[f"{place}.weight"] = layer.weight.flatten(1) if linear else layer.weight
        if layer.bias is not None:
            state[f"{place}.bias"] = layer.bias
        elif f"{place}.bias" in own:  # there is none in the file, which adds nothing
            state[f"{place}.bias"] = torch.zeros(len(layer.weight))
    full = len(own[f"{places[0]}.weight"])
    return state, len(layers[0].weight) / full if model in zoo.OWN else 1


def under_own_names(layers: Sequence[Layer]) -> State:
    """The layers as the file calls them, for nets that nobody here knows."""
    state = {f"{layer.name}.weight": layer.weight for layer in layers}
    return state | {f"{layer.name}.bias": layer.bias for layer in layers if layer.bias is not None}
