import hashlib
from collections import Counter

import numpy as np
import pytest

from bench.rendered import pixel_digest
from bench.shapes import CLASSES, SPLITS, labels, render

# of the first 16 images of each split: these pixels are what every published number stands on
DIGESTS = {"train": "e2a9409d04bae5f7", "val": "4abd8ea5dd1f5329"}


@pytest.mark.parametrize("split", SPLITS)
def test_pixels_are_pinned(split):
    found = [pixel_digest(render(split, i, int(label))) for i, label in enumerate(labels(split)[:16])]
    assert hashlib.sha256("".join(found).encode()).hexdigest()[:16] == DIGESTS[split]


def test_there_are_24_classes_for_top_5_to_mean_something():
    assert len(set(CLASSES)) == 24


@pytest.mark.parametrize("split", SPLITS)
def test_classes_are_balanced_and_in_no_order(split):
    found = labels(split)
    counts = Counter(found.tolist())
    assert len(found) == SPLITS[split]
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(set(found[:: len(found) // 200].tolist())) == 24  # an evenly spread part has every class


def test_sizes_are_photographs():
    sizes = [render("val", i, 0).size for i in range(40)]
    assert all(256 <= min(size) <= 512 for size in sizes)
    shapes = {round(width / height, 1) for width, height in sizes}
    assert {1.3, 0.8, 1.0} <= shapes
    assert any(width / height > 1.9 for width, height in sizes)


def test_splits_differ_and_images_differ():
    assert len({pixel_digest(render(split, i, 0)) for split in SPLITS for i in range(5)}) == 10


def test_the_label_is_what_is_drawn():
    """With the same index, scenes of two classes differ and share their background."""
    one, other = (np.asarray(render("val", 3, label)).astype(int) for label in (0, 1))
    changed = (one != other).any(2).mean()
    assert 0.01 < changed < 0.9
