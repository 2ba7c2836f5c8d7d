"""What converts moves with the image; what does not is refused, with the reason."""

import pytest
import torch
from conftest import PIXELS
from devices import chosen
from torch import nn
from torchvision import models

from bench.errors import UserError
from bench.images.pixels import NAMED
from bench.nets import zoo
from bench.nets.conversion_check import check_conversion, seen_by_a_place
from bench.nets.convert import UnconvertibleError, fully_convolutional
from bench.nets.dense_form import CHECKED
from bench.nets.device import Precision
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from bench.nets.weights import Weights
from protocols.protocol import Part
from protocols.scales import JITTERED

SMALL = {  # nets of torchvision's families, narrow or shallow: what is looked at does not depend on that
    "densenet": lambda: models.DenseNet(4, (1, 1, 1, 1), 8, num_classes=5),
    "mnasnet": lambda: models.MNASNet(0.1, num_classes=5),
    "mobilenet_v2": lambda: models.MobileNetV2(5, 0.1),
    "resnet": lambda: models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5),
    "resnext": lambda: models.ResNet(models.resnet.Bottleneck, [1, 1, 1, 1], 5, groups=4, width_per_group=4),
    "shufflenet": lambda: models.ShuffleNetV2([1, 2, 1], [8, 16, 32, 32, 64], num_classes=5),
    "squeezenet": lambda: models.squeezenet1_1(num_classes=5),
}
OURS = ["vgg11", "vgg13_bn", "vgg11-lrn", "zfnet", "caffenet", "nin", "digitnet", "simplecnn"]


@pytest.mark.parametrize("name", [*OURS, *SMALL])
def test_nets_that_convert_move_with_the_image(name):
    torch.manual_seed(0)
    net = SMALL[name]() if name in SMALL else zoo.construct(name, 5, 1 / 16)
    if name in OURS:
        randomise(net)
    side, channels = (224, 3) if name in SMALL else (zoo.side_of(name), zoo.channels_of(name))
    pixels = NAMED["mnist" if channels == 1 else "torchvision"]
    check_conversion(net.eval(), fully_convolutional(net, side, channels), side, pixels)


@pytest.mark.parametrize(("name", "features", "window"), [("vgg16", 212, 7), ("alexnet", 195, 6)])
def test_what_a_place_sees(name, features, window):
    """Receptive fields of features as Araujo et al., 2019, have them; the classifier's first layer sees a window."""
    assert seen_by_a_place(fully_convolutional(zoo.build(name, 5), 224)) == features + (window - 1) * 32


class Windowed(nn.Module):
    """Attends to all within windows of 2x2 cells that stand still, as Swin does; `scale` is its scores'."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cells, self.head = nn.Conv2d(3, 8, 8, 8), nn.Linear(8, 5)
        with torch.no_grad():
            self.head.weight *= scale
            self.head.bias *= scale

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.cells(images)
        pooled = nn.functional.avg_pool2d(maps, 2, ceil_mode=True).repeat_interleave(2, 2).repeat_interleave(2, 3)
        maps = maps * pooled[..., : maps.shape[2], : maps.shape[3]]
        return self.head(maps.mean((2, 3)))


class Placed(nn.Module):
    """Adds what stands for the place, along one axis, as a position embedding does."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.axis, self.cells, self.head = axis, nn.Conv2d(3, 8, 8, 8), nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.cells(images)
        return self.head((maps + torch.cumsum(torch.ones_like(maps), self.axis) / 10).mean((2, 3)))


class Striped(nn.Module):
    """Looks at columns in pairs that stand still, and at nothing else."""

    def __init__(self, upright: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.upright, self.cells, self.head = upright, nn.Conv2d(3, 8, 8, 8), nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.cells(images)
        kernel, axis = ((2, 1), 2) if self.upright else ((1, 2), 3)
        return self.head(nn.functional.avg_pool2d(maps, kernel).repeat_interleave(2, axis).mean((2, 3)))


@pytest.mark.parametrize(
    "net",
    [Windowed(), Windowed(1e-6), Windowed(1e6), Placed(2), Placed(3), Striped(True), Striped(False)],
    ids=lambda net: type(net).__name__,
)
def test_a_map_that_does_not_move_with_the_image_is_refused(net):
    """Whatever its weights' size; along either axis."""
    with pytest.raises(UnconvertibleError, match=r"does not move with the image: by 8 px, its scores differ by"):
        check_conversion(net, fully_convolutional(net, 32), 32, NAMED["torchvision"])


@pytest.mark.parametrize(("scale", "bias"), [(1e-6, 0), (1e-6, 1e4), (1, 1e4), (1e3, 0), (0, 0), (0, 1e4)])
def test_a_nets_weights_do_not_decide(scale, bias):
    """Tiny, saturated and zero scores, and those that one number outweighs, move as others do."""
    torch.manual_seed(0)
    net = zoo.construct("nin", 5, 1 / 16).eval()
    randomise(net)
    with torch.no_grad():
        net.features[-2].weight *= scale
        net.features[-2].bias += bias
    check_conversion(net, fully_convolutional(net, 224), 224, PIXELS)


class Turned(nn.Module):
    """Flattens its map with channels last, which no convolution of ours knows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cells, self.head = nn.Conv2d(3, 4, 8, 8), nn.Linear(64, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.cells(images).permute(0, 2, 3, 1).permute(0, 3, 2, 1).flatten(1))


def test_scores_that_differ_at_the_nets_own_size_are_refused():
    net = Turned()
    slid = fully_convolutional(net, 32)
    with torch.no_grad():
        slid.head_convolution.weight.copy_(slid.head_convolution.weight.flip(1))
    with pytest.raises(UnconvertibleError, match="at its own 32 px its scores would differ by"):
        check_conversion(Turned(), slid, 32, NAMED["torchvision"])


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t"])
def test_swin_is_refused(name):
    """Its windows stand still while the image moves. Shallow: a window is one at any depth."""
    torch.manual_seed(0)
    version = models.swin_transformer
    settings = {"block": version.SwinTransformerBlockV2, "downsample_layer": version.PatchMergingV2}
    net = models.SwinTransformer(
        [4, 4], 8, [2, 2], [2, 2], [7, 7], num_classes=5, **(settings if "v2" in name else {})
    ).eval()
    model = Model(name, Weights(name, {}, name), net, 5, PIXELS, JITTERED, chosen(), Precision("fp32"))
    with pytest.raises(UserError, match=f"model '{name}' cannot be made fully convolutional: .*give centre, tencrop"):
        model.check(Part("dense", 256), "an image")
    model.check(Part("multicrop", 256), "an image")


def test_a_net_that_gives_no_numbers_is_not_judged():
    """Its posteriors are refused where they come up, which names the image."""
    net = zoo.construct("simplecnn", 5, 1 / 8).eval()
    with torch.no_grad():
        net.classifier[0].bias.fill_(torch.inf)
    check_conversion(net, fully_convolutional(net, 56), 56, PIXELS)


def test_a_conversion_is_checked_once(weights, monkeypatch):
    calls = []
    monkeypatch.setattr("bench.nets.dense_form.check_conversion", lambda *_: calls.append(1))
    CHECKED.clear()
    for _ in range(2):
        model = make_model("vgg16", read_weights(str(weights)), None, None, chosen(), Precision("fp32"), "scores")
        assert model.converted is model.converted
    assert calls == [1]
    CHECKED.clear()
