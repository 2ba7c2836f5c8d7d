"""Training and validation images from a set that has no such parts, without moving a file."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.image_source import Source


def split_images(images: Images, share: float, seed: int) -> tuple[Images, Images]:
    """Training and validation images, `share` of every class in the latter, both in the set's order.

    Which ones depends on seed and ids alone: the same on every machine, and a new image moves at most one other.
    Raises UserError for a class of one image.
    """
    chosen: list[int] = []
    for label in np.unique(images.labels):
        members = np.flatnonzero(images.labels == label).tolist()
        if len(members) < 2:
            raise UserError(
                f"data {images.name!r}: {images.ids[members[0]]!r} is the only image of its class; "
                "--split needs two of each, add one or remove the class"
            )
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        chosen += sorted(members, key=lambda index: _rank(seed, images.ids[index]))[:count]
    rest = sorted(set(range(len(images))) - set(chosen))
    name = f"{images.name}[split {share:g} seed {seed}]"
    return _part(images, rest, f"{name}/train"), _part(images, sorted(chosen), f"{name}/val")


def in_both(train: Images, val: Images) -> int:
    """How many validation images are training images too, under another name: the same file, or image in Python."""
    seen = {_itself(source) for source in train.sources}
    return sum(_itself(source) in seen for source in val.sources)


def _itself(source: Source) -> Source | str:
    return os.path.realpath(source) if isinstance(source, Path) else source


def _rank(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogateescape")).hexdigest()


def _part(images: Images, indices: list[int], name: str) -> Images:
    return replace(images.take(indices), name=name, total=len(indices))
