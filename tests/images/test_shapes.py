import hashlib
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from bench.images.sets.rendered import line, make_folder, pixel_digest
from bench.images.sets.shapes import CLASSES, SPLITS, labels, read_shapes, render

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


@pytest.fixture
def small(monkeypatch):
    """A set of 50 small scenes; the numbers of those that are drawn."""
    drawn = []

    def scene(split, index, label):
        drawn.append(index)
        return Image.new("RGB", (4, 4), (index, label, 0))

    monkeypatch.setattr("bench.images.sets.shapes.render", scene)
    monkeypatch.setitem(SPLITS, "val", 50)
    return drawn


def test_only_what_is_asked_for_is_drawn_and_once(small, tmp_path):
    images = read_shapes("val", tmp_path, 3)
    assert small == [0, 16, 33]
    assert (images.ids, images.total) == (("00000", "00016", "00033"), 50)
    assert images.labels.tolist() == labels("val")[small].tolist()
    assert len(images.present) == 24
    assert all(path.is_file() for path in images.sources)
    read_shapes("val", tmp_path, 4)
    assert small == [0, 16, 33, 12, 25, 37]
    assert read_shapes("val", tmp_path, 3).digest == images.digest
    read_shapes("val", tmp_path)
    assert sorted(small) == list(range(50))


@pytest.mark.parametrize("limit", [None, 1, 7, 50])
def test_a_cache_rendered_at_once_by_an_earlier_version_is_used(small, tmp_path, limit):
    anew = read_shapes("val", tmp_path / "new", limit)

    def pictures(folder):
        for number, label in enumerate(labels("val")):
            image = Image.new("RGB", (4, 4), (number, int(label), 0))
            image.save(folder / f"{number:05d}.webp", lossless=True)
            yield line(f"{number:05d}.webp", label, image)

    make_folder(tmp_path / "old" / "shapes-v1" / "val", pictures)
    small.clear()
    found = read_shapes("val", tmp_path / "old", limit)
    assert not small
    assert (found.ids, found.digest, found.total) == (anew.ids, anew.digest, anew.total)
    assert found.present.tolist() == anew.present.tolist()


def test_pictures_are_kept_without_loss(tmp_path):
    with Image.open(read_shapes("val", tmp_path, 1).sources[0]) as image:
        assert pixel_digest(image.convert("RGB")) == pixel_digest(render("val", 0, int(labels("val")[0])))


def test_the_label_is_what_is_drawn():
    """With the same index, scenes of two classes differ and share their background."""
    one, other = (np.asarray(render("val", 3, label)).astype(int) for label in (0, 1))
    changed = (one != other).any(2).mean()
    assert 0.01 < changed < 0.9
