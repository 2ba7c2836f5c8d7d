"""Items of data sets in Python: fetched one at a time, when needed; left out or named where they cannot be read."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_image
from given_sets import PHOTO, Numbered, prepared, saved
from PIL import Image

from bench.errors import UserError
from bench.images.limits import MOST_PIXELS
from bench.images.loader import Loader
from bench.images.scaling import Scaling
from bench.images.sets.given_images import read_given


def broken(tmp_path: Path) -> Path:
    content = saved(tmp_path, PHOTO, "whole.png").read_bytes()
    (tmp_path / "broken.png").write_bytes(content[: len(content) // 2])
    return tmp_path / "broken.png"


def test_what_cannot_be_read_is_left_out_or_named_with_the_reason(tmp_path):
    """Whether PIL or a data set raises, with the limits of files."""
    long = Image.new("L", (33, 2))
    real = Image.fromarray(np.zeros((30, 40), np.float32))
    pairs = [(PHOTO, 0), (Image.open(broken(tmp_path)), 0), (long, 0), (real, 0)]
    images = read_given(Numbered([*pairs, ValueError("no such picture")], targets=[0] * 5))
    assert len(images.digest) == 64
    assert [each is None for each in prepared(images)] == [False, True, True, True, True]
    loader = Loader(images, 2)
    found = loader.undecodable()
    loader.close()
    assert [name.partition(" ")[0] for name in found] == ["1", "2", "3", "4"]
    assert found[1:] == [
        "2 (too long for its width)",
        "3 (floating-point pixels have no known range; convert to 8 bits)",
        "4 (no such picture)",
    ]


def test_too_large_is_too_large_in_memory(monkeypatch):
    wide = np.broadcast_to(np.zeros((1, 1), np.uint8), (10_000, MOST_PIXELS // 10_000 + 1))  # one byte
    assert prepared(read_given([(wide, 0)])) == [None]


def test_an_item_that_never_was_there_has_no_label_and_is_left_out():
    """Where labels are those of items; another than the first, or the first."""
    for place in (0, 2):
        items = [(PHOTO, 5), (PHOTO, 6)]
        items.insert(place, RuntimeError("no such picture"))
        images = read_given(Numbered(items))
        assert [each is None for each in prepared(images)] == [k == place for k in range(3)]
        assert set(images.present) == {5, 6}
    with pytest.raises(UserError, match="none of its items can be fetched"):
        read_given(Numbered([RuntimeError("no such picture")]))


def test_an_item_that_cannot_be_read_for_now_is_an_error():
    """A disk that fails is not remembered as an image that cannot be decoded."""
    images = read_given(Numbered([(PHOTO, 0), OSError(5, "Input/output error")], targets=[0, 0]))
    with pytest.raises(UserError, match="image '1' cannot be read: Input/output error; mend that"):
        _ = images.digest
    with pytest.raises(UserError, match="image '1' cannot be read"):
        prepared(images)
    assert prepared(images, forgiving=True)[1] is None


def test_an_image_whose_file_was_closed_is_an_error(tmp_path):
    with Image.open(saved(tmp_path, PHOTO)) as early:
        pass
    with open(saved(tmp_path, PHOTO), "rb") as file:
        late = Image.open(file)
    for image in (early, late):
        with pytest.raises(
            UserError, match="image '0': its file was closed before its pixels were read; call its load"
        ):
            _ = read_given([(image, 0)]).digest


def test_items_are_fetched_one_at_a_time_and_when_they_are_needed():
    """By many threads; the first when the set is opened, to see what it is."""
    dataset = Numbered([(make_image((24, 24), k), k % 3) for k in range(40)], targets=[k % 3 for k in range(40)])
    images = read_given(dataset)
    assert dataset.fetched == [0]
    dataset.fetched.clear()
    assert len(images.limit(5).digest) == 64
    assert sorted(dataset.fetched) == [0, 8, 16, 24, 32]
    dataset.fetched.clear()
    _ = images.digest, images.rules, images.told
    assert sorted(dataset.fetched) == list(range(40))
    dataset.fetched.clear()
    assert len(prepared(images)) == 40
    assert sorted(dataset.fetched) == list(range(40))


def test_a_data_set_in_two_sets_is_fetched_one_at_a_time():
    dataset = Numbered([(PHOTO, k % 3) for k in range(20)])
    failed = []

    def work():
        try:
            prepared(read_given(dataset))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []


def test_one_lazy_image_twice_is_read_once_at_a_time(tmp_path):
    path = saved(tmp_path, make_image((600, 400), 1), "a.jpg")
    images = read_given([(Image.open(path), 0)] * 32)
    found = prepared(images)
    assert all(torch.equal(each.at[Scaling(24)], found[0].at[Scaling(24)]) for each in found)
