"""From the options that commands share to the values of a request; the options themselves go no further."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TypeVar

from bench.data_options import whole_number
from bench.engine.request import Computation, Evaluation, Keeping, Numbers, ProtocolSpec
from bench.errors import UserError
from bench.images.pixels import parse_pixels
from bench.images.sources import DataSpec, OpenedData
from bench.nets.net_spec import NetSpec, named_nets, nets_of
from protocols.protocol import parse_Q
from protocols.scales import TrainingScale, parse_S

T = TypeVar("T")


def evaluation(options: Namespace, data: DataSpec | OpenedData) -> Evaluation:
    """Everything that `bench.run` is asked to compute, on these images. Raises UserError and ProtocolError."""
    return Evaluation(
        nets=net_specs(options),
        images=data,
        protocols=protocol_spec(options),
        fuse=options.fuse,
        numbers=numbers(options),
        computation=computation(options),
        keeping=keeping(options),
    )


def protocol_spec(options: Namespace) -> ProtocolSpec:
    """--protocol and --Q. Raises ProtocolError."""
    written = tuple(each.strip() for each in options.protocol.split(","))
    return ProtocolSpec(written, parse_Q(options.Q) if options.Q else None)


def numbers(options: Namespace) -> Numbers:
    """What changes the numbers. Raises UserError."""
    return Numbers(options.dtype, options.map, options.restrict_classes, options.skip_corrupt)


def computation(options: Namespace) -> Computation:
    """What computes. Raises UserError."""
    batch = None if options.batch_size == "auto" else whole_number("--batch-size", options.batch_size)
    return Computation(options.device, batch, options.workers, options.engine, options.compile)


def keeping(options: Namespace) -> Keeping:
    """What is kept of it."""
    return Keeping(options.store, options.fresh)


def net_specs(options: Namespace) -> tuple[NetSpec, ...]:
    """What `--model`, `--weights` and what belongs to them say. Raises UserError."""
    scale, pixels = parsed(parse_S, options.S), parsed(parse_pixels, options.pixels)
    return named_nets(options.model, options.weights, scale, pixels, *_of_nets(options))


def specs_of(
    options: Namespace, names: Sequence[str], places: Sequence[str], scales: Sequence[TrainingScale | None]
) -> tuple[NetSpec, ...]:
    """Nets with the places of their weights and their S, and what the other options say of each. Raises UserError."""
    pixels = parsed(parse_pixels, options.pixels)
    return nets_of(names, places, scales, pixels, *_of_nets(options))


def _of_nets(options: Namespace) -> tuple[str | None, ...]:
    """What options say of each net, as `nets_of` takes it."""
    return options.weights_key, options.side, options.drop_class, options.classes, options.model_args


def parsed(parse: Callable[[str], T], text: str | None) -> T | None:
    """What a text means, None for none. Raises UserError."""
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UserError(str(error)) from None
