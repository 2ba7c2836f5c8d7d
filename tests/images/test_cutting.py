"""Many views at once are what each is by itself, whichever way they are cut."""

import pytest
import torch

from bench.images.cutting import by_index, by_rows, mirrored, stacked
from bench.images.pixels import cut, size_of
from protocols.methods import METHODS
from protocols.view import View

WAYS = {"by rows": by_rows, "by index": by_index, "as suits the device": stacked}


def images_of(*sides: tuple[int, int]) -> list[torch.Tensor]:
    """Random ones of these heights and widths, channels last in memory, as they are prepared."""
    torch.manual_seed(0)
    return [torch.randint(0, 256, (*side, 3), dtype=torch.uint8).permute(2, 0, 1) for side in sides]


def pairs(method: str, images: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[View]]:
    found = [(image, view) for image in images for view in METHODS[method](size_of(image), 40, 32)]
    return [image for image, _ in found], [view for _, view in found]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("method", ["centre", "tencrop", "multicrop", "dense"])
def test_stacked_views_are_those_cut_one_by_one(way, method):
    images = images_of((40, 55), (40, 55)) if method == "dense" else images_of((40, 55), (71, 40), (40, 40))
    owners, views = pairs(method, images)
    expected = torch.stack([cut(image, view) for image, view in zip(owners, views, strict=True)])
    found = way(owners, views)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_images_may_lie_in_memory_as_they_like(way):
    owners, views = pairs("multicrop", images_of((40, 55)))
    other = [owners[0].contiguous()] * len(owners)
    assert torch.equal(way(owners, views), way(other, views))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_images_may_come_in_any_order_and_several_times(way):
    owners, views = pairs("tencrop", images_of((40, 55), (71, 40)))
    order = torch.randperm(len(views), generator=torch.Generator().manual_seed(1)).tolist()
    mixed = way([owners[k] for k in order], [views[k] for k in order])
    assert torch.equal(mixed, way(owners, views)[order])


def test_mirrored_is_flipped():
    (image,) = images_of((5, 7))
    assert torch.equal(mirrored(image), image.flip(-1))
    assert torch.equal(mirrored(mirrored(image.contiguous())), image)
