"""Names that wrappers and other libraries give to a net's tensors."""

import pytest
import torch

from bench.errors import UserError
from bench.nets import zoo
from bench.nets.reading import read_weights
from bench.nets.tensor_names import own_names
from bench.nets.timm_names import from_timm, to_timm

WIDTH = 1 / 64


def state_of(name: str, classes: int = 3) -> dict[str, torch.Tensor]:
    """The net's tensors, each full of a number of its own."""
    width = WIDTH if name in zoo.OWN else 1
    own = zoo.build(name, classes, width).state_dict()
    return {key: torch.full(value.shape, float(k)) for k, (key, value) in enumerate(own.items())}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def renamed(state: dict[str, torch.Tensor], *changes: tuple[str, str]) -> dict[str, torch.Tensor]:
    found = {}
    for name, value in state.items():
        for old, new in changes:
            if name.startswith(old):
                name = new + name.removeprefix(old)
        found[name] = value
    return found


WRAPPED = {
    "DataParallel over the features alone": [("features.", "features.module.")],
    "DistributedDataParallel in Lightning": [("", "model.module.")],
    "FSDP in FSDP": [("classifier.6.", "classifier.6._fsdp_wrapped_module."), ("", "_fsdp_wrapped_module.")],
    "compiled in the middle of Lightning's": [("features.", "features._orig_mod."), ("", "net.")],
    "a backbone and a head of the net's name": [("features.", "backbone.features.")],
    "all of them": [("features.", "features.module."), ("", "module.model._orig_mod.backbone.")],
}


@pytest.mark.parametrize("changes", WRAPPED.values(), ids=WRAPPED)
def test_what_wrappers_add_in_front_or_in_the_middle_goes(tmp_path, changes):
    state = state_of("vgg11")
    torch.save({"state_dict": renamed(state, *changes), "epoch": 1}, tmp_path / "last.ckpt")
    assert same(read_weights(str(tmp_path / "last.ckpt"), "vgg11").state, state)


def test_names_stay_where_the_rest_are_not_exactly_the_nets(tmp_path):
    state = {**renamed(state_of("vgg11"), ("features.", "backbone.features.")), "loss.weight": torch.ones(3, 3)}
    assert own_names(zoo.names_of("vgg11"), state) is state
    with pytest.raises(UserError, match=r"do not fit vgg11: missing features\.0\.weight"):
        zoo.load("vgg11", state, 3, WIDTH, "x")


def test_two_names_that_become_one_are_left_alone():
    state = state_of("vgg11")
    doubled = {**renamed(state, ("features.", "features.module.")), "model.features.0.bias": state["features.0.bias"]}
    assert own_names(zoo.names_of("vgg11"), doubled) is doubled


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d"])
def test_mmpretrains_resnet_is_a_backbone_and_a_head(name):
    state = state_of(name)
    theirs = renamed(state, ("", "backbone."), ("backbone.fc.", "head.fc."))
    assert same(own_names(zoo.names_of(name), theirs), state)


# by net, the convolutions in torchvision's numbers and in MMPretrain's, as its own converter has them
MMPRETRAIN = {
    "vgg11": ([0, 3, 6, 8, 11, 13, 16, 18], [0, 2, 4, 5, 7, 8, 10, 11]),
    "vgg16": ([0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28], [0, 1, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16]),
    "vgg16_bn": ([0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40], [0, 1, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16]),
}


@pytest.mark.parametrize("name", MMPRETRAIN)
def test_mmpretrains_vgg_counts_a_convolution_and_what_follows_as_one(name):
    state = state_of(name)
    places = {}
    for mine, theirs in zip(*MMPRETRAIN[name], strict=True):
        places[f"features.{mine}"] = f"backbone.features.{theirs}.conv"
        if name.endswith("bn"):
            places[f"features.{mine + 1}"] = f"backbone.features.{theirs}.bn"
    given = {}
    for key, value in state.items():
        layer, _, kind = key.rpartition(".")
        given[f"{places.get(layer, f'backbone.{layer}')}.{kind}"] = value
    assert same(own_names(zoo.names_of(name), given), state)


@pytest.mark.parametrize("name", ["vgg11", "vgg16_bn"])
def test_timms_vgg_has_its_linear_layers_as_convolutions(name):
    state = state_of(name)
    channels = state["classifier.0.weight"].shape[1] // 49
    state["classifier.0.weight"] = torch.arange(state["classifier.0.weight"].numel()).view(-1, channels * 49).float()
    theirs = to_timm(state)
    assert theirs["pre_logits.fc1.weight"].shape[1:] == (channels, 7, 7)
    assert theirs["pre_logits.fc2.weight"].shape[2:] == (1, 1)
    assert torch.equal(theirs["pre_logits.fc1.weight"].flatten(1), state["classifier.0.weight"])
    assert same(from_timm(theirs), state)
    assert same(own_names(zoo.names_of(name), renamed(theirs, ("", "model."))), state)
    assert same(own_names(list(theirs), state), theirs)
