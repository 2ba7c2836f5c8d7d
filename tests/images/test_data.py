import hashlib
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_image

from bench.errors import UserError
from bench.images.dataset import Images, Place
from bench.images.decoding import read
from bench.images.loader import Loader
from bench.train.crops import CentreCrops
from protocols.view import Box, Size

BOXES = (Box(0, 0, 40, 30), Box(10, 5, 25, 30), None)


@pytest.fixture
def images(tmp_path) -> Images:
    """One file three times: two boxes of it, and all of it."""
    path = tmp_path / "a.png"
    make_image((40, 30), 0).save(path)
    return Images("x", (path,) * 3, ("a#1", "a#2", "a"), np.array([0, 1, 0]), ("cat", "dog"), 3, boxes=BOXES)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_digest_of_a_set_without_boxes_is_over_ids_labels_and_contents(images):
    """As before there were boxes: stored blocks and baselines of older versions stand on it."""
    content = sha256(images.sources[0].read_bytes())
    expected = sha256(f"a#1\t0\t{content}\na#2\t1\t{content}\na\t0\t{content}\n".encode())
    assert replace(images, boxes=None).digest == expected
    assert replace(images, boxes=(None,) * 3).digest == expected
    assert replace(images, boxes=None, pixel_digests=("p", "q", "r")).digest == sha256(
        b"a#1\t0\tp\na#2\t1\tq\na\t0\tr\n"
    )


def test_digest_tells_boxes_apart(images):
    moved = replace(images, boxes=(BOXES[0], Box(10, 5, 25, 29), None))
    assert len({images.digest, moved.digest, replace(images, boxes=None).digest}) == 3
    assert images.take([1, 0]).digest != images.take([0, 1]).digest


def test_box_goes_with_its_image(images):
    assert [images.take([2, 1]).place(i).box for i in (0, 1)] == [None, BOXES[1]]
    assert images.limit(1).place(0) == Place(images.sources[0], BOXES[0])


def test_every_reader_sees_the_box_alone(images):
    """Right and bottom lie outside; the loader and the training crops read what `read` reads."""
    whole, part = read(*images.place(2)), read(*images.place(1))
    assert part.size == (15, 25)
    assert np.array_equal(np.array(part), np.array(whole)[5:30, 10:25])
    loader = Loader(images, 1)
    (block,) = loader.blocks([((0, 1, 2), ())])
    loader.close()
    assert [image.size for image in block] == [Size(40, 30), Size(15, 25), Size(40, 30)]
    part.save(images.sources[0].with_name("part.png"))
    alone = replace(images, sources=(images.sources[0].with_name("part.png"),) * 3, boxes=None)
    (found, _), (expected, _) = CentreCrops(images, 32, 32)[1], CentreCrops(alone, 32, 32)[1]
    assert (found == expected).all()


@pytest.mark.parametrize("box", [Box(0, 0, 41, 30), Box(0, 0, 40, 31)])
def test_box_beyond_its_file_is_an_error_and_not_black(images, box):
    loader = Loader(replace(images, boxes=(None, box, None)), 1)
    with pytest.raises(UserError, match="is 40x30, but a box in it is"):
        list(loader.blocks([((0, 1, 2), ())]))
    loader.close()
