"""Where training starts from: random weights, or another net's (section 3.1)."""

from collections.abc import Sequence

import torch
from torch import nn

from bench.errors import UserError
from bench.images.labels.classes import readable
from bench.nets import zoo
from bench.nets.head import freeze, head_of, last_layer
from bench.nets.named import said_side
from bench.nets.state_dicts import State, shape_text
from bench.nets.vgg import NAMES
from bench.nets.weights import Weights
from bench.progress import note


def randomise(net: nn.Module) -> None:
    """He's initialisation with zero biases. The paper's N(0, 0.01) does not train narrow nets."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def initial_net(
    name: str,
    classes: Sequence[str],
    init: Weights | None,
    width: float,
    dropout: float | str,
    seed: int,
    frozen: bool,
) -> nn.Module:
    """The net before its first epoch: random, then with the weights of --init, then `frozen` up to its head.

    `dropout` is a share of units, or "own". torchvision's nets start as their constructors leave them, but for AlexNet,
    whose says nothing. Raises UserError.
    """
    torch.manual_seed(seed)
    rate = None if isinstance(dropout, str) else dropout
    net = zoo.construct(name, len(classes), width, rate, said_side(name, init) if init else None)
    if name in (*zoo.OWN, "alexnet"):
        randomise(net)
    if init:
        left = start_from(net, name, width, init, classes)
        note(_description(net, init, left))
        if frozen:
            _check_frozen(net, init, left)
            freeze(net)
    return net


def start_from(net: nn.Module, name: str, width: float, init: Weights, classes: Sequence[str]) -> list[str]:
    """Take another net's weights: all of them, without the last layer where they are for other classes.

    One of the paper's nets takes another configuration's first four convolutions and its linear layers. Returns the
    names of the parameters that were not taken, which stay as they are. Raises UserError for weights that do not fit.
    """
    own = net.state_dict()
    if name in NAMES and _of_another_net(own, init.state, last_layer(net)):
        source = init.state
        taken = _first_convolutions(own, source, count=4) | _linear_layers(own, source)
        if not taken:
            raise UserError(
                f"weights '{init.source}': no layer fits {name} at width {width:g}; give weights of one of the paper's "
                "nets, and --width where they do not say it"
            )
    else:
        count = zoo.class_count(name, init.state) or 1000  # loading says what is missing
        source = zoo.load(name, init.state, count, width, init.source, said_side(name, init)).state_dict()
        taken = {key: key for key, value in own.items() if source[key].shape == value.shape}
    if _for_others(init.classes, classes):
        last = f"{last_layer(net)}."
        taken = {mine: theirs for mine, theirs in taken.items() if not mine.startswith(last)}
    with torch.no_grad():
        for mine, theirs in taken.items():
            own[mine].copy_(source[theirs])
    return [key for key in own if key not in taken]


def _description(net: nn.Module, init: Weights, left: list[str]) -> str:
    """What of a net was not loaded, with shapes and the reason, in one line."""
    if not left:
        return f"{init.place}: everything was loaded"
    own = net.state_dict()
    last = f"{last_layer(net)}."
    layers = [_reason(key, own, init.state, last) for key in left if not key.endswith(".bias")]
    return f"{init.place}: not loaded, but random: {', '.join(layers)}"


def _check_frozen(net: nn.Module, init: Weights, left: list[str]) -> None:
    """Raise UserError where features would stay random."""
    head = head_of(net) + "."
    if random := [key for key in left if not key.startswith(head)]:
        raise UserError(
            f"--freeze: {len(random)} parameters before the head, first {random[0]}, are not in '{init.source}' and "
            "would stay random; give weights of the same net, or leave --freeze out"
        )


def _for_others(theirs: Sequence[str] | None, ours: Sequence[str]) -> bool:
    """Whether both sides name their classes, and those are others or in another order."""
    numbers = tuple(map(str, range(len(ours))))
    if theirs is None or numbers in (tuple(theirs), tuple(ours)):
        return False
    return readable(tuple(theirs), len(theirs)) != readable(tuple(ours), len(ours))


def _of_another_net(own: State, source: State, last: str) -> bool:
    """Whether layers do not agree, the last one's number of classes aside."""
    return own.keys() != source.keys() or any(
        own[key].shape != source[key].shape for key in own if not key.startswith(f"{last}.")
    )


def _reason(key: str, own: State, source: State, last: str) -> str:
    layer = f"{key.rpartition('.')[0]} {shape_text(own[key])}"
    if key not in source:
        return f"{layer} (not there)"
    if own[key].shape != source[key].shape:
        return f"{layer} (there {shape_text(source[key])})"
    if key.startswith(last):
        return f"{layer} (there for other classes)"
    return f"{layer} (beyond the first four convolutions)"


def _first_convolutions(own: State, source: State, count: int) -> dict[str, str]:
    candidates = (name for name, value in own.items() if value.ndim == 4)
    taken: dict[str, str] = {}
    for theirs in sorted((name for name, value in source.items() if value.ndim == 4), key=_place)[:count]:
        for mine in candidates:
            if own[mine].shape == source[theirs].shape:
                taken[mine] = theirs
                taken[_bias(mine)] = _bias(theirs)
                break
    return taken


def _place(name: str) -> list[tuple[int, str]]:
    """Sorts names of layers by their numbers, 3 before 11: a file may have them in any order."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in name.split(".")]


def _linear_layers(own: State, source: State) -> dict[str, str]:
    matching = [name for name, value in own.items() if value.ndim == 2 and name in source]
    return {
        name: name
        for weight in matching
        if own[weight].shape == source[weight].shape
        for name in (weight, _bias(weight))
    }


def _bias(weight: str) -> str:
    return weight.removesuffix("weight") + "bias"
