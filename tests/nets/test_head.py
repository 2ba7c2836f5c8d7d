import pytest
import torch
from conftest import training_words
from test_zoo import FAMILIES
from torch import nn

from bench.nets import zoo
from bench.nets.head import from_head_on, head_of, inputs_of_head, last_layer
from bench.train.__main__ import main, parser, requested
from bench.train.training import Training

HEADS = {"resnet18": "fc", "squeezenet1_0": "classifier", "vgg16": "classifier", "vit_b_16": "heads.head"}


@pytest.mark.parametrize(("name", "head"), HEADS.items())
def test_the_head_is_the_classifier_or_fc_or_else_the_last_layer(name, head):
    assert head_of(zoo.build(name, 7)) == head


def test_a_net_without_a_classifier_has_its_last_convolution_for_a_head():
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    assert head_of(net) == last_layer(net) == "2"
    images = torch.randn(2, 3, 8, 8)
    with inputs_of_head(net) as caught:
        scores = net(images)
    assert torch.equal(from_head_on(net)(caught[0]), scores)


@pytest.mark.parametrize("name", [*zoo.OWN, *FAMILIES])
def test_the_net_from_its_head_on_takes_the_heads_input_and_gives_scores(name):
    net = zoo.build(name, 7)
    images = torch.empty(2, zoo.channels_of(name), zoo.side_of(name), zoo.side_of(name), device="meta")
    with inputs_of_head(net) as caught:
        net(images)
    rest = from_head_on(net)
    assert rest(caught[0]).shape == (2, 7)
    head = net.get_submodule(head_of(net))
    assert {id(value) for value in rest.parameters()} == {id(value) for value in head.parameters()}


@pytest.fixture(scope="module")
def resnet(tmp_path_factory) -> str:
    """A file of a net with batch normalisation, of other classes than the data's."""
    path = tmp_path_factory.mktemp("resnet") / "resnet18.pth"
    torch.manual_seed(0)
    torch.save(zoo.construct("resnet18", 5).state_dict(), path)
    return str(path)


def test_frozen_features_stay_to_the_bit_with_their_statistics_and_the_head_learns(folder, tmp_path, resnet):
    words = f"--model resnet18 --data {folder} --batch 4 --workers 0 --epochs 1 --init {resnet} --out {tmp_path}"
    training = Training(requested(parser().parse_args([*words.split(), "--freeze"])))
    before = {name: value.clone() for name, value in training.net.state_dict().items()}
    list(training.epochs())
    changed = {name for name, value in training.net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"fc.weight", "fc.bias"}
    assert any(name.endswith("running_mean") for name in before)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--freeze", "give --init WHERE"),
        ("--init START --freeze --cache-features", "--augment none; give both"),
        ("--init START --augment none --cache-features", "--augment none; give both"),
        ("--augment none --S 256-512", "give --S 256"),
        ("--optimiser adam --momentum 0.9", "leave --momentum out"),
        ("--model D --init START --freeze", "would stay random"),
    ],
)
def test_options_that_contradict_one_another_end_with_one_line(folder, tmp_path, weights_of_A, capsys, more, message):
    assert main(training_words(folder, tmp_path, *more.replace("START", str(weights_of_A)).split())) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("bench.train: error: --")
    assert message in last
