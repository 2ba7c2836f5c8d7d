"""Nets that are made elsewhere, by timm or by people's own code: from a request to a Model."""

from dataclasses import replace

import torch
from torch import nn

from bench.errors import UserError
from bench.nets import timm_nets
from bench.nets.device import Precision
from bench.nets.given_modules import GivenNet, open_given
from bench.nets.model import Model
from bench.nets.net_code import made_net, short_name
from bench.nets.net_spec import NetSpec
from bench.nets.published import Recipe
from bench.nets.reading import read_weights
from bench.nets.tensor_names import own_names
from bench.nets.weights import Weights
from bench.nets.zoo import load_into


def open_made(spec: NetSpec, device: torch.device, precision: Precision, map_rule: str) -> Model:
    """Make a net, give it weights where the request names some, and try it. Raises UserError."""
    if spec.drop is not None:
        raise UserError(
            f"--drop-class {spec.drop}: it is for nets by name; let {spec.name} give the other classes alone"
        )
    given = _of_timm(spec) if timm_nets.is_timm(spec.name) else _of_code(spec)
    return open_given(given, device, precision, map_rule)


def _of_timm(spec: NetSpec) -> GivenNet:
    """Its version of timm and its weights say what it computes."""
    if spec.weights == "auto":
        net, weights = timm_nets.published_net(spec.name)
    else:
        weights = _read(spec)
        if (weights.side or spec.side) in (None, timm_nets.usual_side(spec.name)):
            weights = replace(weights, recipe=_unfigured(weights.recipe) or timm_nets.usual_recipe(spec.name))
        net, state = timm_nets.bare_net(spec.name, weights.state)
        load_into(net, spec.name, state, spec.weights)
    identity = f"timm {timm_nets.version(spec.name)} {spec.name}"
    return GivenNet(
        *(spec.name, net, spec.classes, spec.pixels, spec.S, spec.side, identity, weights),
        usual=timm_nets.usual_pixels(spec.name),
        usual_side=timm_nets.usual_side(spec.name),
    )


def _of_code(spec: NetSpec) -> GivenNet:
    net = made_net(spec.name, spec.arguments)
    if spec.weights == "auto":
        _refuse_random(net, spec)
        weights = Weights(source=f"{short_name(spec.name)}'s own", state={})
    else:
        weights = _read(spec)
        weights = replace(weights, recipe=_unfigured(weights.recipe))
        load_into(net, spec.name, own_names(list(net.state_dict()), weights.state), spec.weights)
    return GivenNet(
        short_name(spec.name),
        net,
        spec.classes,
        spec.pixels,
        spec.S,
        spec.side,
        weights=weights,
        code=spec.name,
    )


def _unfigured(recipe: Recipe | None) -> Recipe | None:
    """Without the errors that weights have in their makers' net, which this one need not be."""
    return recipe and recipe._replace(top1=None, top5=None)


def _read(spec: NetSpec) -> Weights:
    weights = read_weights(spec.weights, key=spec.key)
    if weights.model:
        raise UserError(
            f"weights '{spec.weights}' are for {weights.model}, not {spec.name}; give --model {weights.model}"
        )
    return weights


def _refuse_random(net: nn.Module, spec: NetSpec) -> None:
    """Raise UserError where the code draws weights at random: another one has others."""
    again = made_net(spec.name, spec.arguments).state_dict()
    different = [name for name, value in net.state_dict().items() if not torch.equal(value, again[name])]
    if different:
        raise UserError(
            f"model '{spec.name}': it draws its weights at random ({different[0]}), so that every run has others; give "
            "--weights FILE"
        )
