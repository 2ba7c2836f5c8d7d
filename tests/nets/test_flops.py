from contextlib import suppress

import pytest
import torch
import torchvision.models
from torch import nn

from bench.nets import flops
from bench.nets.convert import fully_convolutional
from bench.nets.flops import counted_flops, image_flops
from bench.nets.layers import on_meta

# torchvision documents so many 1e9 multiply-adds at the weights' own side, as GFLOPS
DOCUMENTED = {
    "vgg16": (224, "VGG16_Weights"),
    "vgg11_bn": (224, "VGG11_BN_Weights"),
    "alexnet": (224, "AlexNet_Weights"),
    "resnet50": (224, "ResNet50_Weights"),
    "mobilenet_v2": (224, "MobileNet_V2_Weights"),
    "inception_v3": (299, "Inception_V3_Weights"),
    "convnext_tiny": (224, "ConvNeXt_Tiny_Weights"),
}


@pytest.fixture
def quick(monkeypatch):
    """Nothing is counted by torch, which takes a second."""
    monkeypatch.setattr(flops, "counted_flops", None)


@pytest.mark.filterwarnings("ignore:The default weight initialization")
@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_torchvision_documents(name, quick):
    side, weights = DOCUMENTED[name]
    with torch.device("meta"):
        net = torchvision.models.get_model(name, **({"init_weights": False} if name == "inception_v3" else {})).eval()
    documented = getattr(torchvision.models, weights).IMAGENET1K_V1.meta["_ops"]
    assert image_flops(net, (3, side, side)) / 2e9 == pytest.approx(documented, abs=0.0051)


@pytest.mark.parametrize("name", ["vgg11", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_convolutional_nets_are_counted_as_torch_counts_them(name, quick):
    net = torchvision.models.get_model(name).eval()
    assert image_flops(net, (3, 224, 224)) == counted_flops(on_meta(net), (3, 224, 224))


def test_attention_is_counted_too():
    """Its products are neither convolutions nor linear layers: queries with keys, and what these give with values."""
    attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    net = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(2), Turned(), attention)
    places, width = 16, 8
    convolution = places * width * 3 * 16
    projections = 4 * places * width**2
    products = 2 * places**2 * width
    perceptron = 2 * places * width * 16
    assert image_flops(net, (3, 16, 16)) == 2 * (convolution + projections + products + perceptron)


class Turned(nn.Module):
    def forward(self, found: torch.Tensor) -> torch.Tensor:
        return found.transpose(1, 2)


class OneByOne(nn.Module):
    """Cannot be given a batch of none."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 5, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.layer(image) for image in images])


def test_a_net_that_needs_an_image_is_given_one_without_pixels():
    assert image_flops(OneByOne(), (3, 10, 12)) == 2 * 5 * 8 * 10 * 27


def test_groups_strides_and_positions_by_hand(quick):
    net = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 4 * 7, 3))
    assert image_flops(net, (4, 9, 15)) == 2 * (6 * 4 * 7 * 2 * 9 + 6 * 4 * 7 * 3)


def test_at_its_own_side_the_fully_convolutional_form_costs_the_same(quick):
    net = torchvision.models.vgg11().eval()
    converted = fully_convolutional(net, 224)
    assert image_flops(converted, (3, 224, 224)) == image_flops(net, (3, 224, 224))
    assert image_flops(converted, (3, 256, 256)) > image_flops(net, (3, 224, 224))


def test_counting_changes_nothing(quick):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    before = {name: each.clone() for name, each in net.state_dict().items()}
    image_flops(net, (3, 8, 8))
    assert all(torch.equal(each, before[name]) for name, each in net.state_dict().items())


class Multiplying(nn.Module):
    """A convolution, and 8 x 8 weights times its 3 x 8 x 8 places."""

    def __init__(self, product) -> None:
        super().__init__()
        self.layer, self.weight, self.product = nn.Conv2d(3, 3, 1), nn.Parameter(torch.ones(8, 8)), product

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.product(self.layer(images), self.weight)


@pytest.mark.parametrize("product", [torch.matmul, torch.inner, torch.linalg.matmul], ids=lambda each: each.__name__)
def test_a_product_of_any_name_is_counted(product):
    assert image_flops(Multiplying(product).eval(), (3, 8, 8)) == 2 * (3 * 3 * 64 + 3 * 8 * 64)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*TorchScript.*")
def test_what_torchscript_runs_is_never_left_out(whole):
    """Torch's own count may refuse it; a count without it would be a wrong number."""
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)
    plain = nn.Sequential(*layers).eval()
    expected = image_flops(plain, (3, 8, 8))
    scripted = torch.jit.script(plain) if whole else nn.Sequential(torch.jit.script(layers[0]), *layers[1:])
    found = None
    with suppress(RuntimeError):
        found = image_flops(scripted.eval(), (3, 8, 8))
    assert found in (None, expected)
