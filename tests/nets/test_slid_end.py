"""An end that is not linear behind a global average slides over the map: at every position it is that of a window."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from conftest import PIXELS
from devices import chosen
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig

from bench.errors import UserError
from bench.nets.conversion_check import check_conversion
from bench.nets.convert import UnconvertibleError, fully_convolutional, map_places, smallest_side
from bench.nets.device import Precision
from bench.nets.flops import counted_flops
from bench.nets.initial import randomise
from bench.nets.layers import on_meta
from bench.nets.model import Model
from bench.nets.weights import Weights
from protocols.protocol import Part
from protocols.scales import JITTERED

SIDE, STRIDE, WINDOW = 96, 32, 3


class Ended(nn.Module):
    """Features at a stride of 32, and an end of some kind."""

    def __init__(self, end: Callable[[torch.Tensor], torch.Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.GELU(), nn.Conv2d(8, 6, 5, 4, 1))
        self.layers, self.own = nn.Sequential(*layers), end

    def end(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers(self.own(features))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.end(self.features(images))


class ConvNeXt(models.ConvNeXt):
    def __init__(self) -> None:
        super().__init__([CNBlockConfig(4, 8, 1), CNBlockConfig(8, 12, 1), CNBlockConfig(12, 12, 1),
                          CNBlockConfig(12, None, 1)], num_classes=5)  # fmt: skip

    def end(self, features: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.avgpool(features))


class MobileNetV3(models.MobileNetV3):
    def __init__(self, excited: bool = False) -> None:
        sizes = [(8, 3, 8, 8), (8, 3, 16, 12), (12, 5, 24, 16), (16, 5, 32, 16)]
        blocks = [InvertedResidualConfig(*size, excited, "HS", 2, 1, 1) for size in sizes]
        super().__init__(blocks, 24, num_classes=5)

    def end(self, features: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.avgpool(features).flatten(1))


def mean_at_the_end(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 2, 3, 1).mean((1, 2))


def counted_mean(features: torch.Tensor) -> torch.Tensor:
    """As code writes it that counts its images; they are not as many as its positions."""
    return features.mean([-2, -1], keepdim=True).view(features.size(0), -1)


NETS = {
    "ConvNeXt": ConvNeXt,
    "MobileNetV3": MobileNetV3,
    "LayerNorm": lambda: Ended(partial(torch.mean, dim=(2, 3)), nn.LayerNorm(6), nn.Linear(6, 5)),
    "channels last": lambda: Ended(mean_at_the_end, nn.LayerNorm(6), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 5)),
    "counted": lambda: Ended(counted_mean, nn.Linear(6, 7), nn.GELU(), nn.Linear(7, 5)),
    "norms": lambda: Ended(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(6), nn.Flatten(), nn.BatchNorm1d(6), nn.ReLU(),
                           nn.Linear(6, 5), nn.LogSoftmax(1)),
}  # fmt: skip


def net_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    net = NETS[name]().eval()
    randomise(net)
    for layer in net.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    return net


def images_of(height: int, width: int) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def assert_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert theirs.std() > 1e-2
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max().clamp(min=1)


@pytest.mark.parametrize("name", NETS)
@torch.inference_mode()
def test_every_position_is_the_nets_own_end_on_a_window_of_its_features(name):
    net, images = net_of(name), images_of(SIDE + 2 * STRIDE, SIDE + 3 * STRIDE + 5)
    dense, features = fully_convolutional(net, SIDE)(images), net.features(images)
    height, width = (length - WINDOW + 1 for length in features.shape[2:])
    assert min(height, width) >= 3
    assert dense.shape == (2, 5, height, width)
    for i in range(height):
        for j in range(width):
            own = net.end(features[:, :, i : i + WINDOW, j : j + WINDOW])
            assert_close(dense[:, :, i, j].log_softmax(1), own.log_softmax(1))


@pytest.mark.parametrize("name", NETS)
@torch.inference_mode()
def test_at_its_own_side_it_is_the_net_and_it_passes_the_check(name):
    net, images = net_of(name), images_of(SIDE, SIDE)
    slid = fully_convolutional(net, SIDE)
    assert slid(images).shape == (2, 5, 1, 1)
    assert_close(slid(images)[:, :, 0, 0].log_softmax(1), net(images).log_softmax(1))
    check_conversion(net, slid, SIDE, PIXELS)


@pytest.mark.parametrize("name", NETS)
def test_places_and_the_smallest_side(name):
    slid = fully_convolutional(net_of(name), SIDE)
    assert map_places(slid, SIDE) == (SIDE / 2, STRIDE)
    smallest = smallest_side(slid, SIDE)
    assert SIDE - STRIDE < smallest <= SIDE
    assert slid(images_of(smallest, smallest)).shape[2:] == (1, 1)
    with pytest.raises(RuntimeError):
        slid(images_of(smallest - 1, smallest - 1))


@torch.inference_mode()
def test_a_model_averages_the_scores_of_its_positions():
    net, views = net_of("ConvNeXt"), torch.randint(0, 256, (2, 3, 130, 165), dtype=torch.uint8)
    model = Model("it", Weights("it", {}, "it"), net, 5, PIXELS, JITTERED, chosen(), Precision("fp32"),
                  side=SIDE)  # fmt: skip
    features = net.features(PIXELS.normalise(views))
    positions = [(i, j) for i in range(features.shape[2] - 2) for j in range(features.shape[3] - 2)]
    assert len(positions) == 6
    scores = torch.stack([net.end(features[:, :, i : i + WINDOW, j : j + WINDOW]) for i, j in positions]).mean(0)
    assert (model.posteriors(views, whole=True) - scores.softmax(1)).abs().max() <= 1e-5
    assert model.posterior_map(views[0], 3).shape == (2, 3)
    model.check(Part("dense", SIDE), "an image")
    with pytest.raises(UserError, match=f"needs {SIDE}; give a Q of at least {SIDE}"):
        model.check(Part("dense", SIDE - 1), "an image")


def test_operations_grow_by_the_positions_of_the_end():
    """Two images in one cost what two do, but for the linear layers: 1 position there, STRIDE / STRIDE more here."""
    net = net_of("LayerNorm")
    slid, alone = on_meta(fully_convolutional(net, SIDE)), on_meta(net)
    linear = 2 * 6 * 5
    body = counted_flops(alone, (3, SIDE, SIDE)) - linear
    assert counted_flops(slid, (3, SIDE, SIDE)) == body + linear
    assert counted_flops(slid, (3, SIDE, 2 * SIDE)) == 2 * body + (WINDOW + 1) * linear


def test_what_is_linear_behind_its_average_keeps_its_map():
    """A LayerNorm before the average, at every place, does not make the end another."""
    net = Ended(lambda features: features.mean((2, 3)), nn.Linear(6, 5)).eval()
    net.features.append(models.convnext.LayerNorm2d(6))
    assert fully_convolutional(net, SIDE)(images_of(SIDE, SIDE)).shape == (2, 5, WINDOW, WINDOW)


@pytest.mark.parametrize(
    "net",
    [
        Ended(nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 5, 1), nn.Dropout(), nn.Flatten()),
        Ended(mean_at_the_end, nn.Linear(6, 5)),
        Ended(lambda each: each.permute(0, 2, 3, 1).mean((1, 2), keepdim=True), nn.Linear(6, 5), nn.Flatten()),
    ],
    ids=["convolution", "channels last", "with its axes"],
)
def test_other_linear_ends_are_averaged_too(net):
    net.eval()
    averaged, images = fully_convolutional(net, SIDE), images_of(SIDE, SIDE)
    assert averaged(images).shape == (2, 5, WINDOW, WINDOW)
    with torch.inference_mode():
        assert_close(averaged(images).mean((2, 3)), net(images))
        check_conversion(net, averaged, SIDE, PIXELS)


def test_squeeze_and_excitation_is_refused_in_these_words():
    with pytest.raises(UnconvertibleError, match=r"whole image inside \(features_1_block_1_avgpool\): squeeze-and"):
        fully_convolutional(MobileNetV3(excited=True), SIDE)


def test_norms_over_the_whole_image_are_refused():
    net = Ended(lambda each: each.mean((2, 3)), nn.Linear(6, 5))
    net.features.append(nn.GroupNorm(2, 6))
    with pytest.raises(UnconvertibleError, match=r"normalises over the whole image inside \(features_3\)"):
        fully_convolutional(net, SIDE)


def test_scores_that_see_the_image_past_the_average_are_refused():
    class Past(Ended):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.end(self.features(images)) + images.amax((1, 2, 3))[:, None]

    with pytest.raises(UnconvertibleError, match="does not end in"):
        fully_convolutional(Past(lambda each: each.mean((2, 3)), nn.LayerNorm(6), nn.Linear(6, 5)), SIDE)


class Attending(nn.Module):
    """By hand: a token for the class to all cells, all cells to all, or each cell to itself, which slides."""

    def __init__(self, who: str) -> None:
        super().__init__()
        self.cells, self.head, self.who = nn.Conv2d(3, 8, 32, 32), nn.Linear(8, 5), who

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.cells(images)
        cells = maps.flatten(2)
        if self.who == "token":
            return self.head(torch.matmul(cells, torch.softmax(cells.mean(1), 1)[..., None]).squeeze(2))
        if self.who == "all":
            products = torch.matmul(cells.mT, cells)
            return self.head(torch.matmul(cells, torch.softmax(products, 1)).view_as(maps).mean((2, 3)))
        weights = torch.softmax(torch.einsum("nchw,cd->ndhw", maps, self.head.weight.T), 1)
        return self.head((maps * weights.sum(1, keepdim=True)).mean((2, 3)))


def test_attention_is_the_reason_where_a_graph_has_it_and_cannot_be_converted():
    torch.manual_seed(0)
    with pytest.raises(UnconvertibleError, match=r"places of its maps attend to others \(softmax\)"):
        fully_convolutional(Attending("token"), SIDE)
    with pytest.raises(UnconvertibleError, match=r"places of its maps attend to others \(softmax\)"):
        check_conversion(Attending("all"), fully_convolutional(Attending("all"), SIDE), SIDE, PIXELS)
    net = Attending("itself").eval()
    check_conversion(net, fully_convolutional(net, SIDE), SIDE, PIXELS)


def test_a_head_that_only_training_uses_is_left_out():
    """Its scores are computed and not given; it would stand in the graph, on a map that is no vector any more."""

    class Two(Ended):
        def __init__(self) -> None:
            super().__init__(lambda features: features.mean((2, 3)), nn.Linear(6, 5))
            self.auxiliary = nn.Linear(6, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            pooled = self.own(self.features(images))
            self.auxiliary(pooled)
            return self.layers(pooled)

    net, images = Two().eval(), torch.rand(1, 3, SIDE, 3 * SIDE)
    with torch.inference_mode():
        found = fully_convolutional(net, SIDE)(images).mean((2, 3))
        assert torch.allclose(found, net(images), atol=1e-5)
