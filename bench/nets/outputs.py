"""What nets give that is not scores (N, K) but holds them: made plain by a module around the net."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

TINY = 1e-38  # the smallest posterior that has a logarithm
WHOLE = 0.01  # how far from 1 posteriors may add up to, rounded as bfloat16 is
SCORES = ("logits", "out", "scores")  # what dictionaries and named results call them


class Plain(nn.Module):
    """A net whose result is made scores (N, K)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net


class First(Plain):
    """Of a tuple or list the first: behind it stand heads of training, or features."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)[0]


class Keyed(Plain):
    """Of a dictionary the scores."""

    def __init__(self, net: nn.Module, key: str) -> None:
        super().__init__(net)
        self.key = key

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)[self.key]


class Attribute(Keyed):
    """Of a result with names the scores."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return getattr(self.net(images), self.key)


class Flat(Plain):
    """(N, K, 1, 1) without its ones."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images).flatten(1)


class Log(Plain):
    """Of posteriors their logarithms: scores of which these are the soft-max."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images).clamp_min(TINY).log()


def plain_scores(net: nn.Module, images: torch.Tensor) -> nn.Module:
    """The net, or a module around it that gives scores (N, K) where they are in what the net gives of `images`.

    Posteriors become their logarithms.
    """
    made = net(images)
    key = next((each for each in SCORES if _holds(made, each)), None)
    if isinstance(made, Mapping) and key is not None:
        net, made = Keyed(net, key).eval(), made[key]
    elif not isinstance(made, torch.Tensor) and key is not None:
        net, made = Attribute(net, key).eval(), getattr(made, key)
    elif isinstance(made, tuple | list) and made and isinstance(made[0], torch.Tensor):
        net, made = First(net).eval(), made[0]
    if isinstance(made, torch.Tensor) and made.ndim == 4 and tuple(made.shape[2:]) == (1, 1):
        net, made = Flat(net).eval(), made.flatten(1)
    if isinstance(made, torch.Tensor) and _are_posteriors(made):
        net = Log(net).eval()
    return net


def _are_posteriors(made: torch.Tensor) -> bool:
    """Whether no row of (N, K) has anything negative, and each adds up to 1."""
    if made.ndim != 2 or made.shape[1] < 2 or not made.is_floating_point():
        return False
    return bool((made >= 0).all()) and bool(((made.sum(1) - 1).abs() < WHOLE).all())


def _holds(made: Any, key: str) -> bool:
    found = made.get(key) if isinstance(made, Mapping) else getattr(made, key, None)
    return isinstance(found, torch.Tensor)
