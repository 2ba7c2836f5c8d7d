import pytest
import torch
from torchvision import models

from bench.nets import zoo
from bench.nets.vgg import BLOCKS, NAMES, VGG

# Table 2 of the paper, millions
PARAMETERS = {"A": 133, "A-LRN": 133, "B": 133, "C": 134, "D": 138, "E": 144}
WEIGHT_LAYERS = {"A": 11, "A-LRN": 11, "B": 13, "C": 16, "D": 16, "E": 19}  # Table 1


@pytest.mark.parametrize("configuration", BLOCKS)
def test_parameters_are_the_papers(configuration):
    with torch.device("meta"):
        net = VGG(configuration)
    assert round(sum(value.numel() for value in net.parameters()) / 1e6) == PARAMETERS[configuration]


@pytest.mark.parametrize("configuration", BLOCKS)
def test_weight_layers_are_the_papers(configuration):
    with torch.device("meta"):
        net = VGG(configuration)
    assert sum(value.ndim > 1 for value in net.parameters()) == WEIGHT_LAYERS[configuration]


def test_C_has_1x1_convolutions_third_in_its_last_three_blocks():
    kernels = [[layer.kernel_size[0] for layer in VGG("C", 2, 1 / 64).features if isinstance(layer, torch.nn.Conv2d)]]
    assert kernels == [[3, 3, 3, 3, 3, 3, 1, 3, 3, 1, 3, 3, 1]]


def test_A_LRN_normalises_after_its_first_convolution_only():
    layers = [type(layer).__name__ for layer in VGG("A-LRN", 2, 1 / 64).features]
    assert layers.count("LocalResponseNorm") == 1
    assert layers.index("LocalResponseNorm") < layers.index("MaxPool2d")


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"])
def test_state_dict_is_torchvisions(name):
    with torch.device("meta"):
        theirs = models.get_model(name, weights=None).state_dict()
    ours = zoo.build(name, 1000).state_dict()
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}


def test_scores_are_torchvisions():
    torch.manual_seed(0)
    theirs = models.vgg11(num_classes=10).eval()
    ours = zoo.load("vgg11", theirs.state_dict(), 10, 1, "test")
    images = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        assert (ours(images) - theirs(images)).abs().max() < 1e-6


def test_another_input_size_is_an_error_and_no_other_net():
    with pytest.raises(RuntimeError):
        VGG("A", 5, 1 / 64)(torch.zeros(1, 3, 256, 256))


@pytest.mark.parametrize(("name", "letter"), NAMES.items())
def test_names_and_letters_are_the_same_nets(name, letter):
    assert zoo.canonical(letter) == zoo.canonical(name) == name
