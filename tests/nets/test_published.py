"""Side, pixels and classes belong to weights: torchvision's are those that its own metadata states."""

import json
from dataclasses import replace
from functools import cache

import pytest
import torch
from devices import chosen
from torchvision import models

from bench.engine.header import about_models
from bench.errors import UserError
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from bench.nets.weights import Weights, save_weights
from bench.run.__main__ import main as run
from bench.speed.__main__ import main as speed
from bench.train.__main__ import main as train

MEMBERS = [member for name in models.list_models(module=models) for member in models.get_model_weights(name)]
HALVES = ("EfficientNet_V2_L_Weights", "GoogLeNet_Weights", "Inception_V3_Weights")  # take (value - 0.5) / 0.5
CLASSIFIERS = [each for each in MEMBERS if each.meta["categories"]]  # vgg16's features for detection are none
SIDES = {
    "RegNet_Y_16GF_Weights.IMAGENET1K_SWAG_E2E_V1": 384,
    "RegNet_Y_16GF_Weights.IMAGENET1K_SWAG_LINEAR_V1": 224,
    "RegNet_Y_32GF_Weights.IMAGENET1K_SWAG_E2E_V1": 384,
    "ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1": 384,
    "ViT_B_16_Weights.IMAGENET1K_SWAG_LINEAR_V1": 224,
    "ViT_L_16_Weights.IMAGENET1K_SWAG_E2E_V1": 512,
}


@pytest.fixture
def no_downloads(monkeypatch) -> None:
    monkeypatch.setattr(models.WeightsEnum, "get_state_dict", lambda *_, **__: {})


@pytest.mark.usefixtures("no_downloads")
@pytest.mark.parametrize("member", CLASSIFIERS, ids=str)
def test_published_weights_come_with_their_side_pixels_and_classes(member):
    found, preset = read_weights(f"torchvision:{member}"), member.transforms()
    halves = str(member).startswith(HALVES)
    assert found.side == preset.crop_size[0]
    assert found.pixels.mean == ((0.5,) * 3 if halves else tuple(preset.mean))
    assert found.pixels.std == ((0.5,) * 3 if halves else tuple(preset.std))
    assert found.classes == tuple(member.meta["categories"])


@pytest.mark.parametrize("name", models.list_models(module=models))
def test_a_bare_file_is_taken_for_the_nets_published_weights(name):
    default = models.get_model_weights(name).DEFAULT
    pixels = zoo.usual_pixels(name)
    assert pixels.mean == ((0.5,) * 3 if str(default).startswith(HALVES) else tuple(default.transforms().mean))
    assert zoo.side_of(name) == default.transforms().crop_size[0]


@pytest.mark.usefixtures("no_downloads")
@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "efficientnet_v2_l", "resnet50"])
def test_what_is_assumed_of_a_bare_file_is_what_the_nets_published_weights_say(name):
    default = read_weights(f"torchvision:{models.get_model_weights(name).DEFAULT}")
    bare = model_of(name, Weights("bare.pth", state_of(name, zoo.side_of(name))))
    assert (bare.pixels, bare.side) == (default.pixels, default.side)
    assert "pixels" in bare.assumed
    assert str(bare.pixels) in said(bare)


@cache
def state_of(name: str, side: int) -> dict[str, torch.Tensor]:
    """Names and shapes of a net's tensors, without values."""
    return dict(zoo.build(name, 5, side=side).state_dict())


def model_of(name: str, weights: Weights, **given) -> Model:
    return make_model(name, weights, None, None, chosen(), Precision("fp32"), "scores", **given)


@pytest.mark.parametrize("name", ["timm:resnet18", "net.py:Net", "package.net:Net"])
@pytest.mark.parametrize("command", [train, speed])
def test_commands_that_make_nets_themselves_take_none_that_are_made_elsewhere(command, name, capsys):
    assert command(["--model", name]) == 2
    assert "are for bench.run and bench.predict" in capsys.readouterr().err


