"""Sizes of images: as they are decoded, and asked of each file once."""

from dataclasses import replace

import numpy as np
import pytest
from exif_files import exif
from PIL import Image

from bench.images import known_files, sizes
from bench.images.dataset import Images
from bench.images.decoding import read
from protocols.view import Box, Size


@pytest.fixture
def images(tmp_path, monkeypatch) -> Images:
    monkeypatch.setattr(sizes, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(known_files, "LATEST", 0)
    files = (tmp_path / "a.png", tmp_path / "turned.jpg", tmp_path / "broken.png")
    Image.new("RGB", (30, 20)).save(files[0])
    Image.new("RGB", (30, 20)).save(files[1], exif=exif(6))
    files[2].write_bytes(b"no image")
    return Images("set", files, ("a", "turned", "broken"), np.array([0, 0, 0]), None, 3)


@pytest.mark.parametrize("turned", [False, True])
def test_sizes_are_those_of_the_decoded_images(images, turned):
    images = replace(images, exif=turned)
    decoded = [Size(*read(*images.place(index)).size) for index in range(2)]
    assert sizes.sizes_of(images) == [*decoded, None]
    assert sizes.sizes_of(images) == [*decoded, None]


def test_a_file_is_opened_once_unless_it_is_broken_or_a_box_of_it_is_meant(images, monkeypatch):
    first = sizes.sizes_of(images)
    asked, size_in = [], sizes.size_in
    monkeypatch.setattr(sizes, "size_in", lambda *place: asked.append(place[0].name) or size_in(*place))
    assert sizes.sizes_of(images) == first
    assert asked == ["broken.png"]
    boxes = replace(images, boxes=(Box(1, 2, 4, 8), None, None))
    assert sizes.sizes_of(boxes) == [Size(3, 6), *first[1:]]
    assert sizes.sizes_of(replace(images, exif=True)) != first


@pytest.mark.parametrize("text", ["", "[]", "[1]", '["a", 2]', "null"])
def test_what_the_cache_cannot_mean_is_not_taken(images, tmp_path, text):
    with known_files.KnownFiles(tmp_path / "cache", f"{sizes.HOW} no EXIF") as known:
        known.find(images.sources[:1])
        known.keep(images.sources[0], text)
    assert sizes.sizes_of(images)[0] == Size(30, 20)
