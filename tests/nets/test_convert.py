"""The fully-convolutional net is the fully-connected one: at its own input size, and slid by hand on larger ones."""

import pytest
import torch
from torch import nn
from torchvision import models

from bench.nets import zoo
from bench.nets.convert import UnconvertibleError, fully_convolutional, smallest_side
from bench.nets.initial import randomise
from bench.nets.vgg import BLOCKS, VGG

POOLED = [
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "squeezenet1_0",
    "squeezenet1_1",
    "densenet121",
    "shufflenet_v2_x0_5",
    "googlenet",
    "nin",
]
# Nets that end in an average, with the width of the map that they average at 224: what comes before it, and after.
BEFORE_AND_AFTER = {
    "resnet50": (7, lambda net: nn.Sequential(*list(net.children())[:-2]), lambda net, seen: net.fc(seen)),
    "mobilenet_v2": (7, lambda net: net.features, lambda net, seen: net.classifier(seen)),
    "squeezenet1_0": (13, lambda net: nn.Sequential(net.features, net.classifier[:3]), lambda net, seen: seen),
}
# Nets by side for which, without padding, the first linear layer sees what it does at their own; and the map's stride.
UNPADDED = [("alexnet", 355, 32), ("zfnet", 331, 32), ("caffenet", 355, 32), ("simplecnn", 70, 8), ("digitnet", 28, 2)]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photographs(side: int, width: int | None = None) -> torch.Tensor:
    return torch.randn(2, 3, side, width or side, generator=seeded())


def net_of(name: str) -> nn.Module:
    """Random, but not so that its scores hardly depend on the image."""
    torch.manual_seed(0)
    net = zoo.construct(name, 5, 1 / 8 if name in zoo.OWN else 1).eval()
    randomise(net)
    return net


def without_padding(net: nn.Module) -> nn.Module:
    """A net whose score at a place depends on what it sees there and not on where the image ends."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.padding = (0, 0)
        elif isinstance(module, nn.MaxPool2d):
            module.ceil_mode = False
    return net


def slid(net: nn.Module, images: torch.Tensor, side: int, stride: int) -> torch.Tensor:
    """The net's scores (N, K, h, w) of all crops at multiples of the stride, one by one."""
    tops, lefts = (range(0, length - side + 1, stride) for length in images.shape[2:])
    rows = [
        torch.stack([net(images[:, :, top : top + side, left : left + side]) for left in lefts], -1) for top in tops
    ]
    return torch.stack(rows, -2)


def assert_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max().clamp(min=1)


@pytest.mark.parametrize("configuration", BLOCKS)
def test_the_papers_nets_agree_at_their_own_size(configuration):
    torch.manual_seed(0)
    net = VGG(configuration, 5, 1 / 16).eval()
    with torch.inference_mode():
        dense = fully_convolutional(net, 224)(photographs(224))
        assert dense.shape == (2, 5, 1, 1)
        assert_close(dense[:, :, 0, 0], net(photographs(224)))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg_on_larger_images_is_its_classifier_slid_over_the_features(batch_norm):
    torch.manual_seed(0)
    net = VGG("D", 5, 1 / 16, batch_norm).eval()
    images = photographs(288, 341)
    with torch.inference_mode():
        dense = fully_convolutional(net, 224)(images)
        features = net.features(images)
        assert dense.shape == (2, 5, 3, 4)
        for i in range(3):
            for j in range(4):
                assert_close(dense[:, :, i, j], net.classifier(features[:, :, i : i + 7, j : j + 7].flatten(1)))


def test_alexnet_becomes_a_6x6_convolution():
    net = net_of("alexnet")
    images = photographs(288)
    with torch.inference_mode():
        convolutional = fully_convolutional(net, 224)
        features = net.features(images)
        dense = convolutional(images)
        assert dense.shape[2:] == (features.shape[2] - 5, features.shape[3] - 5)
        assert_close(dense[:, :, 1, 2], net.classifier(features[:, :, 1:7, 2:8].flatten(1)))
        assert_close(convolutional(photographs(224))[:, :, 0, 0], net(photographs(224)))


@pytest.mark.parametrize("name", ["zfnet", "caffenet", "nin", "digitnet", "simplecnn"])
def test_our_other_nets_agree_at_their_own_size(name):
    """After a log-soft-max, since digitnet's map has lost its own; a second one changes nothing."""
    net, side, channels = net_of(name), zoo.side_of(name), zoo.channels_of(name)
    images = torch.randn(2, channels, side, side, generator=seeded())
    with torch.inference_mode():
        dense = fully_convolutional(net, side, channels)(images).mean((2, 3))
        assert_close(dense.log_softmax(1), net(images).log_softmax(1))


@pytest.mark.parametrize(("name", "window"), [("zfnet", 6), ("simplecnn", 7)])
def test_on_larger_images_a_net_is_its_classifier_slid_over_the_features(name, window):
    """With its padding: of the whole image once, as section 3.2 has it, not of every crop."""
    net, side = net_of(name), zoo.side_of(name)
    images = photographs(side + 70, side + 100)
    with torch.inference_mode():
        dense = fully_convolutional(net, side)(images)
        assert min(dense.shape[2:]) > 1
        assert_close(dense, slid(lambda crop: net.classifier(crop.flatten(1)), net.features(images), window, 1))


