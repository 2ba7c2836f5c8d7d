"""From the options that commands share to the values of a request; the options themselves go no further."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TypeVar

from bench.engine.request import Computation, Evaluation, Keeping, Numbers, ProtocolSpec
from bench.errors import UserError
from bench.images.pixels import parse_pixels
from bench.images.sources import DataSpec
from bench.nets import zoo
from bench.nets.net_spec import NetSpec
from protocols.protocol import parse_Q
from protocols.scales import TrainingScale, parse_S

T = TypeVar("T")


def evaluation(options: Namespace) -> Evaluation:
    """Everything that `bench.run` is asked to compute. Raises UserError and ProtocolError."""
    return Evaluation(
        nets=net_specs(options),
        images=data_spec(options),
        protocols=protocol_spec(options),
        fuse=options.fuse,
        numbers=numbers(options),
        computation=computation(options),
        keeping=keeping(options),
    )


def data_spec(options: Namespace, source: str | None = None) -> DataSpec:
    """Which images; `source` stands in for --data where a command has several sets. Raises UserError."""
    return DataSpec(
        source=options.data if source is None else source,
        split=options.split,
        seed=options.seed,
        limit=limit(options),
        class_order=options.class_order,
        labels_from=options.labels_from,
        allow_duplicates=options.allow_duplicates,
        exif=options.exif,
    )


def limit(options: Namespace) -> int | None:
    """How many images, None for all. Raises UserError."""
    return None if options.limit in (None, "all") else whole_number("--limit", str(options.limit))


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
    return Computation(options.device, batch, options.workers)


def keeping(options: Namespace) -> Keeping:
    """What is kept of it."""
    return Keeping(options.store, options.fresh)


def net_specs(options: Namespace) -> tuple[NetSpec, ...]:
    """What `--model`, `--weights` and what belongs to them say. Raises UserError."""
    names = options.model.split(",")
    weights = options.weights.split(",")
    if weights == ["auto"]:
        weights *= len(names)
    if len(weights) != len(names):
        raise UserError(
            f"weights '{options.weights}': {len(weights)} for {len(names)} models; give one per model, or auto"
        )
    return specs_of(options, names, weights, [_parsed(parse_S, options.S)] * len(names))


def specs_of(
    options: Namespace, names: Sequence[str], places: Sequence[str], scales: Sequence[TrainingScale | None]
) -> tuple[NetSpec, ...]:
    """Nets with the places of their weights and their S, and what the other options say of each. Raises UserError."""
    pixels = _parsed(parse_pixels, options.pixels)
    names = [zoo.canonical(name) for name in names]
    keys = _per_net("--weights-key", options.weights_key, len(names))
    dropped = _per_net("--drop-class", options.drop_class, len(names))
    sides = [each and whole_number("--side", each) for each in _per_net("--side", options.side, len(names))]
    return tuple(
        NetSpec(name, place, key, S, pixels, side, None if drop == "none" else _class(drop), drop == "none")
        for name, place, key, S, side, drop in zip(names, places, keys, scales, sides, dropped, strict=True)
    )


def whole_number(option: str, text: str) -> int:
    """An option's value, which must be above 0. Raises UserError."""
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"{option} '{text}': give a whole number above 0")
    return int(text)


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
