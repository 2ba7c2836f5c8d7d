"""Nets by name with their weights: what weights say of themselves, and what holds where they say nothing."""

from dataclasses import replace

import torch

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.layers import state_of
from bench.nets.made_nets import open_made
from bench.nets.model import Model
from bench.nets.net_spec import NetSpec
from bench.nets.reading import read_weights
from bench.nets.weights import Weights, stated_or_given
from protocols.scales import TrainingScale, assumed_S


def open_model(spec: NetSpec, device: torch.device, precision: Precision, map_rule: str) -> Model:
    """Read a net's weights, or make the net elsewhere, and put both together. Raises UserError."""
    if spec.made:
        return open_made(spec, device, precision, map_rule)
    weights = read_weights(spec.weights, spec.name, spec.key)
    return make_model(
        spec.name,
        weights,
        spec.pixels,
        spec.S,
        device,
        precision,
        map_rule,
        spec.side,
        spec.drop,
        spec.whole,
        spec.classes,
    )


def make_model(
    name: str,
    weights: Weights,
    pixels: Pixels | None,
    S: TrainingScale | None,
    device: torch.device,
    precision: Precision,
    map_rule: str,
    side: int | None = None,
    drop: int | None = None,
    whole: bool = False,
    classes: tuple[str, ...] | None = None,
) -> Model:
    """Put a net and its weights together; `pixels`, `S`, `side` and `classes` hold where the weights say nothing.

    Raises UserError.
    """
    if weights.model and zoo.canonical(weights.model) != name:
        raise UserError(f"weights '{weights.source}' are for {weights.model}, not {name}; give --model {weights.model}")
    weights = replace(weights, classes=stated_or_given("classes", weights.source, weights.classes, classes))
    count = zoo.class_count(name, weights.state) or 1000  # loading says what is missing
    if weights.classes and len(weights.classes) != count:
        told = f"--classes names {len(classes)}" if classes else f"their header names {len(weights.classes)}"
        raise UserError(f"weights '{weights.source}' tell {count} classes apart, and {told}; give {count} names")
    pixels = stated_or_given("pixels", weights.source, weights.pixels, pixels)
    S = stated_or_given("S", weights.source, weights.S, S)
    side = stated_or_given("side", weights.source, said_side(name, weights), side)
    crop = side or zoo.side_of(name)
    if crop != zoo.side_of(name):
        zoo.check_side(name, weights.width, crop)
    state = weights.state
    drop = weights.background if drop is None and not whole else drop
    if drop is not None:
        if drop >= count:
            raise UserError(f"--drop-class {drop}: '{weights.source}' has {count} classes, 0 to {count - 1}")
        state, count = zoo.without_class(name, state, drop), count - 1
    assumed = {what for what, value in (("pixels", pixels), ("S", S), ("side", side)) if value is None}
    if len(zoo.sides_of(name)) == 1:
        assumed -= {"side"}  # all published weights have it
    net = zoo.load(name, state, count, weights.width, weights.source, crop)
    return Model(
        name=name,
        weights=weights,
        net=net,
        count=count,
        pixels=fitting(name, pixels),
        S=S or assumed_S(crop),
        device=device,
        precision=precision,
        map_rule=map_rule,
        configuration=zoo.configuration(name, weights.width),
        side=crop,
        usual_side=zoo.side_of(name),
        assumed=frozenset(assumed),
        drop=drop,
        whole=whole,
        opened=state_of(net),
    )


def said_side(name: str, weights: Weights) -> int | None:
    """The side of the crops, in pixels, that weights state or tell; None where they do not."""
    return weights.side or zoo.told_side(name, weights.state)


def fitting(name: str, pixels: Pixels | None) -> Pixels:
    """The pixels, or those that are assumed of such a net. Raises UserError where their channels are not the net's."""
    channels, usual = zoo.channels_of(name), zoo.usual_pixels(name)
    if (pixels or usual).channels != channels:
        raise UserError(f"pixels '{pixels}': {name} takes images of {channels} channel(s); give pixels such as {usual}")
    return pixels or usual