@pytest.mark.usefixtures("no_downloads")
@pytest.mark.parametrize("member", SIDES)
def test_weights_for_another_side_make_a_net_of_that_side(member):
    name, side = member.partition("_Weights")[0].lower(), SIDES[member]
    weights = replace(read_weights(f"torchvision:{member}"), state=state_of(name, side), classes=None)
    model = model_of(name, weights)
    assert model.side == side
    assert model.S.low == round(256 * side / 224)
    assert not model.assumed & {"side", "pixels"}
    assert (f"crops of {side} pixels" in said(model)) == (side != zoo.side_of(name))


def said(model: Model) -> str:
    model.weights.__dict__["digest"] = "0" * 64  # of what has no values
    return about_models([model])[0]


@pytest.mark.parametrize("side", [224, 384])
def test_a_bare_vision_transformer_tells_its_side(side):
    model = model_of("vit_b_16", Weights("bare.pth", state_of("vit_b_16", side)))
    assert model.side == side
    assert model.net.image_size == side
    assert model.assumed == {"S", "pixels"}
    with pytest.raises(UserError, match=f"say {side} themselves"):
        model_of("vit_b_16", Weights("bare.pth", state_of("vit_b_16", side)), side=256)


def test_the_side_of_a_bare_file_is_assumed_where_there_are_several():
    bare = Weights("bare.pth", state_of("regnet_y_16gf", 224))
    model = model_of("regnet_y_16gf", bare)
    assert (model.side, model.assumed) == (224, {"S", "pixels", "side"})
    assert "crops of 224 pixels (assumed: the weights do not say it; --side)" in said(model)
    given = model_of("regnet_y_16gf", bare, side=384)
    assert (given.side, given.assumed) == (384, {"S", "pixels"})
    assert "side" not in model_of("resnet18", Weights("bare.pth", state_of("resnet18", 224))).assumed


@pytest.mark.parametrize("side", [17, 256])
def test_a_side_that_a_net_does_not_take_is_refused(side):
    with pytest.raises(UserError, match=f"side {side}: vgg11 takes no such images.*224"):
        model_of("vgg11", Weights("bare.pth", state_of("vgg11", 224)), side=side)


def test_a_training_keeps_the_side_of_what_it_starts_from(folder, tmp_path, monkeypatch):
    """Crops of 64 pixels, not of the net's own 224, in training and in what evaluates it."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    state = zoo.construct("shufflenet_v2_x0_5", 2).state_dict()
    save_weights(tmp_path / "w.safetensors", Weights("x", state, "shufflenet_v2_x0_5", side=64), {})
    net = ["--model", "shufflenet_v2_x0_5", "--data", folder]
    small = ["--batch", "4", "--workers", "0", "--epochs", "1", "--threads", "1", "--out", "out"]
    frozen = ["--init", "w.safetensors", "--freeze", "--augment", "none", "--cache-features"]
    assert train([*net, *small, *frozen]) == 0
    found = read_weights("out/weights.safetensors")
    assert (found.side, found.S.low) == (64, round(256 * 64 / 224))
    places = ["--store", "store", "--out", "rows"]
    assert run([*net, *places, "--weights", "out/weights.safetensors", "--protocol", "centre,dense"]) == 0
    rows = json.loads((tmp_path / "rows/results.json").read_text())
    assert all(" crop=64 " in row["signature"] for row in rows)
    assert [row["Q"] for row in rows] == ["73", "64/73/82"]


def test_a_side_is_written_where_it_is_not_plain(tmp_path):
    state = {"w": torch.ones(2, 2)}
    for name, side, expected in (("regnet_y_16gf", 224, 224), ("resnet18", 288, 288), ("resnet18", 224, None)):
        save_weights(tmp_path / "w.safetensors", Weights("x", state, name, side=side), {})
        assert read_weights(str(tmp_path / "w.safetensors")).side == expected
