"""The two nets of keras.applications that torchvision builds otherwise: published sizes, and their dense form."""

import pytest
import torch

from bench.images.pixels import NAMED, Pixels
from bench.nets import zoo
from bench.nets.dense_form import dense_form
from bench.nets.initial import randomise

TRAINABLE = {"resnet50-keras": 25_583_592, "mobilenet_v2-keras": 3_504_872}  # as model.summary() counts them


@pytest.mark.parametrize("name", TRAINABLE)
def test_parameters_are_as_many_as_kerass_own_summary_says(name):
    net = zoo.build(name, 1000)
    statistics = sum(value.numel() for key, value in net.state_dict().items() if "running_" in key)
    assert sum(value.numel() for value in net.parameters()) == TRAINABLE[name]
    assert TRAINABLE[name] + statistics == {"resnet50-keras": 25_636_712, "mobilenet_v2-keras": 3_538_984}[name]


def test_what_is_assumed_of_them_is_what_keras_prepares():
    assert zoo.usual_pixels("resnet50-keras") == NAMED["caffe"]
    assert zoo.usual_pixels("mobilenet_v2-keras") == Pixels("RGB", 1, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize("name", TRAINABLE)
def test_torchvisions_weights_of_the_same_paper_do_not_fit(name):
    theirs = zoo.build(name.removesuffix("-keras"), 7).state_dict()
    with pytest.raises(Exception, match=f"do not fit {name}: missing"):
        zoo.load(name, dict(theirs), 7, 1, "x")


@pytest.mark.parametrize("name", TRAINABLE)
@torch.inference_mode()
def test_the_dense_form_is_the_net_slid_over_the_image(name):
    """Though MobileNetV2 pads below and to the right alone."""
    torch.manual_seed(0)
    net = zoo.construct(name, 5, 1 / 16).eval()
    randomise(net)
    dense = dense_form(name, net, 224, zoo.usual_pixels(name), known=f"test of {name}")
    image = torch.randn(1, 3, 224, 224)
    assert torch.allclose(dense(image).mean((2, 3)), net(image), atol=1e-4)
    assert dense(torch.randn(1, 3, 256, 320)).shape[2:] == (8, 10)
