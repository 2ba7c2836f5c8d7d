"""The nets beside the paper's: their published sizes, and that each is evaluated as any other."""

import numpy as np
import pytest
import torch
from conftest import make_image
from devices import chosen
from torch import nn
from torchvision import models
from torchvision.transforms.v2.functional import pil_to_tensor

from bench.engine.capacity import Capacity
from bench.engine.part_posteriors import part_posteriors
from bench.errors import UserError
from bench.images.loader import Prepared
from bench.images.pixels import NAMED, Pixels
from bench.images.scaling import Scaling
from bench.nets import zoo
from bench.nets.convert import fully_convolutional
from bench.nets.device import Precision
from bench.nets.family import DigitNet, NiN, SimpleCNN, ZFNet
from bench.nets.flops import net_flops
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from bench.nets.weights import Weights
from bench.run.__main__ import main as evaluate
from bench.run.catalogue import catalogue
from bench.train.__main__ import main as train
from protocols.protocol import Part
from protocols.scales import TrainingScale
from protocols.view import Size

FAMILY = ["zfnet", "caffenet", "nin", "digitnet", "simplecnn"]
TORCHVISIONS = ["alexnet", "mobilenet_v2", "resnet50", "squeezenet1_0", "vgg11", "vgg13_bn", "vgg16", "vgg19"]


def parameters(name: str, classes: int = 1000) -> int:
    return sum(value.numel() for value in zoo.build(name, classes).parameters())


@pytest.mark.parametrize("name", TORCHVISIONS)
def test_torchvisions_own_count_of_parameters(name):
    assert parameters(name) == models.get_model_weights(name).DEFAULT.meta["num_params"]


def layers(*shapes: tuple[int, int, int]) -> int:
    """Weights and biases of convolutions and linear layers: (inputs, outputs, kernel)."""
    return sum(outputs * (inputs * kernel**2 + 1) for inputs, outputs, kernel in shapes)


def test_zfnet_has_the_layers_of_the_papers_figure_3():
    """Zeiler and Fergus: 96 kernels of 7x7, 256 of 5x5, 384, 384 and 256 of 3x3; 6x6x256 to 4096, 4096, 1000."""
    convolutions = layers((3, 96, 7), (96, 256, 5), (256, 384, 3), (384, 384, 3), (384, 256, 3))
    assert parameters("zfnet") == convolutions + layers((6 * 6 * 256, 4096, 1), (4096, 4096, 1), (4096, 1000, 1))


def test_zfnets_maps_are_as_wide_as_in_the_papers_figure_3():
    with torch.device("meta"):
        net, images = ZFNet(5), torch.empty(1, 3, 224, 224)
    widths = []
    for layer in net.features:
        images = layer(images)
        if not isinstance(layer, nn.ReLU):
            widths.append(images.shape[-1])
    assert widths == [110, 55, 26, 13, 13, 13, 13, 6]


def test_caffenet_has_two_halves_as_krizhevskys_net_had():
    """Krizhevsky et al., section 3.5: the second, fourth and fifth convolutions see one half of the maps before."""
    convolutions = layers((3, 96, 11), (48, 256, 5), (256, 384, 3), (192, 384, 3), (192, 256, 3))
    assert parameters("caffenet") == convolutions + layers((6 * 6 * 256, 4096, 1), (4096, 4096, 1), (4096, 1000, 1))
    assert parameters("caffenet") == 60_965_224


def test_nin_has_no_fully_connected_layer_and_two_1x1_convolutions_after_each_other_one():
    with torch.device("meta"):
        kernels = [layer.kernel_size[0] for layer in NiN().modules() if isinstance(layer, nn.Conv2d)]
        assert not any(isinstance(layer, nn.Linear) for layer in NiN().modules())
    assert kernels == [11, 1, 1, 5, 1, 1, 3, 1, 1, 3, 1, 1]


def test_digitnet_is_pytorchs_example():
    """Names and shapes of what that example saves; 1,199,882 parameters."""
    assert parameters("digitnet", 10) == 1_199_882
    shapes = {name: tuple(value.shape) for name, value in zoo.build("digitnet", 10).named_parameters()}
    assert {name: shape for name, shape in shapes.items() if name.endswith("weight")} == {
        "conv1.weight": (32, 1, 3, 3),
        "conv2.weight": (64, 32, 3, 3),
        "fc1.weight": (128, 9216),
        "fc2.weight": (10, 128),
    }


def test_digitnet_gives_logarithms_of_posteriors():
    torch.manual_seed(0)
    assert torch.allclose(DigitNet().eval()(torch.randn(3, 1, 28, 28)).exp().sum(1), torch.ones(3))


def test_simplecnn_brings_the_papers_7x7_map_to_its_first_linear_layer():
    with torch.device("meta"):
        assert SimpleCNN().features(torch.empty(1, 3, 56, 56)).shape == (1, 128, 7, 7)


@pytest.mark.parametrize("name", FAMILY)
def test_width_multiplies_channels_and_leaves_the_classes(name):
    narrow = zoo.build(name, 7, 1 / 4)
    assert narrow(torch.empty(2, zoo.channels_of(name), *2 * [zoo.side_of(name)], device="meta")).shape == (2, 7)
    first, full = (next(net.parameters()) for net in (narrow, zoo.build(name, 7)))
    assert first.shape[0] == full.shape[0] / 4


def model_of(name: str, pixels: Pixels | None = None) -> Model:
    torch.manual_seed(0)
    net = zoo.construct(name, 5, 1 / 8)
    randomise(net)
    weights = Weights("random", net.state_dict(), name, 1 / 8)
    return make_model(name, weights, pixels, None, chosen(), Precision("fp32"), "scores")


