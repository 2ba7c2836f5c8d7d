"""What one process found of a set in reading it, others take: as long as ids, labels and sizes are the same."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.engine.job import surveyed
from bench.engine.workers import Shard
from bench.images import survey
from bench.images.dataset import Images


@pytest.fixture
def images(tmp_path) -> Images:
    files = tuple(tmp_path / name for name in ("a.png", "b.png", "deep.png"))
    for number, file in enumerate(files):
        kind = np.uint16 if file.stem == "deep" else np.uint8
        Image.fromarray(np.full((4, 4 + number), 7, kind)).save(file)
    return Images("set", files, ("a", "b", "deep"), np.array([0, 1, 1]), None, 3, notes=("read so",))


def worker(rank: int, handed: object = None) -> Shard:
    shard = Shard()
    shard.rank, shard.world, shard.handed = rank, 2, handed
    return shard


def test_other_workers_take_what_the_first_found_and_read_nothing(images, monkeypatch):
    first = worker(0)
    (own,) = surveyed([images], first)
    monkeypatch.setattr(survey, "survey", lambda *_: pytest.fail("read again"))
    (other,) = surveyed([replace(images)], worker(1, first.handed))
    assert (other.digest, other.rules, other.told) == (own.digest, own.rules, own.told)
    assert len(other.told) == 2


def test_several_sets_are_handed_on_in_one_turn_or_in_several_calls(images, monkeypatch):
    """As those that are learnt from, and test images that are submitted."""
    others = images.take([1, 2])
    first = worker(0)
    surveyed([images], first)
    surveyed([others], first)
    monkeypatch.setattr(survey, "survey", lambda *_: pytest.fail("read again"))
    second = worker(1, first.handed)
    for own, given in ((images, replace(images)), (others, images.take([1, 2]))):
        (other,) = surveyed([given], second)
        assert other.digest == own.digest


@pytest.mark.parametrize("what", ["label", "id", "size", "order"])
def test_images_of_another_outline_are_read(images, what):
    first = worker(0)
    surveyed([images], first)
    other = replace(images)
    if what == "label":
        other = replace(images, labels=np.array([0, 1, 0]))
    elif what == "id":
        other = replace(images, ids=("a", "c", "deep"))
    elif what == "order":
        other = images.take([1, 0, 2])
    else:
        images.sources[0].write_bytes(images.sources[0].read_bytes() + b"\0")
    (other,) = surveyed([other], worker(1, first.handed))
    assert other.by_others is None
    assert other.digest != images.digest


def test_some_of_the_images_are_another_set(images):
    seen = images.surveyed_by(images.surveyed)
    assert seen.take([0, 1]).digest == images.take([0, 1]).digest != images.digest
