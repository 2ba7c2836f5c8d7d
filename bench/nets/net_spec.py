"""Which nets with which weights, from the options to plain values."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.pixels import Pixels, parse_pixels
from bench.nets import zoo
from bench.nets.weights import choose_weights
from bench.options import whole_number
from protocols.scales import TrainingScale, parse_S

T = TypeVar("T")


@dataclass(frozen=True)
class NetSpec:
    """A net to be evaluated: its name, where its weights are, and what these may not say themselves.

    `key` is the state dict that is meant of several in one file, `side` that of the crops in pixels; `drop` the class
    that is left out; `whole` says that all of 1001 are meant.
    """

    name: str
    weights: str
    key: str | None = None
    S: TrainingScale | None = None
    pixels: Pixels | None = None
    side: int | None = None
    drop: int | None = None
    whole: bool = False


def net_specs(options: Namespace, images: Images | None) -> list[NetSpec]:
    """What `--model`, `--weights` and what belongs to them say; `auto` goes by the images, if there is a set of them.

    Raises UserError.
    """
    names = [zoo.canonical(name) for name in options.model.split(",")]
    weights = options.weights.split(",")
    if weights == ["auto"]:
        weights *= len(names)
    if len(weights) != len(names):
        raise UserError(
            f"weights '{options.weights}': {len(weights)} for {len(names)} models; give one per model, or auto"
        )
    places = [choose_weights(each, name, images) for each, name in zip(weights, names, strict=True)]
    return specs_of(options, names, places, [_parsed(parse_S, options.S)] * len(names))


def specs_of(
    options: Namespace, names: Sequence[str], places: Sequence[str], scales: Sequence[TrainingScale | None]
) -> list[NetSpec]:
    """Nets with the places of their weights and their S, and what the other options say of each. Raises UserError."""
    pixels = _parsed(parse_pixels, options.pixels)
    keys = _per_net("--weights-key", options.weights_key, len(names))
    dropped = _per_net("--drop-class", options.drop_class, len(names))
    sides = [each and whole_number("--side", each) for each in _per_net("--side", options.side, len(names))]
    return [
        NetSpec(name, place, key, S, pixels, side, None if drop == "none" else _class(drop), drop == "none")
        for name, place, key, S, side, drop in zip(names, places, keys, scales, sides, dropped, strict=True)
    ]


def _per_net(option: str, text: str | None, count: int) -> list[str | None]:
    """The values of an option with commas, one for all nets or one for each, which may be empty. Raises UserError."""
    values = (text or "").split(",")
    if len(values) not in (1, count):
        raise UserError(f"{option} '{text}': {len(values)} for {count} models; give one, or one per model")
    return [each.strip() or None for each in (values * count)[:count]]


def _class(text: str | None) -> int | None:
    if text is not None and not text.isdecimal():
        raise UserError(f"--drop-class '{text}': give the index of a class of the net, counted from 0, or none")
    return None if text is None else int(text)


def _parsed(parse: Callable[[str], T], text: str | None) -> T | None:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UserError(str(error)) from None
