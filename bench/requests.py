"""From the options that commands share to the values of a request; the options themselves go no further."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from bench.engine.request import Computation, Evaluation, Keeping, Numbers, ProtocolSpec
from bench.errors import UserError
from bench.images.pixels import parse_pixels
from bench.images.sources import DataSpec
from bench.nets.net_spec import NetSpec, named_nets, nets_of
from protocols.protocol import parse_Q
from protocols.scales import TrainingScale, parse_S

T = TypeVar("T")


def evaluation(options: Namespace) -> Evaluation:
    """Everything that `bench.run` is asked to compute. Raises UserError and ProtocolError."""
    return Evaluation(
        nets=net_specs(options),
        images=replace(data_spec(options), labels=options.labels),
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
        verify=options.verify,
        class_map=options.class_map,
        classes=_classes_of_data(options),
    )


def _classes_of_data(options: Namespace) -> str | None:
    """The file of --classes, unless it names one net's classes: one of several, or of which one is left out."""
    given, dropped = getattr(options, "classes", None), getattr(options, "drop_class", None)
    return None if given is None or "," in given or dropped not in (None, "none") else given


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


def whole_number(option: str, text: str) -> int:
    """An option's value, which must be above 0. Raises UserError."""
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"{option} '{text}': give a whole number above 0")
    return int(text)


def parsed(parse: Callable[[str], T], text: str | None) -> T | None:
    """What a text means, None for none. Raises UserError."""
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UserError(str(error)) from None
