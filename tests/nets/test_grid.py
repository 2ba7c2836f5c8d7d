"""Shared early features against the crops one by one."""

import pytest
import torch

from bench.nets.cpu.forms import quicken
from bench.nets.cpu.grid import Grid
from bench.nets.cpu.winograd import Winograd
from bench.nets.initial import randomise
from bench.nets.vgg import BLOCKS, VGG
from protocols.protocol import Part
from protocols.view import Size, rescaled


def net_of(configuration: str, batch_norm: bool = False) -> VGG:
    torch.manual_seed(0)
    net = VGG(configuration, 7, 1 / 16, batch_norm)
    randomise(net)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return net.eval().to(memory_format=torch.channels_last)


def places(size: Size, Q: int) -> tuple[list[int], list[int]]:
    boxes = [view.box for view in Part("multicrop", Q).views(size, 224)]
    return sorted({box.top for box in boxes}), sorted({box.left for box in boxes})


def image_of(size: Size, Q: int) -> torch.Tensor:
    width, height = rescaled(size, Q)
    return torch.randn(1, 3, height, width).contiguous(memory_format=torch.channels_last)[0]


@torch.inference_mode()
def one_by_one(net: VGG, image: torch.Tensor, tops: list[int], lefts: list[int]) -> torch.Tensor:
    crops = torch.stack([image[:, top : top + 224, left : left + 224] for left in lefts for top in tops])
    return net(crops.contiguous(memory_format=torch.channels_last)).unflatten(0, (len(lefts), len(tops)))


@pytest.mark.parametrize("pairwise", [True, False])
@pytest.mark.parametrize(
    ("size", "Q"), [(Size(320, 240), 256), (Size(240, 329), 256), (Size(300, 300), 224), (Size(512, 256), 384)]
)
@pytest.mark.parametrize("configuration", BLOCKS)
def test_every_depth_of_sharing_equals_the_crops_one_by_one(configuration, size, Q, pairwise, monkeypatch):
    net = net_of(configuration)
    if pairwise:
        quicken(net)
    tops, lefts = places(size, Q)
    image = image_of(size, Q)
    expected = one_by_one(net, image, tops, lefts)
    for depth in range(len(Grid(net).stages) + 1):
        monkeypatch.setattr(Grid, "depth", lambda *_, depth=depth: depth)
        with torch.inference_mode():
            found = Grid(net).scores(image, tops, lefts)
        assert (found.softmax(-1) - expected.softmax(-1)).abs().max() < 1e-5
        assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_batch_normalisation_is_shared_too():
    net = net_of("B", batch_norm=True)
    grid = Grid(net)
    tops, lefts = places(Size(320, 240), 256)
    image = image_of(Size(320, 240), 256)
    assert grid.depth(*image.shape[1:], tops, lefts) > 0
    with torch.inference_mode():
        found = grid.scores(image, tops, lefts)
    expected = one_by_one(net, image, tops, lefts)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_wide_layers_are_shared_too(monkeypatch):
    torch.manual_seed(0)
    net = VGG("A", 7, 3 / 4).eval().to(memory_format=torch.channels_last)
    randomise(net)
    tops, lefts = [0, 13], [0, 8, 17]
    image = image_of(Size(320, 240), 256)
    expected = one_by_one(net, image, tops, lefts)
    quicken(net)
    monkeypatch.setattr(Grid, "depth", lambda *_: 3)
    grid = Grid(net)
    assert Winograd in map(type, grid.stages[2].layers)
    with torch.inference_mode():
        found = grid.scores(image, tops, lefts)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def multiply_adds(net: VGG, run) -> int:
    """As torch's convolutions are called, not as the grid counts them."""
    total = 0

    def count(module, _, output):
        nonlocal total
        total += module.weight.numel() * output[:, 0].numel()

    hooks = [each.register_forward_hook(count) for each in net.modules() if isinstance(each, torch.nn.Conv2d)]
    run()
    for hook in hooks:
        hook.remove()
    return total


@pytest.mark.parametrize("Q", [224, 256, 512])
@pytest.mark.parametrize("configuration", ["A", "D"])
def test_the_depth_it_chooses_takes_the_fewest_operations(configuration, Q, monkeypatch):
    net = net_of(configuration)
    tops, lefts = places(Size(400, 300), Q)
    image = image_of(Size(400, 300), Q)
    grid = Grid(net)
    chosen = grid.depth(*image.shape[1:], tops, lefts)
    counts = []
    for depth in range(len(grid.stages) + 1):
        monkeypatch.setattr(grid, "depth", lambda *_, depth=depth: depth)
        with torch.inference_mode():
            counts.append(multiply_adds(net, lambda: grid.scores(image, tops, lefts)))
    assert counts[0] == multiply_adds(net, lambda: one_by_one(net, image, tops, lefts))
    assert counts[chosen] == min(counts)


def test_one_crop_shares_nothing():
    assert Grid(net_of("D")).depth(224, 224, [0], [0]) == 0
