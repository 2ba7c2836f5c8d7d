"""What is prepared ahead of the net, and how long it is kept."""

import weakref
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from conftest import make_image

from bench.images import loader as module
from bench.images.dataset import Images
from bench.images.loader import Loader
from bench.images.scaling import Scaling

BLOCKS = [(range(4), (Scaling(8),)), (range(4, 8), (Scaling(8), Scaling(16))), (range(8, 9), (Scaling(8),))]


@pytest.fixture
def images(tmp_path: Path) -> Images:
    paths = tuple(tmp_path / f"{k}.png" for k in range(9))
    for k, path in enumerate(paths):
        make_image((10 + k, 10), k).save(path)
    return Images("x", paths, tuple(path.name for path in paths), np.zeros(9, int), ("a",), 9)


@pytest.mark.parametrize("most", [0, module.AHEAD])
@pytest.mark.parametrize("threads", [1, 2, 9])
def test_blocks_come_in_order_each_image_once(images, monkeypatch, threads, most):
    """Whether the next block is begun as a whole or not."""
    monkeypatch.setattr(module, "AHEAD", most)
    loader = Loader(images, threads)
    found = list(loader.blocks(BLOCKS))
    loader.close()
    assert [[image.size.width for image in block] for block in found] == [[10, 11, 12, 13], [14, 15, 16, 17], [18]]
    assert [{scaling.Q for image in block for scaling in image.at} for block in found] == [{8}, {8, 16}, {8}]
    assert list(Loader(images, 1).blocks([])) == []


@pytest.mark.parametrize(("most", "begun"), [(0, {4, 5}), (module.AHEAD, {4, 5, 6, 7})])
def test_the_next_block_is_begun_as_far_as_memory_allows(images, monkeypatch, most, begun):
    """Beside a large block as many images as there are threads; of the block after next none."""
    monkeypatch.setattr(module, "AHEAD", most)
    loader = Loader(images, 2)
    seen, done, prepared = set(), Event(), loader._prepared

    def noted(i, scales):
        seen.add(i)
        if seen >= set(range(4)) | begun:
            done.set()
        return prepared(i, scales)

    monkeypatch.setattr(loader, "_prepared", noted)
    next(loader.blocks(BLOCKS))
    assert done.wait(10)
    loader.pool.shutdown()
    assert seen == set(range(4)) | begun


def test_a_block_is_kept_by_its_taker_alone(images):
    loader = Loader(images, 2)
    blocks = loader.blocks(BLOCKS)
    block = next(blocks)
    kept = [weakref.ref(image) for image in block]
    del block
    loader.pool.shutdown()  # a thread has its last result a moment longer than others see it
    assert [each() for each in kept] == [None] * 4
    blocks.close()


def test_images_are_prepared_with_one_of_torchs_threads_each(images):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        loader = Loader(images, 2)
        assert [each.result() for each in [loader.pool.submit(torch.get_num_threads) for _ in range(4)]] == [1] * 4
        loader.close()
    finally:
        torch.set_num_threads(before)