@pytest.mark.parametrize(("name", "side", "stride"), UNPADDED)
def test_without_padding_dense_is_the_whole_net_slid_over_the_image(name, side, stride):
    """At the map's stride. Padding alone tells the dense map from the crops' scores, since each crop has its own."""
    net, channels = without_padding(net_of(name)), zoo.channels_of(name)
    images = torch.randn(1, channels, side + stride, side + 2 * stride, generator=seeded())
    with torch.inference_mode():
        dense = fully_convolutional(net, side, channels)(images)
        assert dense.shape[2:] == (2, 3)
        assert_close(dense.log_softmax(1), slid(net, images, side, stride).log_softmax(1))


def test_without_padding_the_mean_over_a_window_of_nins_map_is_the_net_slid_over_the_image():
    net = without_padding(net_of("nin"))
    images = torch.randn(1, 3, 355 + 32, 355 + 64, generator=seeded())
    with torch.inference_mode():
        dense = fully_convolutional(net, 355)(images)
        assert dense.shape[2:] == (7, 8)
        assert_close(nn.functional.avg_pool2d(dense, 6, 1), slid(net, images, 355, 32))


def test_posteriors_do_not_depend_on_the_log_softmax_that_goes():
    """Averaged over the map either before the soft-max or after it."""
    net = net_of("digitnet")
    images = torch.randn(2, 1, 40, 36, generator=seeded())
    with torch.inference_mode():
        scores = fully_convolutional(net, 28, 1)(images)
        logarithms = scores.log_softmax(1)
        assert (scores - logarithms).abs().max() > 0.1
        assert_close(logarithms.mean((2, 3)).softmax(1), scores.mean((2, 3)).softmax(1))
        assert_close(logarithms.softmax(1).mean((2, 3)), scores.softmax(1).mean((2, 3)))


@pytest.mark.parametrize("name", POOLED)
def test_pool_then_linear_nets_score_every_position_exactly(name):
    net = net_of(name)
    convolutional = fully_convolutional(net, 224)
    with torch.inference_mode():
        for images in (photographs(224), photographs(256, 320)):
            scores = convolutional(images)
            assert min(scores.shape[2:]) > 1
            assert_close(scores.mean((2, 3)), net(images))


@pytest.mark.parametrize("name", BEFORE_AND_AFTER)
def test_the_mean_over_a_window_of_a_pooled_nets_map_is_what_it_says_of_these_features(name):
    width, before, after = BEFORE_AND_AFTER[name]
    net = net_of(name)
    images = photographs(256, 320)
    with torch.inference_mode():
        dense = fully_convolutional(net, 224)(images)
        said = slid(lambda seen: after(net, seen.mean((2, 3))), before(net)(images), width, 1)
        assert min(said.shape[2:]) > 1
        assert_close(nn.functional.avg_pool2d(dense, width, 1), said)


@pytest.mark.parametrize("name", ["vgg11", "vgg16_bn", "alexnet", "nin", "resnet18", "mobilenet_v2", "inception_v3"])
def test_no_adaptive_pooling_is_left(name):
    with torch.device("meta"):
        net = net_of(name)
    convolutional = fully_convolutional(net, zoo.side_of(name))
    pools = [module for module in convolutional.modules() if "AdaptiveAvgPool" in type(module).__name__]
    assert not pools
    assert "adaptive_avg_pool" not in convolutional.code
    assert not any(isinstance(module, nn.Linear) for module in convolutional.modules())


def test_parameters_are_shared_not_copied():
    net = VGG("A", 5, 1 / 16)
    convolutional = fully_convolutional(net, 224)
    theirs = {value.data_ptr() for value in convolutional.parameters()}
    assert {value.data_ptr() for value in net.parameters()} == theirs


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vit_b_16", r"attend to others \(encoder_layers_encoder_layer_0_self_attention\)"),
        ("swin_t", "attend to others"),
        ("maxvit_t", "squeeze-and-excitation$"),
        ("mobilenet_v3_small", r"inside \(features_1_block_1_avgpool\): squeeze-and-excitation$"),
        ("efficientnet_b0", "pools over the whole image inside .*: squeeze-and-excitation$"),
    ],
)
def test_nets_without_an_exact_form_are_refused(name, reason):
    with torch.device("meta"):
        net = models.get_model(name, weights=None, num_classes=5)
    with pytest.raises(UnconvertibleError, match=reason):
        fully_convolutional(net, 224)


@pytest.mark.parametrize(("name", "smallest"), [("vgg16", 224), ("vgg19_bn", 224), ("resnet18", 1)])
def test_smallest_side(name, smallest):
    assert smallest_side(fully_convolutional(zoo.build(name, 5), 224), 224) == smallest


def test_one_pixel_below_the_smallest_side_there_is_no_score():
    convolutional = fully_convolutional(VGG("A", 5, 1 / 16).eval(), 224)
    with pytest.raises(RuntimeError):
        convolutional(photographs(223))
