"""Nets for Python: modules, models that were loaded, and what `--model` and `--weights` take."""

import os
from collections.abc import Mapping, Sequence

from torch import nn

from bench.api.values import Scale, given_classes, given_pixels, given_S
from bench.engine.request import Entrant
from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets.given_modules import GivenNet, innermost
from bench.nets.model import Model
from bench.nets.net_spec import named_nets
from bench.nets.weights import SUFFIXES, read_weights

Net = nn.Module | Model | str
KINDS = "an nn.Module, a name such as 'vgg16', weights such as 'builtin:D-256-512', or what load_model gives"


def entrants(
    net: Net | Mapping[str, Net],
    weights: str | None = None,
    S: Scale = None,
    pixels: str | Pixels | None = None,
    side: int | None = None,
    classes: Sequence[str] | None = None,
    weights_key: str | None = None,
    drop_class: int | str | None = None,
    identity: str | None = None,
) -> dict[str, Entrant]:
    """The nets by what the caller calls them; for names with commas in them there are several. Raises UserError."""
    for name, text in {"weights": weights, "weights_key": weights_key, "identity": identity}.items():
        if text is not None and not isinstance(text, str):
            raise UserError(f"{name} of type {type(text).__name__}: give a text")
    if isinstance(net, Mapping):
        if not net:
            raise UserError(f"no net: give {KINDS}, or several of them by name")
        if weights is not None:
            raise UserError("weights: several nets have one each; give NAME: 'PLACE' where the net stands")
        found: dict[str, Entrant] = {}
        for label, each in net.items():
            if not isinstance(label, str):
                raise UserError(f"net {label!r}: name nets by texts")
            if isinstance(each, Model):  # what the others are told was said of it when it was loaded
                found[label] = each
                continue
            own = (classes, identity) if isinstance(each, nn.Module) else (None, None)  # names have theirs
            ours = entrants(each, None, S, pixels, side, own[0], weights_key, drop_class, own[1])
            if len(ours) > 1:
                raise UserError(f"net '{label}': {each!r} is several nets; give each its name")
            found[label] = next(iter(ours.values()))
            if isinstance(each, nn.Module):
                found[label] = _given(each, label, S, pixels, side, classes, identity)
        return found
    if isinstance(net, Model):
        told = {"weights": weights, "S": S, "pixels": pixels, "side": side, "classes": classes}
        told |= {"weights_key": weights_key, "drop_class": drop_class, "identity": identity}
        for name, value in told.items():
            if value is not None:
                raise UserError(f"{name} {value!r}: model '{net.name}' is loaded; give {name} to load_model, if at all")
        return {net.name: net}
    if isinstance(net, nn.Module):
        told = {"weights": weights, "weights_key": weights_key, "drop_class": drop_class}
        for name, value in told.items():
            if value is not None:
                raise UserError(f"{name} {value!r}: an nn.Module has its weights and classes; leave {name} out")
        name = type(innermost(net)).__name__
        return {name: _given(net, name, S, pixels, side, classes, identity)}
    if not isinstance(net, str):
        raise UserError(f"net of type {type(net).__name__}: give {KINDS}")
    for what, value in {"classes": classes, "identity": identity}.items():
        if value is not None:
            raise UserError(f"{what} {value!r}: it is for an nn.Module, and net '{net}' is a name; leave {what} out")
    name, place = _named(net, weights, weights_key)
    texts = [None if each is None else str(each) for each in (weights_key, side, drop_class)]
    specs = named_nets(name, place, given_S(S), given_pixels(pixels), *texts)
    return dict(zip(_distinct([each.name for each in specs]), specs, strict=True))


def _given(
    net: nn.Module,
    name: str,
    S: Scale,
    pixels: str | Pixels | None,
    side: int | None,
    classes: Sequence[str] | None,
    identity: str | None,
) -> GivenNet:
    return GivenNet(name, net, given_classes(classes), given_pixels(pixels), given_S(S), side, identity)


def _named(net: str, weights: str | None, key: str | None) -> tuple[str, str]:
    """A net's name and the place of its weights; weights alone say which net they are for. Raises UserError."""
    alone = net.startswith(("builtin:", "torchvision:")) or net.endswith(SUFFIXES) or os.sep in net
    if not alone:
        return net, weights or "auto"
    if weights is not None:
        raise UserError(f"net '{net}': these are weights, and weights '{weights}' are others; give one of them")
    name = read_weights(net, key=key).model
    if name is None:
        raise UserError(f"weights '{net}': they do not say which net they are for; give its name, and weights='{net}'")
    return name, net


def _distinct(names: Sequence[str]) -> list[str]:
    """With #2 and so on behind a name that was there before."""
    return [name if names.index(name) == k else f"{name}#{names[: k + 1].count(name)}" for k, name in enumerate(names)]
