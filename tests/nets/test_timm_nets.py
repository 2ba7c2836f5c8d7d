"""timm's nets by name: the same numbers as ours with the same weights, and what its configuration says."""

import numpy as np
import pytest
import torch
from conftest import make_image
from safetensors.torch import save_file

import bench
from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets import timm_nets
from bench.nets.published import Recipe
from bench.nets.timm_nets import bare_net, usual_pixels, usual_side

timm = pytest.importorskip("timm")


@pytest.fixture(scope="module")
def images():
    return [(make_image((300, 260), seed), seed) for seed in range(2)]


def test_what_its_configuration_says_holds():
    assert usual_pixels("timm:vgg16.tv_in1k") == Pixels("RGB", 1, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert usual_pixels("timm:vit_base_patch16_224.augreg_in1k").mean == (0.5, 0.5, 0.5)
    assert usual_side("timm:vgg16.tv_in1k") == 224
    assert usual_side("timm:resnet50.a1_in1k") == 288  # published at 288, trained at 224


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:resnet5O", "timm has no such net; did you mean timm:resnet50"),
        ("timm:resnet50.none", "timm has no such weights; it has resnet50.a1_in1k"),
        ("timm:", "timm has no such net"),
    ],
)
def test_names_that_timm_does_not_know_are_a_line(name, message):
    with pytest.raises(UserError, match=message):
        bench.load_model(name)


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(UserError, match=r"pip install 'vgg-protocols\[timm\]'"):
        bench.load_model("timm:vgg16.tv_in1k")


def test_weights_that_cannot_be_had_are_a_line(monkeypatch):
    def refused(*_, **named):
        raise OSError("no network\nhere")

    monkeypatch.setattr(timm, "create_model", refused)
    with pytest.raises(UserError, match=r"cannot be had \(no network here\); fetch them, and give --weights FILE"):
        bench.load_model("timm:vgg16.tv_in1k")


def test_published_weights_bring_what_belongs_to_them(monkeypatch):
    make = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: make(name, pretrained=False))
    net, weights = timm_nets.published_net("timm:mobilenetv3_small_050.lamb_in1k")
    assert weights.classes is not None
    assert [len(weights.classes), weights.classes[0]] == [1000, "n01440764"]
    assert [weights.side, weights.pixels] == [
        224,
        Pixels("RGB", 1, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bicubic"),
    ]
    assert weights.recipe == Recipe(256)  # floor(224 / 0.875)
    assert net.num_classes == 1000


def test_weights_of_a_file_tell_the_classes(images, tmp_path):
    net = timm.create_model("resnet10t.c3_in1k", num_classes=5).eval()
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    asked = {"store": tmp_path / "store", "progress": False, "S": 256}
    place = str(tmp_path / "net.safetensors")
    named = bench.evaluate("timm:resnet10t.c3_in1k", images, "centre,dense", weights=place, **asked)
    given = bench.evaluate(
        net, images, "centre,dense", side=224, pixels=usual_pixels("timm:resnet10t.c3_in1k"), **asked
    )
    assert named[0].posteriors.probs.shape == (2, 5)
    for one, other in zip(named, given, strict=True):
        assert np.array_equal(one.posteriors.probs, other.posteriors.probs)
    with pytest.raises(UserError, match="do not fit timm:resnet18"):
        bench.load_model("timm:resnet18.a1_in1k", place)


def test_a_bare_net_has_as_many_classes_as_its_weights():
    assert bare_net("timm:resnet10t.c3_in1k", {"fc.weight": torch.zeros(7, 512)})[0].num_classes == 7
    assert bare_net("timm:resnet10t.c3_in1k", {})[0].num_classes == 1000


def test_of_a_file_side_and_pixels_are_assumed_and_another_side_has_no_recipe(tmp_path):
    save_file(timm.create_model("resnet10t.c3_in1k", num_classes=5).state_dict(), tmp_path / "net.safetensors")
    model = bench.load_model("timm:resnet10t.c3_in1k", str(tmp_path / "net.safetensors"))
    assert model.assumed >= {"side", "pixels"}
    assert model.side == usual_side("timm:resnet10t.c3_in1k")
    assert model.weights.recipe is not None
    other = bench.load_model("timm:resnet10t.c3_in1k", str(tmp_path / "net.safetensors"), side=96)
    assert (other.side, other.weights.recipe) == (96, None)
