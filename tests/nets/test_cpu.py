"""The faster forms of layers against torch's own."""

import copy
from dataclasses import replace

import pytest
import torch
from conftest import PIXELS, make_weights
from torch import nn

from bench.nets import zoo
from bench.nets.batch_norms import fold_norms
from bench.nets.convert import fully_convolutional
from bench.nets.cpu.forms import quicken
from bench.nets.cpu.pool import PairwiseMax
from bench.nets.cpu.positions import Positions
from bench.nets.cpu.products import Product
from bench.nets.cpu.winograd import TRANSFORMS, Winograd
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from bench.nets.vgg import VGG


@pytest.mark.parametrize("shape", [(2, 4, 8, 8), (1, 3, 7, 9), (1, 64, 2, 3), (3, 5, 224, 2)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_pooling_by_pairs_equals_torchs_to_the_bit(shape, layout):
    images = torch.randn(shape, generator=torch.manual_seed(0)).contiguous(memory_format=layout)
    images[0, 0, 0, 0] = torch.nan
    expected = nn.MaxPool2d(2)(images)
    assert torch.equal(PairwiseMax()(images).nan_to_num(99), expected.nan_to_num(99))


def test_the_transforms_of_winograd_are_exact():
    """Cook and Toom's identity: four outputs of a 3-tap filter from six products."""
    taps, pixels = torch.randn(3, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    products = (TRANSFORMS.kernel @ taps) * (TRANSFORMS.pixels @ pixels)
    torch.testing.assert_close(TRANSFORMS.outputs @ products, pixels.unfold(0, 3, 1) @ taps, atol=1e-13, rtol=1e-13)
    assert all(torch.equal(each.float().double(), each) for each in (TRANSFORMS.pixels, TRANSFORMS.outputs))


@pytest.mark.parametrize("kind", ["random", "smooth and rectified"])
@pytest.mark.parametrize("channels", [(128, 128), (128, 256), (256, 256), (256, 512), (512, 512)])
@torch.inference_mode()
def test_winograd_rounds_less_than_torchs_convolution(channels, kind):
    """Both against the sum in float64, for the paper's widths: on average and where it is worst."""
    torch.manual_seed(0)
    plain = nn.Conv2d(*channels, 3, padding=1).to(memory_format=torch.channels_last)
    nn.init.kaiming_normal_(plain.weight, nonlinearity="relu")
    images = torch.randn(1, channels[0], 28, 28)
    if kind != "random":
        images = nn.functional.avg_pool2d(images, 3, 1, padding=1).relu()
    images = images.contiguous(memory_format=torch.channels_last)
    found, direct = Winograd(plain)(images), plain(images)
    exact = copy.deepcopy(plain).double()(images.double())
    assert (found - exact).square().mean() < (direct - exact).square().mean()
    assert (found - exact).abs().max() < (direct - exact).abs().max()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("count", "height", "width"),
    [(1, 1, 1), (1, 2, 3), (3, 7, 7), (2, 14, 15), (1, 96, 128), (25, 14, 14), (600, 1, 2), (1, 3, 1100)],
)
def test_winograd_is_closer_to_the_exact_sum_than_float32_needs(count, height, width, bias):
    torch.manual_seed(0)
    plain = nn.Conv2d(192, 192, 3, padding=1, bias=bias)
    images = torch.randn(count, 192, height, width).contiguous(memory_format=torch.channels_last)
    form = Winograd.of(plain)
    assert form is not None
    with torch.inference_mode():
        found, direct, exact = form(images), plain(images), plain.double()(images.double())
    assert found.shape == exact.shape
    assert (found - exact).abs().max() < 2 * (direct - exact).abs().max() + 1e-6


def test_winograd_leaves_other_convolutions_alone():
    others = [
        nn.Conv2d(64, 512, 3, padding=1),  # too narrow to pay
        nn.Conv2d(512, 64, 3, padding=1),
        nn.Conv2d(256, 256, 1),
        nn.Conv2d(256, 256, 3),
        nn.Conv2d(256, 256, 3, stride=2, padding=1),
        nn.Conv2d(256, 256, 3, padding=2, dilation=2),
        nn.Conv2d(256, 256, 3, padding=1, groups=2),
        nn.Conv2d(256, 256, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(256, 256, 3, padding="same"),
        nn.Conv2d(256, 256, 3, padding=1).bfloat16(),
    ]
    net = nn.Sequential(*others)
    quicken(net)
    assert list(net) == others


def test_only_poolings_of_2x2_are_replaced():
    others = [nn.MaxPool2d(3, 2), nn.MaxPool2d(2, 1), nn.MaxPool2d(2, padding=1), nn.MaxPool2d(2, ceil_mode=True)]
    net = nn.Sequential(*others, VGG("A", 5, 1 / 32))
    quicken(net)
    assert list(net)[:4] == others
    assert [type(layer) for layer in net[4].features if "ax" in type(layer).__name__] == [PairwiseMax] * 5


@pytest.mark.parametrize("size", [(7, 7), (8, 10), (16, 21)])
def test_a_product_over_positions_equals_the_convolution(size):
    torch.manual_seed(0)
    plain = nn.Conv2d(16, 32, 7).to(memory_format=torch.channels_last)
    images = torch.randn(2, 16, *size).contiguous(memory_format=torch.channels_last)
    form = Positions.of(plain)
    assert form is not None
    torch.testing.assert_close(form(images), plain(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [(1,), (25,), (2, 3, 5), (0,)])
@torch.inference_mode()
def test_a_large_fully_connected_layer_gives_the_same(rows, bias):
    torch.manual_seed(0)
    plain = nn.Linear(2048, 512, bias=bias)
    given = torch.randn(*rows, 2048)
    form = Product.of(plain)
    assert form is not None
    assert form.weight.data_ptr() == plain.weight.data_ptr()
    torch.testing.assert_close(form(given), plain(given), atol=1e-5, rtol=1e-5)


def test_other_fully_connected_layers_stay():
    others = [nn.Linear(512, 1000), nn.Linear(2048, 512).bfloat16(), nn.Bilinear(128, 128, 128)]
    net = nn.Sequential(*others)
    quicken(net)
    assert list(net) == others


def test_only_converted_layers_become_products():
    others = [nn.Conv2d(3, 8, 7, stride=2), nn.Conv2d(3, 8, 7, padding=3), nn.Conv2d(3, 8, 5), nn.Conv2d(3, 8, 1)]
    net = nn.Sequential(*others)
    quicken(net)
    assert list(net) == others


@pytest.mark.parametrize(
    ("name", "kept"),
    [("vgg11_bn", 0), ("resnet18", 0), ("mobilenet_v2", 0), ("googlenet", 0), ("densenet121", 62), ("vgg11", 0)],
)
@torch.inference_mode()
def test_batch_normalisations_become_part_of_the_convolutions_before_them(name, kept):
    """DenseNet's stand before its convolutions, but for the first and one in each of its 58 layers."""
    torch.manual_seed(0)
    net = zoo.construct(name, 5, 1 / 8 if name in zoo.OWN else 1).eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2)
            layer.weight.uniform_(0.5, 2)
            layer.bias.normal_(0, 0.2)
    images = torch.randn(2, 3, 224, 224)
    expected, state = net(images), {key: value.clone() for key, value in net.state_dict().items()}
    folded = copy.deepcopy(net, {id(each): each for each in (*net.parameters(), *net.buffers())})
    fold_norms(folded)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules()) == kept
    assert (folded(images) - expected).abs().max() < 1e-5 * expected.abs().max()
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())


class Shared(nn.Module):
    """One convolution for two uses: of its maps, or of the layer."""

    def __init__(self, maps: bool) -> None:
        super().__init__()
        self.maps, self.convolution, self.norm = maps, nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.convolution(images)
        return maps + self.norm(maps) if self.maps else self.convolution(self.norm(maps))


@pytest.mark.parametrize("maps", [True, False])
def test_a_convolution_that_is_used_elsewhere_keeps_its_scale(maps):
    net = Shared(maps).eval()
    fold_norms(net)
    assert isinstance(net.norm, nn.BatchNorm2d)


@pytest.fixture
def wide() -> VGG:
    """Wide enough in its last blocks for every form."""
    torch.manual_seed(0)
    net = VGG("A", 5, 3 / 8).eval()
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return net


@pytest.mark.parametrize("size", [(224, 224), (256, 300)])
@torch.inference_mode()
def test_a_quickened_net_gives_the_same_scores(wide, size):
    images = torch.randn(2, 3, *size).contiguous(memory_format=torch.channels_last)
    net = fully_convolutional(wide, 224).to(memory_format=torch.channels_last)
    expected = net(images)
    quicken(net)
    assert {PairwiseMax, Winograd, Positions} <= {type(layer) for layer in net.modules()}
    assert (net(images) - expected).abs().max() < 1e-5 * expected.abs().max()


def test_a_models_own_net_stays_as_it_is(tmp_path):
    """The forms are for computing: counting FLOPs and converting begin at the net itself."""
    model = _model(tmp_path)
    layers = list(map(type, model.net.modules()))
    before = model.flops(256, 300, whole=True), model.flops(224, 224, whole=False)
    assert PairwiseMax in map(type, model.crop_net.modules())
    assert PairwiseMax in map(type, model.dense_net.modules())
    assert list(map(type, model.net.modules())) == layers
    assert (model.flops(256, 300, whole=True), model.flops(224, 224, whole=False)) == before


def test_a_model_holds_its_convolutions_once(tmp_path):
    """As they were read, and as the device has them: for every form the same."""
    model = _model(tmp_path)
    own, crop, dense = (next(net.parameters()) for net in (model.net, model.crop_net, model.dense_net))
    assert own.data_ptr() == model.weights.state["features.0.weight"].data_ptr()
    assert crop.data_ptr() == dense.data_ptr()


def _model(folder) -> Model:
    weights = read_weights(str(make_weights(folder / "net.safetensors")))
    return make_model("vgg16", weights, PIXELS, None, torch.device("cpu"), Precision("fp32"), "scores")


def test_crops_of_a_grid_are_the_same_with_shared_features_and_without(tmp_path):
    """What a device is told to do changes no posterior beyond rounding."""
    sharing, alone = (replace(_model(tmp_path), sharing=each) for each in (True, False))
    assert sharing.grid is not None
    assert alone.grid is None
    image = torch.randint(256, (3, 256, 320), dtype=torch.uint8, generator=torch.manual_seed(0))
    tops, lefts = [0, 16, 32], [0, 9, 96]
    crops = torch.stack([image[:, y : y + 224, x : x + 224] for x in lefts for y in tops])
    found, expected = sharing.posteriors_of_grid(image, tops, lefts), alone.posteriors(crops, whole=False)
    assert (found.flatten(0, 1) - expected).abs().max() < 1e-6
