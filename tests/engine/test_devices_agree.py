"""What a device computes is what a CPU computes in float64, as closely as tests/devices.py says.

`--device cuda` judges a GPU; without one it is a stand-in, which shows that nothing is left on the wrong device.
"""

import copy

import numpy as np
import pytest
import torch
from conftest import PIXELS, make_image
from devices import assert_close
from torch import nn
from torchvision.transforms.v2.functional import pil_to_tensor

from bench.engine.capacity import Capacity
from bench.engine.part_posteriors import part_posteriors
from bench.engine.view_batches import scaling_of
from bench.errors import UserError
from bench.images.loader import Prepared
from bench.images.pixels import NAMED, size_of
from bench.images.rescaling import rescale
from bench.nets import zoo
from bench.nets.descriptor_model import describing
from bench.nets.device import Precision
from bench.nets.head import last_layer
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.weights import Weights
from protocols.methods import METHODS, SQUARE
from protocols.protocol import Part
from protocols.scales import JITTERED

CPU = torch.device("cpu")
DEEP = ("resnet18", "mobilenet_v2", "squeezenet1_0", "shufflenet_v2_x0_5")
PATTERN = [(224, 224), (300, 224), (224, 260)]


def images_for(net: str, sizes: list[tuple[int, int]] = PATTERN) -> list[torch.Tensor]:
    """Noise of the net's own scale, uint8 RGB."""
    side = zoo.side_of(net)
    scaled = [(width * side // 224, height * side // 224) for width, height in sizes]
    return [pil_to_tensor(make_image(size, seed)) for seed, size in enumerate(scaled)]


def net_of(name: str) -> nn.Module:
    """A narrow random net whose scores are as large as those of a trained one."""
    torch.manual_seed(0)
    net = zoo.construct(name, 7, 1 / 32 if name in zoo.OWN else 1).eval()
    if name in zoo.OWN:
        randomise(net)
    pixels = PIXELS if zoo.channels_of(name) == 3 else NAMED["mnist"]
    with torch.inference_mode(False), torch.no_grad():
        crops = torch.stack([pil_to_tensor(make_image(2 * (zoo.side_of(name),), seed)) for seed in range(100, 104)])
        scores = net(pixels.normalise(crops))
        largest = (scores - scores.mean(1, keepdim=True)).abs().max()  # which a log-soft-max leaves as it is
        for value in net.get_submodule(last_layer(net)).parameters():
            value *= 8 / largest
    return net


@pytest.fixture(scope="module")
def nets() -> dict[str, nn.Module]:
    return {}


@pytest.fixture
def model(nets, accelerator):
    """`model(name, dtype, device)`: the same net wherever it computes."""

    def model(name: str, dtype: str = "fp32", device: torch.device = accelerator) -> Model:
        precision = Precision(dtype)
        try:
            precision.check(device)
        except UserError as error:
            pytest.skip(str(error))
        net = nets.setdefault(name, net_of(name))
        pixels = PIXELS if zoo.channels_of(name) == 3 else NAMED["mnist"]
        weights = Weights("random", {}, f"{name} {dtype} {device}")
        return Model(name, weights, net, 7, pixels, JITTERED, device, precision, side=zoo.side_of(name))

    return model


def in_float64(model: Model, image: torch.Tensor, whole: bool) -> np.ndarray:
    """Posteriors of one image, from the net as it is, or its fully-convolutional form."""
    net = copy.deepcopy(model.converted if whole else model.net).double()
    with torch.inference_mode():
        scores = net(model.pixels.normalise(image[None]).double())
        return (scores.mean((2, 3)) if whole else scores).softmax(1).numpy()[0]


def close_to_float64(model: Model, whole: bool) -> None:
    images = images_for(model.name) if whole else images_for(model.name, PATTERN[:1] * 3)
    with model.precision.settings():
        found = [model.posteriors(image[None], whole).numpy()[0] for image in images]
    expected = [in_float64(model, image, whole) for image in images]
    assert np.ptp(expected, axis=1).max() > 0.2  # a seventh each would be no evidence
    assert_close(np.array(found), np.array(expected), model.precision.name)


@pytest.mark.parametrize("whole", [False, True], ids=["crops", "whole images"])
@pytest.mark.parametrize("name", [*(name for name in zoo.OWN), *DEEP])
def test_every_net_in_float32_is_what_it_is_in_float64(model, name, whole):
    close_to_float64(model(name), whole)


def test_so_is_attention_which_has_crops_alone(model):
    close_to_float64(model("swin_t"), whole=False)


@pytest.mark.parametrize("whole", [False, True], ids=["crops", "whole images"])
@pytest.mark.parametrize("dtype", ["tf32", "bf16", "fp16"])
@pytest.mark.parametrize("name", ["vgg16", "vgg11_bn", "nin", "resnet18"])
def test_lower_formats_are_as_close_as_their_digits(model, name, dtype, whole):
    close_to_float64(model(name, dtype), whole)


def prepared(model: Model, part: Part) -> list[Prepared]:
    images = images_for(model.name, [(320, 240), (240, 320), (256, 256), (500, 260)])
    scaling = scaling_of(part, model.pixels)
    return [Prepared(size_of(image), {scaling: rescale(image, scaling)}) for image in images]


@pytest.mark.parametrize("name", ["vgg11", "nin"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_what_the_cpu_gives(model, name, method):
    """vgg11 shares a grid's features where that pays, nin never does; images of four shapes."""
    part = Part(method, 224 if method == "squash" else 256)
    there, here = (
        part_posteriors(each, part, prepared(each, part), Capacity(None, each.device))
        for each in (model(name), model(name, device=CPU))
    )
    assert np.ptp(here, axis=0).max() > 0.01 or method in SQUARE
    assert_close(there, here)


@pytest.mark.parametrize("name", ["vgg11", "resnet18"])
def test_descriptors_are_what_they_are_in_float64(model, name):
    """Of whole images and their mirror images; as wrong as scores are, in proportion to their length."""
    described, part = describing(model(name)), Part("features", 256)
    images = prepared(described, part)
    found = part_posteriors(described, part, images, Capacity(None, described.device))
    net, scaling = copy.deepcopy(described.converted).double(), scaling_of(part, described.pixels)
    with torch.inference_mode():
        seen = [described.pixels.normalise(image.at[scaling][None]).double() for image in images]
        both = [(net(image).mean((2, 3)) + net(image.flip(3)).mean((2, 3))) / 2 for image in seen]
    expected = torch.cat(both).numpy()
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    assert lengths.min() > 0
    assert_close(found / lengths, expected / lengths)


@pytest.mark.parametrize("size", [1, 7])
def test_other_batches_change_nothing_but_rounding_and_the_same_ones_nothing(model, size):
    net = model("vgg11")
    for part in (Part("tencrop", 256), Part("multicrop", 256), Part("dense", 256)):
        usual, again, other = (
            part_posteriors(net, part, prepared(net, part), Capacity(views, net.device)) for views in (None, None, size)
        )
        assert np.array_equal(usual, again)
        assert_close(other, usual)
