from dataclasses import replace

import pytest
import torch
from conftest import CLASSES, PIXELS, WIDTH, training_words

from bench.errors import UserError
from bench.images.pixels import NAMED
from bench.nets import zoo
from bench.nets.initial import initial_net, randomise, start_from
from bench.nets.reading import read_weights
from bench.nets.vgg import VGG
from bench.nets.weights import Weights
from bench.train.__main__ import main, parser, requested
from bench.train.recipe import PIXELS as OURS
from bench.train.training import Training

FIVE = tuple("abcde")


def weights_of(net: torch.nn.Module) -> Weights:
    return Weights("other.pth", dict(net.state_dict()))


def test_a_deeper_net_takes_the_first_four_convolutions_and_the_linear_layers():
    torch.manual_seed(0)
    shallow, deep = VGG("A", 5, 1 / 16), VGG("D", 5, 1 / 16)
    randomise(shallow)
    randomise(deep)
    before = {name: value.clone() for name, value in deep.state_dict().items()}
    left = start_from(deep, "vgg16", 1 / 16, weights_of(shallow), FIVE)
    after = deep.state_dict()
    taken = [name for name in after if name not in left]
    convolutions = [name for name in taken if name.startswith("features") and name.endswith("weight")]
    assert len(convolutions) == 4
    assert {name.rsplit(".", 1)[0] for name in taken if "classifier" in name} == {f"classifier.{k}" for k in (0, 3, 6)}
    assert all(torch.equal(after[name], before[name]) for name in left)
    sources = [value for name, value in shallow.state_dict().items() if value.ndim == 4][:4]
    assert all(torch.equal(after[name], source) for name, source in zip(convolutions, sources, strict=True))


@pytest.mark.parametrize("letter", ["B", "C", "D", "E"])
def test_the_first_four_are_those_next_to_the_image_whatever_order_a_file_has(letter, weights_of_A):
    """A safetensors file lists features.11 before features.3."""
    source = read_weights(str(weights_of_A))
    deep = VGG(letter, len(CLASSES), WIDTH)
    start_from(deep, zoo.canonical(letter), WIDTH, source, CLASSES)
    taken = [each.weight for each in deep.features if isinstance(each, torch.nn.Conv2d)]
    firsts = [source.state[f"features.{place}.weight"] for place in (0, 3, 6, 8)]
    places = [next(k for k, mine in enumerate(taken) if torch.equal(mine, first)) for first in firsts]
    assert places == [0, 2, 4, 5]  # of each shape the first: both blocks before have two convolutions


@pytest.mark.parametrize("name", ["vgg16", "vgg11_bn", "squeezenet1_0", "googlenet"])
@pytest.mark.parametrize("classes", [5, 9])
def test_the_same_net_takes_everything_but_a_last_layer_of_other_classes(name, classes):
    width = WIDTH if name in zoo.OWN else 1
    torch.manual_seed(0)
    one, other = zoo.construct(name, 5, width), zoo.construct(name, classes, width)
    left = start_from(other, name, width, weights_of(one), "abcdefghi"[:classes])
    last = {"vgg16": "classifier.6", "vgg11_bn": "classifier.6", "squeezenet1_0": "classifier.1", "googlenet": "fc"}
    assert left == ([] if classes == 5 else [f"{last[name]}.weight", f"{last[name]}.bias"])
    theirs = one.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in other.state_dict().items() if key not in left)


@pytest.mark.parametrize("name", ["vgg16", "resnet18"])
@pytest.mark.parametrize(
    ("theirs", "kept"),
    [(FIVE, True), (None, True), (tuple("01234"), True), (tuple("edcba"), False), (tuple("vwxyz"), False)],
)
def test_a_last_layer_of_as_many_other_classes_is_left(name, theirs, kept):
    width = WIDTH if name in zoo.OWN else 1
    one, other = zoo.construct(name, 5, width), zoo.construct(name, 5, width)
    source = replace(weights_of(one), classes=theirs)
    last = {"vgg16": "classifier.6", "resnet18": "fc"}[name]
    assert start_from(other, name, width, source, FIVE) == ([] if kept else [f"{last}.weight", f"{last}.bias"])


def test_a_deeper_net_leaves_a_last_layer_of_other_classes_too():
    source = replace(weights_of(VGG("A", 5, 1 / 16)), classes=tuple("vwxyz"))
    left = start_from(VGG("D", 5, 1 / 16), "vgg16", 1 / 16, source, FIVE)
    assert {"classifier.6.weight", "classifier.6.bias"} <= set(left)


