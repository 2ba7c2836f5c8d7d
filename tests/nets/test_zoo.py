import re

import pytest
import torch
from torchvision import models

from bench.errors import UserError
from bench.nets import zoo

FAMILIES = [
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3"),
    *("maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18"),
    *("resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t", "swin_v2_t", "vit_b_16", "wide_resnet50_2"),
]


@pytest.mark.parametrize("name", [*zoo.OWN, *FAMILIES])
def test_class_count_is_read_back(name):
    """Each family keeps its last layer last in the state dict, which the count is read from."""
    assert zoo.class_count(name, zoo.build(name, 7).state_dict()) == 7


def test_every_family_of_torchvisions_is_tested():
    stems = {name[:4] for name in [*zoo.OWN, *FAMILIES]}
    assert {name[:4] for name in zoo.model_names()} == stems


@pytest.mark.parametrize(("typed", "meant"), [("vgg_16", "vgg16"), ("VGG16", "vgg16"), ("resnet5O", "resnet50")])
def test_unknown_names_get_the_nearest(typed, meant):
    with pytest.raises(UserError, match=f"did you mean {meant}"):
        zoo.canonical(typed)


def test_configuration_is_the_papers_letter_only_for_the_papers_net():
    assert zoo.configuration("vgg16") == "D"
    assert zoo.configuration("vgg16c") == "C"
    assert zoo.configuration("vgg16_bn") != "D"
    assert zoo.configuration("vgg16", 1 / 16) != "D"
    assert zoo.configuration("resnet50") == "–"


def test_width_belongs_to_the_papers_nets():
    with pytest.raises(UserError, match="width"):
        zoo.build("resnet18", 10, 0.5)


def test_each_net_takes_its_own_side_and_channels():
    sides = {name: zoo.side_of(name) for name in ("vgg16", "nin", "simplecnn", "digitnet", "inception_v3", "resnet50")}
    assert sides == {"vgg16": 224, "nin": 224, "simplecnn": 56, "digitnet": 28, "inception_v3": 299, "resnet50": 224}
    assert [name for name in zoo.model_names() if zoo.channels_of(name) == 1] == ["digitnet"]


@pytest.mark.parametrize("name", ["vgg16", "alexnet", "squeezenet1_0", "mobilenet_v2"])
def test_a_net_is_constructed_with_the_dropout_asked_for(name):
    def rates(**settings: float) -> set[float]:
        net = zoo.construct(name, 7, **settings)
        return {module.p for module in net.modules() if isinstance(module, torch.nn.Dropout)}

    assert rates() == {0.2 if name == "mobilenet_v2" else 0.5}
    assert rates(dropout=0) == {0}
    assert rates(dropout=0.25) == {0.25}


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return {key: torch.ones(value.shape) for key, value in zoo.build("vgg11", 5, 1 / 64).state_dict().items()}


def test_loaded_weights_are_the_files(state):
    state["classifier.6.bias"] = torch.arange(5.0)
    net = zoo.load("vgg11", state, 5, 1 / 64, "x")
    assert not net.training
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("features.0.bias"), "missing features.0.bias"),
        (lambda state: state.update({"head.weight": torch.zeros(1)}), "surplus head.weight"),
        (lambda state: state.update({"features.0.weight": torch.zeros(2, 3, 3, 3)}), "features.0.weight is 2x3x3x3"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(state, change, message):
    change(state)
    with pytest.raises(UserError, match=message):
        zoo.load("vgg11", state, 5, 1 / 64, "x")


@pytest.mark.parametrize("name", ["mnasnet0_5", "densenet121", "vit_b_16", "googlenet", "mobilenet_v2"])
def test_torchvisions_own_files_load(name):
    """With keys as its nets save them."""
    torch.manual_seed(0)
    settings = {"init_weights": False} if name == "googlenet" else {}
    theirs = models.get_model(name, weights=None, num_classes=7, **settings).eval()
    net = zoo.load(name, dict(theirs.state_dict()), 7, 1, "x")
    images = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        assert torch.equal(net(images), theirs(images))


def renamed(state: dict[str, torch.Tensor], pattern: str, to: str) -> dict[str, torch.Tensor]:
    old = {re.sub(pattern, to, key): value for key, value in state.items()}
    assert old.keys() != state.keys()
    return old


@pytest.mark.parametrize(
    ("name", "pattern", "to"),
    [
        ("densenet121", r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2"),
        ("vit_b_16", r"mlp\.0\.", "mlp.linear_1."),
    ],
)
def test_keys_of_older_files_are_renamed(name, pattern, to):
    """torchvision's published densenets have `norm.1`, older vision transformers `mlp.linear_1`."""
    state = models.get_model(name, weights=None, num_classes=7).state_dict()
    net = zoo.load(name, renamed(state, pattern, to), 7, 1, "x")
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("name", "of", "pattern", "to"),
    [
        ("densenet161", "densenet121", r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2"),
        ("vit_b_16", "vit_l_16", r"mlp\.0\.", "mlp.linear_1."),
    ],
)
def test_older_files_of_other_nets_are_refused(name, of, pattern, to):
    state = renamed(dict(zoo.build(of, 7).state_dict()), pattern, to)
    first = {key: value for key, value in state.items() if "linear_1" in key or of == "densenet121"}
    with pytest.raises(UserError, match=f"do not fit {name}"):
        zoo.load(name, first, 7, 1, "x")


def test_a_tensor_under_an_old_and_a_new_name_is_refused():
    state = dict(zoo.build("densenet121", 7).state_dict())
    old = renamed(state, r"(denselayer1\.norm)1", r"\1.1")
    with pytest.raises(UserError, match="an old and a new name"):
        zoo.load("densenet121", state | old, 7, 1, "x")
