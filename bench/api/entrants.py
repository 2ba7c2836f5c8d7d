"""Nets for Python: modules, models that were loaded, and what `--model` and `--weights` take."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from bench.api.values import Scale, given_classes, given_pixels, given_S
from bench.engine.request import Entrant
from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets.given_modules import GivenNet, innermost
from bench.nets.model import Model
from bench.nets.net_spec import is_made, named_nets
from bench.nets.reading import ALL_SUFFIXES, read_weights

Net = nn.Module | Model | str
KINDS = "an nn.Module, a name such as 'vgg16', weights such as 'builtin:D-256-512', or what load_model gives"

OF_NAMES = ("weights_key", "drop_class")  # what is said of nets that are named alone
OWN = "an nn.Module has its weights and classes; leave NAME out"


@dataclass(frozen=True)
class Said:
    """What a call says of its nets, None where it does not. Raises UserError for what no net can be told."""

    weights: str | None = None
    S: Scale = None
    pixels: str | Pixels | None = None
    side: int | None = None
    classes: Sequence[str] | None = None
    identity: str | None = None
    weights_key: str | None = None
    drop_class: int | str | None = None

    def __post_init__(self) -> None:
        for name in ("weights", "weights_key", "identity"):
            text = getattr(self, name)
            if text is not None and not isinstance(text, str):
                raise UserError(f"{name} of type {type(text).__name__}: give a text")

    def refuse(self, names: Sequence[str], why: str) -> None:
        """Raise UserError where one of these is said; in `why` NAME stands for it."""
        for name in names:
            if (value := getattr(self, name)) is not None:
                raise UserError(f"{name} {value!r}: {why.replace('NAME', name)}")


def entrants(net: Net | Mapping[str, Net], said: Said) -> dict[str, Entrant]:
    """The nets by what the caller calls them; for names with commas in them there are several. Raises UserError."""
    if isinstance(net, Mapping):
        return _several(net, said)
    if isinstance(net, Model):
        said.refuse(list(vars(said)), f"model '{net.name}' is loaded; give NAME to load_model, if at all")
        return {net.name: net}
    if isinstance(net, nn.Module):
        said.refuse(("weights", *OF_NAMES), OWN)
        name = type(innermost(net)).__name__
        return {name: _given(net, name, said)}
    if isinstance(net, str):
        said.refuse(("identity",), f"it is for an nn.Module, and net '{net}' is a name; leave NAME out")
        return _named(net, said)
    raise UserError(f"net of type {type(net).__name__}: give {KINDS}")


def _several(nets: Mapping[str, Net], said: Said) -> dict[str, Entrant]:
    """Each is told what can be said of its kind; a loaded model nothing, since it was said when it was loaded."""
    if not nets:
        raise UserError(f"no net: give {KINDS}, or several of them by name")
    if said.weights is not None:
        raise UserError("weights: several nets have one each; give NAME: 'PLACE' where the net stands")
    found: dict[str, Entrant] = {}
    for label, net in nets.items():
        if not isinstance(label, str):
            raise UserError(f"net {label!r}: name nets by texts")
        if isinstance(net, nn.Module):
            said.refuse(OF_NAMES, OWN)
            found[label] = _given(net, label, said)
            continue
        ours = entrants(net, Said() if isinstance(net, Model) else replace(said, identity=None))
        if len(ours) > 1:
            raise UserError(f"net '{label}': {net!r} is several nets; give each its name")
        (found[label],) = ours.values()
        if isinstance(net, Model) and any(net is other for name, other in found.items() if name != label):
            raise UserError(f"net '{label}': it is model '{net.name}' a second time; give each net once")
    return found


def _given(net: nn.Module, name: str, said: Said) -> GivenNet:
    classes, pixels, S = given_classes(said.classes), given_pixels(said.pixels), given_S(said.S)
    return GivenNet(name, net, classes, pixels, S, said.side, said.identity)


def _named(net: str, said: Said) -> dict[str, Entrant]:
    name, place = _name_and_place(net, said)
    texts = [None if each is None else str(each) for each in (said.weights_key, said.side, said.drop_class)]
    specs = named_nets(name, place, given_S(said.S), given_pixels(said.pixels), *texts)
    specs = tuple(replace(each, classes=given_classes(said.classes)) for each in specs)
    return dict(zip(_distinct([each.name for each in specs]), specs, strict=True))


def _name_and_place(net: str, said: Said) -> tuple[str, str]:
    """A net's name and the place of its weights; weights alone say which net they are for. Raises UserError."""
    alone = not is_made(net.partition(",")[0]) and _is_place(net)
    if not alone:
        return net, said.weights or "auto"
    if said.weights is not None:
        raise UserError(f"net '{net}': these are weights, and weights '{said.weights}' are others; give one of them")
    name = read_weights(net, key=said.weights_key).model
    if name is None:
        raise UserError(f"weights '{net}': they do not say which net they are for; give its name, and weights='{net}'")
    return name, net


def _is_place(net: str) -> bool:
    """Whether it says where weights are, and no net's name."""
    return net.startswith(("builtin:", "torchvision:", "hf:")) or net.endswith(ALL_SUFFIXES) or os.sep in net


def _distinct(names: Sequence[str]) -> list[str]:
    """With #2 and so on behind a name that was there before."""
    return [name if names.index(name) == k else f"{name}#{names[: k + 1].count(name)}" for k, name in enumerate(names)]
