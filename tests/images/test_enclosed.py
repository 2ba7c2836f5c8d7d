"""Images that are bytes inside another file: read, digested and refused as files of their own are."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.images import known_files, survey
from bench.images.dataset import Images
from bench.images.decoding import UndecodableError, read, size_in
from bench.images.image_source import EnclosedImage, Stamp
from bench.images.limits import MOST_BYTES
from protocols.view import Box, Size


@dataclass(frozen=True)
class Slice(EnclosedImage):
    start: int
    length: int

    @property
    def within(self) -> str:
        return f"{self.start}:{self.length}"

    def size(self) -> int:
        return self.length

    def content(self) -> bytes:
        self.stamp.require(self.file, os.stat(self.file))
        return self.file.read_bytes()[self.start : self.start + self.length]


@pytest.fixture
def joined(tmp_path):
    """Two images' files of their own, and slices of one file that holds both."""
    rng, files, slices, whole = np.random.default_rng(0), [], [], tmp_path / "both"
    for number, name in enumerate(("a.jpg", "b.png")):
        file = tmp_path / name
        Image.fromarray(rng.integers(0, 256, (20, 30 + number, 3), dtype=np.uint8)).save(file)
        files.append(file)
    content = [file.read_bytes() for file in files]
    whole.write_bytes(b"".join(content))
    stamp = Stamp.of(os.stat(whole))
    slices = [
        Slice(whole, "a.jpg", stamp, 0, len(content[0])),
        Slice(whole, "b.png", stamp, len(content[0]), len(content[1])),
    ]
    return files, slices


def images_of(sources) -> Images:
    return Images("set", tuple(sources), ("a", "b"), np.array([0, 1]), ("x", "y"), 2)


def test_an_enclosed_image_has_the_pixels_and_the_digest_of_its_own_file(joined):
    files, slices = joined
    assert images_of(slices).digest == images_of(files).digest
    for file, part in zip(files, slices, strict=True):
        assert np.array_equal(read(file), read(part))
        assert size_in(part, None) == Size(*read(file).size)
        assert np.array_equal(read(file, Box(1, 2, 9, 8)), read(part, Box(1, 2, 9, 8)))


def test_an_enclosed_image_that_is_cut_or_claims_too_much_is_undecodable(joined):
    _, (first, second) = joined
    with pytest.raises(UndecodableError):
        read(replace(second, length=40))
    with pytest.raises(UndecodableError, match="too large"):
        read(replace(first, length=MOST_BYTES + 1))


def test_messages_name_the_file_and_the_image_in_it():
    assert str(Slice(Path("/set/val.tar"), "n01440764/a.jpg", Stamp(0, 0, 0), 0, 1)) == "/set/val.tar:n01440764/a.jpg"


def test_what_is_known_of_one_image_of_a_file_is_not_taken_for_another(joined, tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(known_files, "LATEST", 0)
    _, slices = joined
    first = images_of(slices).digest
    monkeypatch.setattr(survey, "_of_source", lambda *_: pytest.fail("read again"))
    assert images_of(slices).digest == first
    assert images_of(slices[::-1]).digest != first
