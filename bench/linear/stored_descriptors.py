"""Descriptors of a set's images, read from the store's blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.engine.fill import expected_of
from bench.images.dataset import Images
from results.descriptors import Descriptors
from results.store import Block, Blocks, Expected, StoreError


@dataclass(frozen=True)
class StoredDescriptors:
    """Descriptors (N, D) float32 of N images; NaN where one cannot be decoded, which `kept`, bool (N,), says.

    `seconds` is what they took, on `devices`; `made` what computed them, each once.
    """

    vectors: np.ndarray
    kept: np.ndarray
    seconds: float
    devices: frozenset[str]
    made: tuple[Mapping[str, str], ...]


def read_descriptors(store: Blocks[Descriptors], images: Images) -> StoredDescriptors:
    """All blocks of one part. Raises StoreError where one is not there any more, or holds other images."""
    blocks = [_read(store, number, expected) for number, expected in enumerate(expected_of(images))]
    corrupt = {name for block in blocks for name in block.corrupt}
    kept = np.array([name not in corrupt for name in images.ids])
    found = np.concatenate([block.rows.vectors for block in blocks])
    vectors = np.full((len(images), found.shape[1]), np.nan, np.float32)
    vectors[kept] = found
    made = {frozenset(block.made.items()): block.made for block in blocks}
    devices = frozenset(block.device for block in blocks)
    return StoredDescriptors(vectors, kept, sum(block.seconds for block in blocks), devices, tuple(made.values()))


def _read(store: Blocks[Descriptors], number: int, expected: Expected) -> Block[Descriptors]:
    block = store.read(number)
    if block is None:
        raise StoreError(f"block {store.path(number)} is damaged or was removed; run again what computed it")
    if not block.holds(expected):
        raise StoreError(
            f"block {store.path(number)} does not hold the images of the data set; run again what computed it"
        )
    return block
