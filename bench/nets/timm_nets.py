"""timm's nets by name, `timm:resnet50.a1_in1k`, with what its `pretrained_cfg` says of their weights."""

import math
from difflib import get_close_matches
from types import ModuleType
from typing import Any, Literal

from torch import nn

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.images.scaling import INTERPOLATIONS
from bench.nets.published import Recipe
from bench.nets.state_dicts import State
from bench.nets.tensor_names import own_names
from bench.nets.weights import Weights
from bench.nets.zoo import Unallocated
from bench.progress import downloading
from protocols.scales import SIDE

PREFIX = "timm:"
NEAR = 3  # names that are offered


def is_timm(name: str) -> bool:
    return name.startswith(PREFIX)


def published_net(name: str) -> tuple[nn.Module, Weights]:
    """A net with its published weights, from timm's cache or downloaded. Raises UserError."""
    timm = _timm(name)
    config = _config(timm, name)
    try:
        with downloading():
            net = timm.create_model(name.removeprefix(PREFIX), pretrained=True)
    except Exception as error:  # the hub's client, the network or a file may raise anything
        why = " ".join(str(error).split())[:150]
        raise UserError(
            f"model '{name}': its weights cannot be had ({why}); fetch them, and give --weights FILE"
        ) from None
    return net, Weights(
        source=name,
        state={},
        pixels=usual_pixels(name),
        side=usual_side(name),
        classes=_classes(net, config),
        recipe=usual_recipe(name),
    )


def bare_net(name: str, state: State) -> tuple[nn.Module, State]:
    """A net of as many classes as a state dict's last layer has, and this under the net's own names, to be loaded.

    Raises UserError.
    """
    timm = _timm(name)
    layer = _config(timm, name).classifier
    last = f"{layer if isinstance(layer, str) else layer[0]}.weight" if layer else ""
    with Unallocated():
        state = own_names(list(timm.create_model(name.removeprefix(PREFIX), pretrained=False).state_dict()), state)
    count = {"num_classes": state[last].shape[0]} if last in state else {}
    return timm.create_model(name.removeprefix(PREFIX), pretrained=False, **count), state


def version(name: str) -> str:
    """timm's own."""
    return str(_timm(name).__version__)


def usual_pixels(name: str) -> Pixels:
    """What a net's published weights take."""
    config = _config(_timm(name), name)
    filters = [each for each in INTERPOLATIONS if each == config.interpolation]  # "random" is one of training
    order: Literal["L", "RGB"] = "L" if config.input_size[0] == 1 else "RGB"
    return Pixels(order, 1, tuple(config.mean), tuple(config.std), *filters)


def usual_side(name: str) -> int:
    """Side of the crops, in pixels, that a net's published weights are evaluated at, as timm's validation does."""
    config = _config(_timm(name), name)
    return (config.test_input_size or config.input_size or (3, SIDE, SIDE))[-1]


def usual_recipe(name: str) -> Recipe | None:
    """How a net's published weights are evaluated."""
    return _recipe(_config(_timm(name), name), usual_side(name))


def _recipe(config: Any, side: int) -> Recipe | None:
    """As timm's validation does; it pads to a border for a few, which no protocol here does."""
    share = config.test_crop_pct or config.crop_pct if config.test_input_size else config.crop_pct
    return None if config.crop_mode == "border" else Recipe(math.floor(side / share), config.crop_mode == "squash")


def _timm(name: str) -> ModuleType:
    try:
        import timm
    except ImportError:
        raise UserError(f"model '{name}': timm is not installed; pip install 'vgg-protocols[timm]'") from None
    return timm


def _config(timm: ModuleType, name: str) -> Any:
    """What timm says of the weights that a name stands for, those of its default tag where it has none."""
    own = name.removeprefix(PREFIX)
    if not timm.is_model(own):
        near = get_close_matches(own, timm.list_models(), n=NEAR) or get_close_matches(
            own, timm.list_pretrained(), n=NEAR
        )
        hint = f"; did you mean {' or '.join(PREFIX + each for each in near)}?" if near else ""
        raise UserError(f"model '{name}': timm has no such net{hint}")
    try:
        return timm.get_pretrained_cfg(own, allow_unregistered=False)
    except RuntimeError:  # of a tag that it does not know
        tags = timm.list_pretrained(f"{own.partition('.')[0]}.*")[:NEAR]
        raise UserError(
            f"model '{name}': timm has no such weights; it has {', '.join(tags) or 'none of this net'}"
        ) from None


def _classes(net: nn.Module, config: Any) -> tuple[str, ...] | None:
    """WordNet ids, where the net was trained on a set of ImageNet's that timm knows."""
    from timm.data import ImageNetInfo, infer_imagenet_subset

    if config.label_names:
        return tuple(config.label_names)
    subset = infer_imagenet_subset(net)
    if not subset:
        return None
    names = tuple(ImageNetInfo(subset).label_names())
    return names if len(names) == config.num_classes else None
