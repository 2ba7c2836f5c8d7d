"""OWN: the paper's nets and their relatives, by name or letter; and behind them torchvision's classification nets."""

import math
import re
from collections import OrderedDict
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, partial
from types import ModuleType
from typing import NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from bench.errors import UserError
from bench.images.pixels import NAMED, Pixels
from bench.nets import published
from bench.nets.family import CAFFE_SIDE, DIGIT_SIDE, SIMPLE_SIDE, CaffeNet, DigitNet, NiN, SimpleCNN, ZFNet
from bench.nets.keras_nets import KerasMobileNetV2, KerasResNet50
from bench.nets.state_dicts import State, shape_text
from bench.nets.tensor_names import prefixes
from bench.nets.vgg import NAMES, SIDE, VGG

LETTERS = {letter: name for name, letter in NAMES.items()}
BATCH_NORM = {f"{name}_bn": letter for name, letter in NAMES.items() if letter in "ABDE"}
PAPER = "Simonyan and Zisserman 2014"
HALVES = Pixels("RGB", 1, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # -1..1


class Own(NamedTuple):
    """A net of ours: made of classes and width, where it is from, and what it takes (side, channels, values)."""

    make: Callable[[int, float], nn.Module]
    origin: str
    side: int = SIDE
    channels: int = 3
    pixels: Pixels = NAMED["torchvision"]


OWN = {
    **{name: Own(partial(VGG, letter), f"{PAPER}, Table 1, {letter}") for name, letter in NAMES.items()},
    **{
        name: Own(partial(VGG, letter, batch_norm=True), f"{PAPER}, {letter} with batch normalisation")
        for name, letter in BATCH_NORM.items()
    },
    "zfnet": Own(ZFNet, "Zeiler and Fergus 2013"),
    "caffenet": Own(CaffeNet, "Krizhevsky et al. 2012, as Caffe has it", CAFFE_SIDE, pixels=NAMED["caffe"]),
    "nin": Own(NiN, "Lin et al. 2013"),
    "digitnet": Own(DigitNet, "PyTorch's MNIST example", DIGIT_SIDE, channels=1, pixels=NAMED["mnist"]),
    "simplecnn": Own(SimpleCNN, "three convolutions, for small images", SIMPLE_SIDE),
    "resnet50-keras": Own(KerasResNet50, "He et al. 2015 (keras.applications)", pixels=NAMED["caffe"]),
    "mobilenet_v2-keras": Own(KerasMobileNetV2, "Sandler et al. 2018 (keras.applications)", pixels=HALVES),
}
AUXILIARY = {"googlenet": ("aux1", "aux2"), "inception_v3": ("AuxLogits",)}  # heads that training alone uses
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
    if name.startswith(("hf:", "builtin:", "torchvision:")):
        raise UserError(f"model '{name}': these are weights; give --model NAME --weights {name}")
    if ":" in name:
        raise UserError(f"model '{name}': nets of timm and of people's own code are for bench.run and bench.predict")
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


def side_of(name: str) -> int:
    """Side of the net's square input, in pixels; of torchvision's nets what their default weights are evaluated at."""
    return OWN[name].side if name in OWN else published.usual_side(name)


def sides_of(name: str) -> frozenset[int]:
    """The sides, in pixels, at which published weights of the net are evaluated."""
    return frozenset([OWN[name].side]) if name in OWN else published.sides(name)


def told_side(name: str, state: State) -> int | None:
    """The side, in pixels, that a state dict tells: a vision transformer has an embedding for every patch of it."""
    positions, patches = state.get("encoder.pos_embedding"), state.get("conv_proj.weight")
    if not name.startswith("vit_") or positions is None or patches is None or positions.ndim != 3:
        return None
    across = math.isqrt(max(positions.shape[1] - 1, 0))  # one is of the class
    return across * patches.shape[-1] if across**2 == positions.shape[1] - 1 else None


def check_side(name: str, width: float, side: int) -> None:
    """Raise UserError where a net does not take images of a side that is not its own, in pixels."""
    try:
        build(name, 2, width, side)(torch.empty(1, channels_of(name), side, side, device="meta"))
    except Exception as error:  # from within a net it may be anything
        why = " ".join(str(error).split())[:80]
        raise UserError(f"side {side}: {name} takes no such images ({why}); its own are of {side_of(name)}") from None


def usual_pixels(name: str) -> Pixels:
    """What is assumed of weights that do not say their pixels: those of the net's published weights."""
    return OWN[name].pixels if name in OWN else published.usual_pixels(name)


def channels_of(name: str) -> int:
    """Channels of the net's input: 3, or 1 for grey."""
    return OWN[name].channels if name in OWN else 3


def build(name: str, classes: int, width: float = 1, side: int | None = None) -> nn.Module:
    """The net in evaluation mode, without storage for its weights (on torch's meta device). Raises UserError."""
    with Unallocated():
        return construct(name, classes, width, side=side).eval().to("meta")


class Unallocated(TorchFunctionMode):
    """Layers get no storage; what constructors compute with, such as the widths of their blocks, has values."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}) | ({"device": "meta"} if func is torch.empty else {}))


def construct(
    name: str, classes: int, width: float = 1, dropout: float | None = None, side: int | None = None
) -> nn.Module:
    """The net with its constructor's weights, for training; `dropout` is every dropout's rate, None the net's own.

    `side` is that of its input, in pixels, where it is not the net's own. Raises UserError.
    """
    if width != 1 and name not in OWN:
        raise UserError(f"width {width:g}: only {', '.join(OWN)} have a width multiplier, not {name}")
    net = _constructed(name, classes, width, side or side_of(name))
    for module in net.modules():
        if dropout is not None and isinstance(module, nn.Dropout):
            module.p = dropout
    return net


def _constructed(name: str, classes: int, width: float, side: int) -> nn.Module:
    if name in OWN:
        return OWN[name].make(classes, width)
    settings: dict[str, object] = {}
    if name in ("googlenet", "inception_v3"):
        settings = {"init_weights": False, "aux_logits": False}
    if name.startswith("vit_"):  # their position embedding is made for one side
        settings["image_size"] = side
    return _torchvision().get_model(name, weights=None, num_classes=classes, **settings)


def _torchvision() -> ModuleType:
    """Its models, which take seconds to import and which our own nets do without."""
    from torchvision import models

    return models


@cache
def names_of(name: str) -> tuple[str, ...]:
    """The names of a net's tensors; its last layer's are last."""
    return tuple(build(name, 1000).state_dict())


def class_count(name: str, state: State) -> int | None:
    """How many classes a state dict's last layer has; None where it has no such layer."""
    last = names_of(name)[-1]
    return state[last].shape[0] if last in state and state[last].ndim else None


def without_class(name: str, state: State, index: int) -> State:
    """The state dict without a class in its last layer: the soft-max is over the others."""
    layer = names_of(name)[-1].rpartition(".")[0]
    return {
        key: torch.cat([value[:index], value[index + 1 :]]) if key.rpartition(".")[0] == layer else value
        for key, value in state.items()
    }


def load(name: str, state: State, classes: int, width: float, source: str, side: int | None = None) -> nn.Module:
    """The net with these weights. Raises UserError naming missing, surplus or misshapen ones."""
    renamed = {OLD_DENSENET.sub(r"\1\2", key): value for key, value in state.items()}
    if len(renamed) < len(state):
        raise UserError(f"weights '{source}' do not fit {name}: some are there under an old and a new name")
    return load_into(build(name, classes, width, side), name, renamed, source)


def load_into(net: nn.Module, name: str, state: State, source: str) -> nn.Module:
    """A net, called `name`, given these weights. Raises UserError naming missing, surplus or misshapen ones."""
    own = net.state_dict()
    for key, value in state.items():
        if key in own and value.shape != own[key].shape:
            shapes = f"{key} is {shape_text(value)} and should be {shape_text(own[key])}"
            raise UserError(f"weights '{source}' do not fit {name}: {shapes}")
        if key in own and value.is_floating_point() != own[key].is_floating_point():
            kinds = (str(each.dtype).removeprefix("torch.") for each in (value, own[key]))
            raise UserError(f"weights '{source}' do not fit {name}: {key} is {' and should be '.join(kinds)}")
    # load_state_dict lets each module rename keys of its older versions; without a version mnasnet refuses its own
    versioned = OrderedDict(state)
    versioned._metadata = {"": {"version": getattr(net, "_version", None)}}  # type: ignore[attr-defined]
    try:
        found = net.load_state_dict(versioned, strict=False, assign=True)
    except RuntimeError as error:  # of what modules renamed
        raise UserError(f"weights '{source}' do not fit {name}: {' '.join(str(error).split())[:200]}") from None
    heads = AUXILIARY.get(name, ())
    surplus = [key for key in found.unexpected_keys if key.split(".")[0] not in heads]
    if found.missing_keys or surplus:
        both = zip(("missing", "surplus"), (found.missing_keys, surplus), strict=True)
        faults = [f"{what} {_some(keys)}" for what, keys in both if keys]
        nets = [prefix.removesuffix(".") for prefix in prefixes(list(own), state)]
        hint = f"; such a net is there under --weights-key {' or '.join(nets)}" if nets else ""
        raise UserError(f"weights '{source}' do not fit {name}: {', '.join(faults)}{hint}")
    return net


def _some(keys: list[str]) -> str:
    return keys[0] + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")
