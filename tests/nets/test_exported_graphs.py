"""Nets that torch.fx cannot trace are converted from what torch.export finds: as a twin is that torch.fx can."""

import pytest
import torch
from conftest import PIXELS
from devices import chosen
from torch import nn

from bench.nets.conversion.exported_graphs import exported_graph
from bench.nets.conversion_check import check_conversion, seen_by_a_place
from bench.nets.convert import UnconvertibleError, fully_convolutional, map_places, smallest_side
from bench.nets.cpu.forms import quicken
from bench.nets.device import Precision
from bench.nets.flops import counted_flops
from bench.nets.initial import randomise
from bench.nets.layers import on_meta, sharing_copy
from bench.nets.ready import Workshop
from bench.nets.vgg import VGG


class Plain(nn.Module):
    """Every kind of layer that has a place of its own in a converted graph."""

    def __init__(self, *end: nn.Module) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
            nn.Conv2d(8, 8, 3, padding="same", groups=4), nn.SiLU(), nn.AvgPool2d(2), nn.Conv2d(8, 12, 3, 2, 2, 2),
        )  # fmt: skip
        self.end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *end, nn.Dropout(), nn.Linear(12, 5))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.end(self.features(images))


class Branching(Plain):
    """The same, with a branch that hangs on the size of the map, which torch.fx does not follow."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.features(images)
        if maps.shape[-1] < 2:
            maps = nn.functional.interpolate(maps, (2, 2))
        return self.end(maps)


ENDS = {"linear": (), "normalised": (nn.LayerNorm(12),), "two layers": (nn.Linear(12, 12), nn.Hardswish())}


def twins(end: str) -> tuple[Plain, Branching]:
    torch.manual_seed(0)
    plain, branching = Plain(*ENDS[end]).eval(), Branching(*ENDS[end]).eval()
    randomise(plain)
    norm = plain.features[1]
    for each in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        nn.init.uniform_(each, 0.5, 1.5)
    branching.load_state_dict(plain.state_dict())
    return plain, branching


def images_of(height: int, width: int) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("end", ENDS)
@torch.inference_mode()
def test_a_net_with_control_flow_converts_as_its_twin_without(end):
    plain, branching = (fully_convolutional(net, 64) for net in twins(end))
    for images in (images_of(64, 64), images_of(101, 130)):
        ours, theirs = branching(images), plain(images)
        assert min(theirs.shape) > 0
        assert ours.shape == theirs.shape
        assert theirs.std() > 1e-2
        assert (ours - theirs).abs().max() <= 1e-6 * theirs.abs().max().clamp(min=1)
    check_conversion(twins(end)[1], branching, 64, PIXELS)


@pytest.mark.parametrize("end", ENDS)
def test_what_is_found_of_both_graphs_is_the_same(end):
    plain, branching = (fully_convolutional(net, 64) for net in twins(end))
    assert smallest_side(branching, 64) == smallest_side(plain, 64)
    assert map_places(branching, 64) == map_places(plain, 64)
    assert seen_by_a_place(branching) == seen_by_a_place(plain)
    flops = [counted_flops(on_meta(each), (3, 96, 128)) for each in (plain, branching)]
    assert flops[0] == flops[1] > 0


def test_its_layers_are_torchs_and_its_tensors_the_nets():
    net = twins("normalised")[1]
    graph = exported_graph(net, (3, 64, 64))
    kinds = [nn.Conv2d, nn.Conv2d, nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.Linear]
    for kind in kinds:
        count = [type(each) for each in net.modules()].count(kind)
        assert [type(each) for each in graph.modules()].count(kind) == count > 0
    mine = {each.data_ptr() for each in graph.parameters()}
    assert mine == {each.data_ptr() for each in net.parameters()}
    slid = fully_convolutional(twins("linear")[1], 64)
    assert len(list(slid.parameters())) == len(list(twins("linear")[1].parameters()))  # none beside its convolution


@torch.inference_mode()
def test_its_forms_are_made_of_an_exported_graph_too():
    """Batch normalisations are folded, and in bf16 the last layer is float32."""
    slid = fully_convolutional(twins("normalised")[1], 64)
    quick, images = sharing_copy(slid), images_of(96, 96)
    quicken(quick)
    assert not any(isinstance(each, nn.BatchNorm2d) for each in quick.modules())
    assert (quick(images) - slid(images)).abs().max() <= 1e-5
    lower = Workshop("it", chosen(), Precision("bf16")).ready(slid)
    assert lower(images.bfloat16().to(chosen())).dtype == torch.float32


def test_a_net_without_storage_is_converted():
    with torch.device("meta"):
        net = Branching().eval()
    assert fully_convolutional(net, 64)(torch.empty(1, 3, 64, 96, device="meta")).shape == (1, 5, 4, 6)


def test_weights_that_are_computed_stay_computed():
    class Standardised(nn.Conv2d):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            return nn.functional.conv2d(images, weight, self.bias, self.stride, self.padding)

    net = twins("linear")[1]
    net.features[0] = Standardised(3, 8, 3, 2, 1)
    slid = fully_convolutional(net, 64)
    check_conversion(net, slid, 64, PIXELS)


def test_constants_go_where_the_net_goes():
    class Mixing(Branching):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            mixed = torch.eye(3, device=images.device) + torch.ones(3, 3, device=images.device)
            return super().forward(torch.einsum("nchw,cd->ndhw", images, mixed))

    net = Mixing().eval()
    slid = fully_convolutional(net, 64)
    check_conversion(net, slid, 64, PIXELS)
    assert on_meta(slid)(torch.empty(1, 3, 64, 96, device="meta")).shape == (1, 5, 4, 6)


def test_what_neither_can_follow_is_refused():
    class Looking(Plain):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.features(images)
            return self.end(maps if maps.mean() > 0 else -maps)

    with pytest.raises(UnconvertibleError, match="it cannot be traced"):
        fully_convolutional(Looking(), 64)


def test_sizes_that_a_graph_holds_are_refused():
    """Positions that are as many as at its own size."""

    class Fixed(Branching):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = super().forward(images)
            shape = images.shape[-2:]
            assert shape[0] > 8
            return maps + nn.functional.interpolate(images, (int(shape[0]) // 2, 32)).mean((1, 2, 3))[:, None]

    with pytest.raises(UnconvertibleError):
        fully_convolutional(Fixed().eval(), 64)


def test_a_net_that_takes_some_sizes_alone_is_refused():
    class Doubling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last, self.head = nn.Conv2d(3, 8, 8, 8), nn.Conv2d(8, 8, 2, 2), nn.Linear(8, 5)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.first(images)
            return self.head((maps + nn.functional.interpolate(self.last(maps), scale_factor=2)).mean((2, 3)))

    net = Doubling().eval()
    with pytest.raises(UnconvertibleError, match="it takes no image of 72x65 px"):
        check_conversion(net, fully_convolutional(net, 64), 64, PIXELS)


@torch.inference_mode()
def test_timms_vgg_is_ours_with_the_same_weights():
    """Its first fully-connected layer is a convolution, behind a branch that hangs on the map's size."""
    timm_vgg = pytest.importorskip("timm.models.vgg")
    from timm.layers import ClassifierHead

    torch.manual_seed(0)
    ours = VGG("A", 5, 1 / 16).eval()
    randomise(ours)
    config = [each if each == "M" else each // 16 for each in timm_vgg.cfgs["vgg11"]]
    theirs = timm_vgg.VGG(config, 5, mlp_ratio=1 / 16).eval()
    theirs.pre_logits, theirs.head = timm_vgg.ConvMlp(32, 256, 7, 1, 0, nn.ReLU, nn.Conv2d), ClassifierHead(256, 5)
    theirs.features.load_state_dict(ours.features.state_dict())
    linear = [layer for layer in ours.classifier if isinstance(layer, nn.Linear)]
    for layer, other in zip(linear, (theirs.pre_logits.fc1, theirs.pre_logits.fc2, theirs.head.fc), strict=True):
        other.load_state_dict({"weight": layer.weight.view_as(other.weight), "bias": layer.bias})
    mine, dense = fully_convolutional(ours, 224), fully_convolutional(theirs.eval(), 224)
    for images in (images_of(224, 224), images_of(256, 341)):
        expected = mine(images)
        assert dense(images).shape == expected.shape
        assert (dense(images) - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1)
    assert (theirs(images_of(224, 224)) - dense(images_of(224, 224)).mean((2, 3))).abs().max() <= 1e-5
    check_conversion(theirs, dense, 224, PIXELS)
