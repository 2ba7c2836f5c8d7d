"""What a net's last layer sees: caught by a hook on the original net, and given by the converted net cut before it."""

import pytest
import torch
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from bench.errors import UserError
from bench.images.pixels import NAMED
from bench.nets import zoo
from bench.nets.conversion.before_last import before_last_layer
from bench.nets.convert import UnconvertibleError, fully_convolutional
from bench.nets.descriptor_model import describing
from bench.nets.device import Precision
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.weights import Weights
from protocols.scales import JITTERED

# Of each the length of what its last layer sees, as published, and the layer's name.
LAST = {
    "alexnet": (4096, "classifier.6"),
    "resnet18": (512, "fc"),
    "resnet50": (2048, "fc"),
    "mobilenet_v2": (1280, "classifier.1"),
    "squeezenet1_0": (512, "classifier.1"),
    "densenet121": (1024, "classifier"),
    "googlenet": (1024, "fc"),
    "convnext": (48, "classifier.2"),  # of one block a stage
}
STAGES = [CNBlockConfig(8, 16, 1), CNBlockConfig(16, 32, 1), CNBlockConfig(32, 48, 1), CNBlockConfig(48, None, 1)]


def net_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    net = ConvNeXt(STAGES, num_classes=5) if name == "convnext" else zoo.construct(name, 5, 1)
    randomise(net)
    return net.eval()


@pytest.mark.parametrize("name", LAST)
@torch.inference_mode()
def test_at_its_own_size_the_mean_over_positions_is_what_the_last_layer_sees(name):
    net, (length, layer) = net_of(name).double(), LAST[name]
    seen: list[torch.Tensor] = []
    net.get_submodule(layer).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    net(images)
    expected = seen[0].mean((2, 3)) if seen[0].ndim == 4 else seen[0]
    ours = before_last_layer(fully_convolutional(net, 224))(images)
    assert ours.shape[:2] == (1, length)
    assert (ours.mean((2, 3)) - expected).abs().max() <= 1e-9 * expected.abs().max()


@torch.inference_mode()
def test_on_larger_images_it_is_the_net_slid_by_hand():
    torch.manual_seed(0)
    net = zoo.construct("vgg16", 5, 1 / 32).eval().double()
    randomise(net)
    images = torch.randn(1, 3, 256, 288, dtype=torch.float64)
    seen: list[torch.Tensor] = []
    net.classifier[-1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features = net.features(images)
    for i in range(features.shape[2] - 6):
        for j in range(features.shape[3] - 6):
            net.classifier(features[:, :, i : i + 7, j : j + 7].flatten(1))
    expected = torch.stack(seen).mean(0)
    ours = before_last_layer(fully_convolutional(net, 224))(images)
    assert ours.shape == (1, 128, 2, 3)
    assert (ours.mean((2, 3)) - expected).abs().max() <= 1e-12 * expected.abs().max()


@torch.inference_mode()
def test_the_given_net_keeps_its_last_layer_and_shares_its_tensors():
    converted = fully_convolutional(net_of("resnet18"), 224)
    cut = before_last_layer(converted)
    images = torch.zeros(1, 3, 224, 224)
    assert converted(images).shape[1] == 5
    assert {each.data_ptr() for each in cut.parameters()} < {each.data_ptr() for each in converted.parameters()}


class PastTheEnd(nn.Module):
    """Its scores see the image past its last layer, too."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.last = nn.Conv2d(3, 5, 32, 32), nn.Conv2d(5, 5, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = self.body(images)
        return (self.last(seen) + seen).mean((2, 3))


def test_a_net_whose_scores_see_the_image_past_its_last_layer_has_no_descriptor():
    with pytest.raises(UnconvertibleError, match="no layer of it is the last"):
        before_last_layer(fully_convolutional(PastTheEnd(), 224))


def test_a_net_without_a_dense_form_is_refused_in_a_line():
    net = net_of("efficientnet_b0")
    device = torch.device("cpu")
    model = Model(
        "net", Weights("net", net.state_dict()), net, 5, NAMED["torchvision"], JITTERED, device, Precision("fp32")
    )
    with pytest.raises(UserError, match="cannot see whole images of any size") as caught:
        describing(model)
    assert "\n" not in str(caught.value)
