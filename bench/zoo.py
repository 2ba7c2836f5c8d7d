"""OWN: the paper's nets and their relatives, by name or letter; and behind them torchvision's classification nets."""

import re
from collections import OrderedDict
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, partial
from types import ModuleType
from typing import NamedTuple

import torch
from torch import nn

from bench.errors import UserError
from bench.family import DIGIT_SIDE, SIMPLE_SIDE, DigitNet, NiN, SimpleCNN, ZFNet
from bench.state import State
from bench.vgg import NAMES, SIDE, VGG

LETTERS = {letter: name for name, letter in NAMES.items()}
BATCH_NORM = {f"{name}_bn": letter for name, letter in NAMES.items() if letter in "ABDE"}
PAPER = "Simonyan and Zisserman 2014"


class Own(NamedTuple):
    """A net of ours: made of classes and width, where it is from, and what it takes (pixels, and channels)."""

    make: Callable[[int, float], nn.Module]
    origin: str
    side: int = SIDE
    channels: int = 3


OWN = {
    **{name: Own(partial(VGG, letter), f"{PAPER}, Table 1, {letter}") for name, letter in NAMES.items()},
    **{
        name: Own(partial(VGG, letter, batch_norm=True), f"{PAPER}, {letter} with batch normalisation")
        for name, letter in BATCH_NORM.items()
    },
    "zfnet": Own(ZFNet, "Zeiler and Fergus 2013"),
    "nin": Own(NiN, "Lin et al. 2013"),
    "digitnet": Own(DigitNet, "PyTorch's MNIST example", DIGIT_SIDE, channels=1),
    "simplecnn": Own(SimpleCNN, "three convolutions, for small images", SIMPLE_SIDE),
}
AUXILIARY = ("aux1", "aux2", "AuxLogits")  # heads of googlenet and inception_v3
OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")  # as torchvision's published files have it


def model_names() -> list[str]:
    """Everything `--model` takes, letters aside: the paper's nets first."""
    models = _torchvision()
    return [*OWN, *(name for name in models.list_models(module=models) if name not in OWN)]


def canonical(name: str) -> str:
    """One name for each net: letters become names. Raises UserError with the nearest match."""
    name = LETTERS.get(name, name)
    if name in OWN:
        return name
    known = model_names()
    if name not in known:
        near = get_close_matches(name.lower(), known, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"model '{name}': there are {', '.join(OWN)}, and torchvision's (--list models){hint}")
    return name


def configuration(name: str, width: float = 1) -> str:
    """The paper's letter where the net is exactly one of its configurations; marked where it is a variant of one."""
    letter = NAMES.get(name) or (f"{BATCH_NORM[name]}-BN" if name in BATCH_NORM else "–")
    return letter if width == 1 else f"{letter} x{width:g}"


@cache
def side_of(name: str) -> int:
    """Side of the net's square input, in pixels; of torchvision's nets what their default weights are evaluated at."""
    if name in OWN:
        return OWN[name].side
    return _torchvision().get_model_weights(name).DEFAULT.transforms().crop_size[0]


def channels_of(name: str) -> int:
    """Channels of the net's input: 3, or 1 for grey."""
    return OWN[name].channels if name in OWN else 3


def build(name: str, classes: int, width: float = 1) -> nn.Module:
    """The net in evaluation mode, without storage for its weights (on torch's meta device). Raises UserError."""
    try:
        with torch.device("meta"):
            return construct(name, classes, width).eval()
    except NotImplementedError:  # some constructors compute with tensors, which have no values on meta
        return construct(name, classes, width).eval().to("meta")


def construct(name: str, classes: int, width: float = 1, dropout: float | None = None) -> nn.Module:
    """The net with its constructor's weights, for training; `dropout` is every dropout's rate, None the net's own.

    Raises UserError.
    """
    if width != 1 and name not in OWN:
        raise UserError(f"width {width:g}: only {', '.join(OWN)} have a width multiplier, not {name}")
    net = _constructed(name, classes, width)
    for module in net.modules():
        if dropout is not None and isinstance(module, nn.Dropout):
            module.p = dropout
    return net


def _constructed(name: str, classes: int, width: float) -> nn.Module:
    if name in OWN:
        return OWN[name].make(classes, width)
    settings: dict[str, object] = {}
    if name in ("googlenet", "inception_v3"):
        settings = {"init_weights": False, "aux_logits": False}
    if name.startswith("vit_"):  # their position embedding is made for one side
        settings["image_size"] = side_of(name)
    return _torchvision().get_model(name, weights=None, num_classes=classes, **settings)


def _torchvision() -> ModuleType:
    """Its models, which take seconds to import and which our own nets do without."""
    from torchvision import models

    return models


def class_count(name: str, state: State, width: float = 1) -> int | None:
    """How many classes a state dict's last layer has; None where it has no such layer."""
    last = list(build(name, 1000, width).state_dict())[-1]
    return state[last].shape[0] if last in state and state[last].ndim else None


def load(name: str, state: State, classes: int, width: float, source: str) -> nn.Module:
    """The net with these weights. Raises UserError naming missing, surplus or misshapen ones."""
    net = build(name, classes, width)
    own = net.state_dict()
    for key, value in state.items():
        if key in own and value.shape != own[key].shape:
            raise UserError(
                f"weights '{source}' do not fit {name}: {key} is {_shape(value)} and should be {_shape(own[key])}"
            )
        if key in own and value.is_floating_point() != own[key].is_floating_point():
            kinds = (str(each.dtype).removeprefix("torch.") for each in (value, own[key]))
            raise UserError(f"weights '{source}' do not fit {name}: {key} is {' and should be '.join(kinds)}")
    # load_state_dict lets each module rename keys of its older versions; without a version mnasnet refuses its own
    renamed = OrderedDict((OLD_DENSENET.sub(r"\1\2", key), value) for key, value in state.items())
    renamed._metadata = {"": {"version": getattr(net, "_version", None)}}  # type: ignore[attr-defined]
    found = net.load_state_dict(renamed, strict=False, assign=True)
    surplus = [key for key in found.unexpected_keys if key.split(".")[0] not in AUXILIARY]
    if found.missing_keys or surplus:
        both = zip(("missing", "surplus"), (found.missing_keys, surplus), strict=True)
        faults = [f"{what} {_some(keys)}" for what, keys in both if keys]
        raise UserError(f"weights '{source}' do not fit {name}: {', '.join(faults)}")
    return net


def _some(keys: list[str]) -> str:
    return keys[0] + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")


def _shape(value: torch.Tensor) -> str:
    return "x".join(map(str, value.shape)) or "a number"
