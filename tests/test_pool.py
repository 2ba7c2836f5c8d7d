import pytest
import torch
from torch import nn

from bench.convert import fully_convolutional
from bench.pool import PairwiseMax, pool_pairwise
from bench.vgg import VGG


@pytest.mark.parametrize("shape", [(2, 4, 8, 8), (1, 3, 7, 9), (1, 64, 2, 3), (3, 5, 224, 2)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_it_equals_torchs_pooling_to_the_bit(shape, layout):
    images = torch.randn(shape, generator=torch.manual_seed(0)).contiguous(memory_format=layout)
    images[0, 0, 0, 0] = torch.nan
    expected = nn.MaxPool2d(2)(images)
    assert torch.equal(PairwiseMax()(images).nan_to_num(99), expected.nan_to_num(99))


def test_only_poolings_of_2x2_are_replaced():
    others = [nn.MaxPool2d(3, 2), nn.MaxPool2d(2, 1), nn.MaxPool2d(2, padding=1), nn.MaxPool2d(2, ceil_mode=True)]
    net = nn.Sequential(*others, VGG("A", 5, 1 / 32))
    pool_pairwise(net)
    assert list(net)[:4] == others
    assert [type(layer) for layer in net[4].features if "ax" in type(layer).__name__] == [PairwiseMax] * 5


def test_a_net_whose_poolings_are_replaced_still_becomes_convolutional():
    torch.manual_seed(0)
    net = VGG("A", 5, 1 / 32).eval()
    images = torch.randn(1, 3, 256, 300)
    with torch.no_grad():
        expected = fully_convolutional(net, 224)(images)
        pool_pairwise(net)
        assert torch.equal(fully_convolutional(net, 224)(images), expected)
