"""A pooling with a window as large as the whole map slides by one cell: each place is the net's end on its window."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.images.pixels import NAMED
from bench.nets.conversion_check import check_conversion
from bench.nets.convert import fully_convolutional

SIDE, MAP, STRIDE = 32, 4, 8


class Pooled(nn.Module):
    def __init__(self, pool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 6, STRIDE, STRIDE), nn.ReLU())
        self.pool, self.last = pool, nn.Linear(6, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = self.pool(self.features(images))
        return self.last(pooled.view(pooled.size(0), -1))


POOLS = {
    "avg_pool2d": lambda features: F.avg_pool2d(features, MAP),
    "avg_pool2d by name": lambda features: F.avg_pool2d(features, kernel_size=(MAP, MAP), stride=MAP),
    "max_pool2d": lambda features: F.max_pool2d(features, MAP),
    "AvgPool2d": nn.AvgPool2d(MAP),
    "MaxPool2d": nn.MaxPool2d(MAP, stride=2),
}


@torch.inference_mode()
@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_each_place_is_the_nets_end_on_its_window(pool):
    net = Pooled(pool).eval()
    converted = fully_convolutional(net, SIDE)
    images = torch.rand(2, 3, 48, 56)
    found, features = converted(images), net.features(images)
    assert found.shape == (2, 5, 3, 4)
    for top in range(3):
        for left in range(4):
            window = features[:, :, top : top + MAP, left : left + MAP]
            expected = net.last(net.pool(window).flatten(1))
            assert torch.allclose(found[:, :, top, left], expected, atol=1e-6)
    check_conversion(net, converted, SIDE, NAMED["torchvision"])
    assert torch.allclose(converted(images[..., :SIDE, :SIDE])[..., 0, 0], net(images[..., :SIDE, :SIDE]), atol=1e-6)
    assert getattr(pool, "stride", None) in (None, MAP, 2)  # the net keeps its own