@pytest.mark.parametrize(("name", "source"), [("vgg16", "resnet18"), ("vgg16_bn", "vgg16"), ("resnet18", "resnet34")])
def test_weights_of_another_net_are_refused(name, source):
    width = WIDTH if name in zoo.OWN else 1
    with pytest.raises(UserError, match=r"other\.pth"):
        start_from(zoo.build(name, 5, width), name, width, weights_of(zoo.build(source, 5)), FIVE)


def test_weights_of_another_width_are_refused():
    with pytest.raises(UserError, match=r"at width 0\.03125"):
        start_from(VGG("D", 5, 1 / 32), "vgg16", 1 / 32, weights_of(VGG("D", 5, 1 / 16)), FIVE)


def test_what_was_not_loaded_is_said_and_width_and_pixels_are_the_weights_own(folder, tmp_path, weights_of_A, capsys):
    words = f"--model A --data {folder} --batch 4 --workers 0 --epochs 1 --init {weights_of_A} --out {tmp_path}"
    assert main(words.split()) == 0
    said = capsys.readouterr().err
    assert f"{weights_of_A}: not loaded, but random: classifier.6 2x128 (there {len(CLASSES)}x128)\n" in said
    trained = read_weights(str(tmp_path / "weights.safetensors"))
    assert (trained.pixels, trained.width, trained.classes) == (PIXELS, WIDTH, ("dark", "light"))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", OURS),
        ("--pixels caffe", NAMED["caffe"]),
        ("--init BARE", NAMED["torchvision"]),
        ("--init BARE --pixels caffe", NAMED["caffe"]),
    ],
)
def test_pixels_are_those_given_where_the_weights_say_none(folder, tmp_path, weights_of_A, capsys, more, expected):
    bare = tmp_path / "bare.pth"
    torch.save(read_weights(str(weights_of_A)).state, bare)
    told = training_words(folder, tmp_path / "out", *more.replace("BARE", str(bare)).split())
    training = Training(requested(parser().parse_args(told)))
    assert training.recipe.pixels == expected
    assert training.told["pixels"] == str(expected)
    assert ("are assumed (--pixels)" in capsys.readouterr().err) == (more == "--init BARE")


def test_pixels_that_contradict_the_weights_are_refused(folder, tmp_path, weights_of_A, capsys):
    told = ["--init", str(weights_of_A), "--pixels", "caffe"]
    assert main(training_words(folder, tmp_path, *told)) == 2
    assert "leave --pixels out" in capsys.readouterr().err.splitlines()[-1]


def test_torchvisions_nets_start_as_torchvision_makes_them(folder, tmp_path):
    words = f"--model squeezenet1_0 --data {folder} --batch 4 --seed 3 --dropout own --out {tmp_path}"
    training = Training(requested(parser().parse_args(words.split())))
    torch.manual_seed(3)
    theirs = zoo.construct("squeezenet1_0", 2).state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in training.net.state_dict().items())
    assert training.net.classifier[0].p == 0.5


@pytest.mark.parametrize(("name", "ours"), [("alexnet", True), ("mobilenet_v2", False)])
def test_torchvisions_nets_keep_their_initialisation_where_they_have_one(name, ours):
    """AlexNet has none, and PyTorch's default is a fifth of He's variance."""
    net = initial_net(name, FIVE, None, width=1, dropout=0.0, seed=0, frozen=False)
    torch.manual_seed(0)
    left = zoo.construct(name, 5, 1, 0.0)
    first, second = (next(iter(each.parameters())) for each in (net, left))
    assert torch.equal(first, second) != ours
    if ours:
        assert float(first.detach().var()) == pytest.approx(2 / first[0].numel(), rel=0.1)


def test_a_net_whose_layers_have_versions_starts_from_its_own_weights():
    """mnasnet refuses a state dict that does not say its version, which those of files do not."""
    theirs = zoo.construct("mnasnet0_5", 5)
    ours = zoo.construct("mnasnet0_5", 5)
    assert start_from(ours, "mnasnet0_5", 1, Weights("any", dict(theirs.state_dict()), "mnasnet0_5"), FIVE) == []
    assert all(torch.equal(value, ours.state_dict()[name]) for name, value in theirs.state_dict().items())