@pytest.mark.parametrize("name", FAMILY)
def test_all_protocols_agree_on_a_square_image_of_the_nets_own_side(name):
    """There every crop is the whole image, and the map's mean at that side is the net's own score."""
    model, side = model_of(name), zoo.side_of(name)
    image = pil_to_tensor(make_image((side, side), seed=1))
    block = [Prepared(Size(side, side), {Scaling(side): image})]
    methods = ("tencrop", "multicrop", "dense")
    tencrop, multicrop, dense = (
        part_posteriors(model, Part(method, side), block, Capacity(8, model.device)) for method in methods
    )
    assert tencrop.max() > 0.25  # a fifth each would be no evidence
    assert np.abs(multicrop - tencrop).max() < 1e-6
    assert np.abs(dense - tencrop).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("digitnet", NAMED["caffe"], r"digitnet takes images of 1 channel\(s\); give pixels such as L/1/"),
        ("simplecnn", NAMED["mnist"], r"simplecnn takes images of 3 channel\(s\); give pixels such as RGB/1/"),
    ],
)
def test_pixels_of_other_channels_than_the_nets_are_refused(name, pixels, message):
    with pytest.raises(UserError, match=message):
        model_of(name, pixels)


def test_what_weights_do_not_say_is_assumed_as_the_net_needs_it():
    model = model_of("digitnet")
    assert (model.pixels, model.S) == (NAMED["mnist"], TrainingScale(32, 64))
    assert model.assumed == {"pixels", "S"}


@pytest.fixture(scope="module")
def listed() -> dict[str, list[str]]:
    """The words of each net's line: name, configuration, parameters, GFLOP, input, its channels, ..."""
    _, _, *lines = catalogue("models").splitlines()
    return {line.split()[0]: line.split() for line in lines[: lines.index("")]}


def test_every_net_is_listed_with_what_it_takes(listed):
    assert list(listed) == zoo.model_names()
    assert listed["digitnet"][4:7] == ["28x28", "grey", "28"]
    assert listed["vgg16"][1:7] == ["D", "138,357,544", "30.941", "224x224", "RGB", "224"]
    assert listed["resnet50"][2] == "25,557,032"
    assert listed["inception_v3"][4:6] == ["299x299", "RGB"]


ORIGINS = {
    "vgg19": "Simonyan and Zisserman 2014",
    "alexnet": "Krizhevsky et al. 2012",
    "caffenet": "Krizhevsky et al. 2012",
    "zfnet": "Zeiler and Fergus 2013",
    "nin": "Lin et al. 2013",
    "mobilenet_v2": "Sandler et al. 2018",
    "resnet50": "He et al. 2015",
    "squeezenet1_0": "Iandola et al. 2016",
    "digitnet": "PyTorch's MNIST example",
    "simplecnn": "three convolutions",
}


@pytest.mark.parametrize("name", ORIGINS)
def test_where_a_net_is_from_and_its_smallest_image_are_listed(name, listed):
    smallest, origin = int(listed[name][6]), " ".join(listed[name][7:])
    assert origin.startswith(ORIGINS[name])
    side, channels = zoo.side_of(name), zoo.channels_of(name)
    with torch.device("meta"):
        net = fully_convolutional(zoo.build(name, 1000), side, channels)
        assert min(net(torch.empty(1, channels, smallest, smallest)).shape[2:]) == 1
        with pytest.raises(RuntimeError):
            net(torch.empty(1, channels, smallest - 1, smallest - 1))


@pytest.mark.parametrize("name", ["alexnet", "resnet50", "mobilenet_v2", "squeezenet1_0", "inception_v3"])
def test_torchvisions_metadata_gives_the_flops_that_are_counted(name, listed):
    assert float(listed[name][3]) == pytest.approx(net_flops(name, 1) / 1e9, rel=0.005)


@pytest.mark.parametrize("name", ["alexnet", "zfnet", "nin", "resnet50", "mobilenet_v2"])
def test_each_net_trains_and_what_was_trained_evaluates(name, folder, tmp_path, capsys):
    width = "0.0625" if name in zoo.OWN else "1"
    words = ["--model", name, "--data", folder, "--out", str(tmp_path)]
    recipe = f"--width {width} --epochs 1 --batch 6 --workers 0 --threads 1 --dropout own --rate 0.001".split()
    assert train([*words, *recipe]) == 0
    weights = read_weights(str(tmp_path / "weights.safetensors"))
    assert weights.state.keys() == zoo.build(name, 2, float(width)).state_dict().keys()
    assert weights.classes == ("dark", "light")
    assert evaluate([*words, "--weights", weights.source, "--protocol", "centre", "--store", str(tmp_path / "s")]) == 0
    assert f"| {name} " in capsys.readouterr().out


def test_a_net_for_grey_digits_learns_to_tell_them_apart(tmp_path, capsys):
    """Dark images from light ones; in colour they become grey."""
    for split, count in (("train", 12), ("val", 4)):
        for label, name in enumerate(("dark", "light")):
            (tmp_path / split / name).mkdir(parents=True)
            for k in range(count):
                image = make_image((28, 28), 100 * label + k + count)
                image.point(lambda value, label=label: value // 4 + 190 * label).save(
                    tmp_path / split / name / f"{k}.png"
                )
    words = ["--model", "digitnet", "--data", f"folder:{tmp_path}", "--out", str(tmp_path / "out")]
    recipe = "--width 1 --optimiser adam --epochs 8 --batch 4 --workers 0 --threads 1 --augment none"
    assert train([*words, *recipe.split()]) == 0
    log = (tmp_path / "out" / "log.csv").read_text().splitlines()
    assert float(log[-1].split(",")[4]) == 0
    capsys.readouterr()
