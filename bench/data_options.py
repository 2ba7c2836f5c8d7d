"""From the options that say which images to a `DataSpec`, without torch: a set is looked at before it is imported."""

import os
from argparse import Namespace
from collections.abc import Callable
from typing import TypeVar

from bench.errors import UserError
from bench.images.sources import DataSpec, fetched
from bench.progress import note

Opened = TypeVar("Opened")
MOST_DIGITS = 18  # of a whole number; Python itself does not read some thousands of them


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
        list_columns=options.list_columns,
        classes=_classes_of_data(options),
        labels=getattr(options, "labels", None),
    )


def looked_at(
    options: Namespace, open_set: Callable[[DataSpec], Opened], tell: Callable[[Opened], str]
) -> DataSpec | Opened:
    """The set, opened and told of before seconds go into importing torch; what must be fetched first is only named.

    Several workers meet before one of them opens the images, so that all learn of its mistakes. Raises UserError.
    """
    spec = data_spec(options)
    if fetched(spec.source) or int(os.environ.get("WORLD_SIZE", 1)) > 1:
        return spec
    opened = open_set(spec)
    note(tell(opened))
    return opened


def _classes_of_data(options: Namespace) -> str | None:
    """The file of --classes, unless it names one net's classes: one of several, or of which one is left out."""
    given, dropped = getattr(options, "classes", None), getattr(options, "drop_class", None)
    return None if given is None or "," in given or dropped not in (None, "none") else given


def limit(options: Namespace) -> int | None:
    """How many images, None for all. Raises UserError."""
    return None if options.limit in (None, "all") else whole_number("--limit", str(options.limit))


def whole_number(option: str, text: str) -> int:
    """An option's value, which must be above 0. Raises UserError."""
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) == 0:
        raise UserError(f"{option} '{text}': give a whole number above 0")
    return int(text)
