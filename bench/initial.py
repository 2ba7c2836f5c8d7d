"""Where training starts from: random weights, or another net's (section 3.1)."""

import torch
from torch import nn


def randomise(net: nn.Module) -> None:
    """He's initialisation with zero biases. The paper's N(0, 0.01) does not train narrow nets."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def start_from(net: nn.Module, source: dict[str, torch.Tensor]) -> list[str]:
    """Take another net's weights: all where the layers agree, else its first four convolutions and its linear layers.

    Convolutions are matched in order, each with the next one of the same shape. Returns the names of the parameters
    that were taken; the others stay as they are.
    """
    own = net.state_dict()
    if all(name in source and source[name].shape == value.shape for name, value in own.items()):
        taken = {name: name for name in own}
    else:
        taken = _first_convolutions(own, source, count=4) | _linear_layers(own, source)
    net.load_state_dict(own | {mine: source[theirs] for mine, theirs in taken.items()})
    return list(taken)


def _first_convolutions(own: dict, source: dict, count: int) -> dict[str, str]:
    candidates = (name for name, value in own.items() if value.ndim == 4)
    taken: dict[str, str] = {}
    for theirs in [name for name, value in source.items() if value.ndim == 4][:count]:
        for mine in candidates:
            if own[mine].shape == source[theirs].shape:
                taken[mine] = theirs
                taken[_bias(mine)] = _bias(theirs)
                break
    return taken


def _linear_layers(own: dict, source: dict) -> dict[str, str]:
    matching = [name for name, value in own.items() if value.ndim == 2 and name in source]
    return {
        name: name
        for weight in matching
        if own[weight].shape == source[weight].shape
        for name in (weight, _bias(weight))
    }


def _bias(weight: str) -> str:
    return weight.removesuffix("weight") + "bias"
