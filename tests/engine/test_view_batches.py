"""Which views go through a net together: each once, as many as there is room for."""

import pytest
import torch

from bench.engine.capacity import Capacity
from bench.engine.view_batches import ImageView, by_grid, by_size, views_of
from bench.images.loader import Prepared
from bench.images.pixels import NAMED
from bench.images.scaling import Scaling
from protocols.protocol import Part
from protocols.view import Size, rescaled

SIDE, Q = 32, 40
SIZES = [Size(60, 45), Size(45, 60), Size(60, 45), Size(90, 45)]


class Net:
    side = SIDE


def views(method: str) -> list[ImageView]:
    shapes = [rescaled(size, Q) for size in SIZES]
    block = [
        Prepared(size, {Scaling(Q): torch.zeros(3, shape.height, shape.width, dtype=torch.uint8)})
        for size, shape in zip(SIZES, shapes, strict=True)
    ]
    return views_of(block, Part(method, Q), SIDE, NAMED["torchvision"])


def test_views_are_numbered_image_by_image():
    found = views("multicrop")
    assert [view.row for view in found] == list(range(50 * len(SIZES)))
    assert [view.owner for view in found] == [owner for owner in range(len(SIZES)) for _ in range(50)]


@pytest.mark.parametrize("method", ["centre", "tencrop", "multicrop", "dense"])
def test_a_batch_has_views_of_one_size_and_each_view_has_one_batch(method):
    found, batches = views(method), by_size(views(method))
    assert sorted(row for batch in batches for row in batch.rows) == [view.row for view in found]
    for batch in batches:
        assert {tuple(view.pixels.shape[-2:]) for view in batch.views} == {batch.views[0].size[::-1]}
        assert batch.pixels == sum(view.pixels[0].numel() for view in batch.views)
        assert batch.kind == ("whole images" if method == "dense" else "crops")
    assert len(batches) == (3 if method == "dense" else 1)  # two of the images have one size


def test_a_grid_has_all_crops_of_one_image_with_mirrored_ones_apart():
    grids = by_grid(views("multicrop"))
    assert [len(grid.views) for grid in grids] == [25] * 2 * len(SIZES)
    assert all(len({(view.owner, view.view.flip) for view in grid.views}) == 1 for grid in grids)


@pytest.mark.parametrize("most", [1, 3, 7, 200, 1000])
def test_no_batch_is_larger_than_its_capacity(most):
    found = views("multicrop")
    batches = Capacity(most, torch.device("cpu")).divide(Net, found)
    assert [row for batch in batches for row in batch.rows] == [view.row for view in found]
    assert [len(batch.views) for batch in batches[:-1]] == [most] * (len(found) // most - (len(found) % most == 0))
    assert all(batch.pixels == len(batch.views) * SIDE**2 for batch in batches)


def test_after_a_lack_of_memory_half_as_much_goes_through_but_never_less_than_a_view():
    capacity, found = Capacity(8, torch.device("cpu")), views("centre")
    (batch,) = capacity.divide(Net, found)
    assert capacity.has_room(Net, batch)
    for expected in (2, 1, 1):
        capacity.reduce(Net, batch)
        assert len(batch.views) == 1 or not capacity.has_room(Net, batch)
        batch, *_ = capacity.divide(Net, found)
        assert len(batch.views) == expected
        assert capacity.has_room(Net, batch)  # alone, always worth an attempt


@pytest.mark.parametrize(("kind", "other"), [("centre", "dense"), ("dense", "centre")])
def test_crops_and_whole_images_have_limits_of_their_own(kind, other):
    capacity = Capacity(8, torch.device("cpu"))
    before = [len(batch.views) for batch in capacity.divide(Net, views(other))]
    capacity.reduce(Net, capacity.divide(Net, views(kind))[0])
    assert [len(batch.views) for batch in capacity.divide(Net, views(other))] == before
