"""What Python callers write, in the values of a request."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data_options import whole_number
from bench.engine.request import ProtocolSpec
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.pixels import Pixels, parse_pixels
from bench.images.sets.given_images import read_given
from bench.images.sources import DataSpec
from bench.options import SUBSET
from bench.requests import parsed
from protocols.protocol import Protocol, parse_Q
from protocols.scales import TrainingScale, parse_S

Scale = str | int | Sequence[int] | TrainingScale | None
Scales = str | int | Iterable[int] | None


def given_S(S: Scale) -> TrainingScale | None:
    """`384`, `"256-512"`, `(256, 512)`. Raises UserError."""
    text = "-".join(map(str, S)) if isinstance(S, tuple | list) else S
    return None if text is None else parsed(parse_S, str(text))


def given_pixels(pixels: str | Pixels | None) -> Pixels | None:
    """As `--pixels` takes it. Raises UserError."""
    return pixels if pixels is None or isinstance(pixels, Pixels) else parsed(parse_pixels, str(pixels))


def given_protocols(protocols: str | Protocol | Sequence[str | Protocol], Q: Scales) -> ProtocolSpec:
    """One text with commas, a protocol, or several of both. Raises ProtocolError."""
    given = [protocols] if isinstance(protocols, str | Protocol) else protocols
    if not isinstance(given, Sequence):
        raise UserError(f"protocols {protocols!r}: give a text such as 'dense,multicrop', or a list of protocols")
    written = [each.strip() for one in given for each in str(one).split(",")]
    return ProtocolSpec(tuple(written), given_Q(Q))


def given_Q(Q: Scales) -> tuple[int, ...] | None:
    """Test scales: `384`, `"256/384/512"`, `(256, 384)`. Raises ProtocolError."""
    text = "/".join(map(str, Q)) if isinstance(Q, Iterable) and not isinstance(Q, str) else Q
    return None if text is None else parse_Q(str(text))


def given_classes(classes: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of classes; ImageNet's has two cranes. Raises UserError."""
    if classes is None:
        return None
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        raise UserError(f"classes {classes!r}: give a list of names, in the order of the net's scores")
    return tuple(map(str, classes))


def given_store(store: str | Path | None) -> Path | None:
    """A folder. Raises UserError."""
    if store is not None and not isinstance(store, str | os.PathLike):
        raise UserError(f"store {store!r}: give a folder")
    return None if store is None else Path(store)


def given_limit(limit: int | str | None, source: str) -> int | None:
    """How many images: None is `SUBSET` of the built-in set and all of others, as for bench.run. Raises UserError."""
    if limit is None:
        return SUBSET if source == "shapes" else None
    return None if limit == "all" else whole_number("--limit", str(limit))


def labelled_images(
    images: Any, limit: int | str | None = None, classes: Sequence[str] | None = None, **how: Any
) -> Images | DataSpec:
    """What `--data` takes, read as the fields of DataSpec in `how` say; else images in Python. Raises UserError."""
    if isinstance(images, Path):
        images = f"{'folder' if images.is_dir() else 'list'}:{images}"
    if isinstance(images, str):
        return DataSpec(images, limit=given_limit(limit, images), **how)
    if isinstance(images, DataSpec):
        return images
    if told := [name for name, value in how.items() if value and name not in ("exif", "verify")]:
        raise UserError(f"{told[0]}: it is for images that are named, such as 'folder:DIR'; leave {told[0]} out")
    found = images if isinstance(images, Images) else read_given(images, classes=classes)
    return replace(found, exif=found.exif or how.get("exif", False), verify=how.get("verify", False)).limit(
        given_limit(limit, "")
    )
