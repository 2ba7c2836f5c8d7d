"""The class score map laid over an image: every position stands in the middle of what it sees."""

import numpy as np
import pytest
import torch
from conftest import make_image, make_weights
from devices import chosen
from torch import nn
from torchvision.transforms.v2.functional import pil_to_tensor

from bench.engine.heat import heat_map, over_image
from bench.engine.rows import Row
from bench.errors import UserError
from bench.images.loader import Prepared
from bench.images.pixels import Pixels
from bench.images.scaling import Scaling
from bench.nets import zoo
from bench.nets.convert import fully_convolutional, map_places
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from bench.nets.weights import Weights
from protocols.protocol import parse
from protocols.scales import JITTERED
from protocols.view import Size

FP32 = Precision("fp32")


@pytest.mark.parametrize(
    ("name", "places"),
    [("vgg16", (112, 32)), ("vgg11", (112, 32)), ("alexnet", (112, 32)), ("resnet18", (16, 32))],
)
def test_positions_lie_in_the_middle_of_their_windows(name, places):
    """VGG's windows are 224 px wide and 32 px apart (section 3.2); ResNet averages 7x7 positions over 224 px."""
    assert map_places(fully_convolutional(zoo.build(name, 3), 224), 224) == places


def test_values_are_spread_linearly_and_constantly_towards_the_edges():
    heat = over_image(np.array([[0.0, 1.0]]), (112, 32), Size(256, 224), Size(256, 224))
    assert heat.shape == (224, 256)
    assert (heat == heat[0]).all()
    assert (heat[0, :112] == 0).all()
    assert (heat[0, 144:] == 1).all()
    assert heat[0, 127] == pytest.approx(15.5 / 32)


def test_a_picture_of_another_size_shows_the_same():
    values = np.random.RandomState(0).rand(3, 5)
    small, large = (over_image(values, (112, 32), Size(352, 288), Size(352 * k, 288 * k)) for k in (1, 3))
    assert np.allclose(small, large[1::3, 1::3])


def windowed() -> nn.Module:
    """Like VGG: the classifier sees 7x7 features at once."""
    return nn.Sequential(nn.Conv2d(3, 1, 32, 32), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(49, 2))


def averaged() -> nn.Module:
    """Like ResNet: every position is classified."""
    return nn.Sequential(nn.Conv2d(3, 1, 32, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2))


def row_of(net: nn.Module) -> Row:
    """The net as one that says `class 1` where it is bright."""
    with torch.no_grad():
        for layer in net:
            if hasattr(layer, "weight"):
                layer.weight.fill_(1 / layer.weight[0].numel())
                layer.bias.zero_()
        net[-1].weight[0] = 0
    pixels = Pixels("RGB", 1, (0, 0, 0), (1, 1, 1))
    model = Model("vgg16", Weights("none", {}, "vgg16"), net.eval(), 2, pixels, JITTERED, chosen(), FP32)
    return Row(((model, parse("dense@224")),))


@pytest.mark.parametrize("net", [windowed, averaged])
@pytest.mark.parametrize(("left", "top"), [(224, 256), (288, 224), (384, 256)])
def test_the_heat_is_where_the_object_is(net, left, top):
    """A bright square on black: the heat's centre of mass is the square's centre."""
    image, size = torch.zeros(3, 544, 672, dtype=torch.uint8), Size(672, 544)
    image[:, top : top + 32, left : left + 32] = 255
    heat = heat_map(row_of(net()), Prepared(size, {Scaling(224): image}), 1, size)
    heat -= heat.min()
    assert heat.max() > 1e-3
    assert (heat.sum(0) * (np.arange(672) + 0.5)).sum() / heat.sum() == pytest.approx(left + 16, abs=0.5)
    assert (heat.sum(1) * (np.arange(544) + 0.5)).sum() / heat.sum() == pytest.approx(top + 16, abs=0.5)


def test_a_bright_left_half_is_hot_on_the_left():
    image = torch.zeros(3, 224, 672, dtype=torch.uint8)
    image[:, :, :336] = 255
    heat = heat_map(row_of(windowed()), Prepared(Size(672, 224), {Scaling(224): image}), 1, Size(336, 112))
    assert heat.shape == (112, 336)
    assert heat[:, :168].min() >= heat[:, 168:].max()
    assert heat.argmax() % 336 < 168


def test_there_is_no_map_without_a_dense_part():
    ((model, _),) = row_of(windowed()).nets
    row = Row(((model, parse("centre@224")),))
    assert (
        heat_map(
            row, Prepared(Size(224, 224), {Scaling(224): torch.zeros(3, 224, 224, dtype=torch.uint8)}), 0, Size(9, 9)
        )
        is None
    )


def test_the_maps_mean_is_the_posterior_where_posteriors_are_averaged(tmp_path):
    weights = read_weights(str(make_weights(tmp_path / "A.safetensors", "vgg11")))
    model = make_model("vgg11", weights, None, None, chosen(), FP32, "posteriors")
    image = pil_to_tensor(make_image((320, 260), 0))
    expected = model.posteriors(image[None], whole=True)[0]
    maps = torch.stack([model.posterior_map(image, index) for index in range(model.count)])
    assert maps.shape == (7, 2, 4)
    assert maps.std((1, 2)).max() > 1e-3
    assert (maps.mean((1, 2)) - expected).abs().max() < 1e-6


def test_a_map_that_does_not_fit_into_memory_is_one_line(monkeypatch):
    def lacking(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Model, "posterior_map", lacking)
    image = Prepared(Size(224, 224), {Scaling(224): torch.zeros(3, 224, 224, dtype=torch.uint8)}, "a.png")
    with pytest.raises(UserError, match=r"class score map of 'a.png' does not fit into memory .*; give smaller Q"):
        heat_map(row_of(windowed()), image, 0, Size(9, 9))
