import json
import os
import pickle

import numpy as np
import pytest
import torch
from conftest import CLASSES, PIXELS, WIDTH
from safetensors import safe_open
from safetensors.torch import save_file
from torchvision import models

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.sets.shapes import CLASSES as SHAPES
from bench.nets.reading import builtin_folder, builtin_names, choose_weights, read_weights
from bench.nets.weights import save_weights
from bench.train.paper_nets import NETS
from protocols.scales import TrainingScale

STATE = {"layer.weight": torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), "layer.bias": torch.zeros(4)}


def images(name: str, classes: tuple[str, ...] | None) -> Images:
    return Images(name, (), (), np.array([], dtype=np.int64), classes, 0)


def test_what_is_saved_is_read_back_whole(weights):
    found = read_weights(str(weights))
    assert (found.model, found.width, found.S) == ("vgg16", WIDTH, TrainingScale(256, 288))
    assert (found.pixels, found.classes) == (PIXELS, CLASSES)


def test_half_precision_is_read_as_float32(weights, tmp_path):
    whole = read_weights(str(weights))
    save_weights(tmp_path / "half.safetensors", whole, {}, half=whole.state.keys())
    found = read_weights(str(tmp_path / "half.safetensors"))
    assert {value.dtype for value in found.state.values()} == {torch.float32}
    assert os.path.getsize(tmp_path / "half.safetensors") < 0.6 * os.path.getsize(weights)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": s}])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_format_has_the_same_digest(tmp_path, wrap, prefix):
    save_file(STATE, tmp_path / "w.safetensors")
    torch.save(wrap({prefix + key: value for key, value in STATE.items()}), tmp_path / "w.pth")
    one, other = (read_weights(str(tmp_path / name)) for name in ("w.safetensors", "w.pth"))
    assert one.digest == other.digest


def test_a_digest_tells_values_names_and_shapes_apart(tmp_path):
    changed = STATE["layer.weight"].clone()
    changed[0, 0] += 1e-6
    variants = [
        STATE,
        {**STATE, "layer.weight": changed},
        {"layer.weight": STATE["layer.weight"], "layer.shift": STATE["layer.bias"]},
        {**STATE, "layer.weight": STATE["layer.weight"].reshape(3, 4)},
    ]
    digests = set()
    for k, state in enumerate(variants):
        save_file(state, tmp_path / f"{k}.safetensors")
        digests.add(read_weights(str(tmp_path / f"{k}.safetensors")).digest)
    assert len(digests) == len(variants)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_pickle_with_code_is_refused_before_it_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("w.pth", "wb") as file:
        pickle.dump({"layer.weight": Bomb()}, file)
    with pytest.raises(UserError, match="more than tensors"):
        read_weights("w.pth")
    assert not os.path.exists("exploded")


def test_a_pickle_with_code_in_torchs_cache_is_refused_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    with open(tmp_path / "checkpoints" / os.path.basename(models.VGG11_Weights.IMAGENET1K_V1.url), "wb") as file:
        pickle.dump({"layer.weight": Bomb()}, file)
    with pytest.raises(UserError, match="more than tensors"):
        read_weights("torchvision:IMAGENET1K_V1", "vgg11")
    assert not os.path.exists("exploded")


def test_a_file_of_parameters_is_read_as_tensors(tmp_path):
    torch.save({key: torch.nn.Parameter(value) for key, value in STATE.items()}, tmp_path / "w.pth")
    found = read_weights(str(tmp_path / "w.pth"))
    assert not any(value.requires_grad for value in found.state.values())
    assert found.digest


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_refused_by_name(tmp_path, value):
    save_file({**STATE, "layer.bias": torch.tensor([0, 1, value, 2])}, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"layer\.bias holds values that are not finite"):
        read_weights(str(tmp_path / "w.safetensors"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.safetensors", b"nonsense", "not a readable safetensors file"),
        ("w.pth", b"nonsense", "no torch file|cannot be read"),
        ("w.pth", b"", "no torch file|cannot be read"),
        ("w.onnx", b"", "give auto"),
        ("missing.pth", None, "no such file"),
    ],
)
def test_files_that_are_no_weights(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_weights(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_a_list_of_tensors_is_no_state_dict(tmp_path):
    torch.save([torch.zeros(3)], tmp_path / "w.pt")
    with pytest.raises(UserError, match="not a state dict"):
        read_weights(str(tmp_path / "w.pt"))


def test_others_safetensors_headers_are_not_ours(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors", metadata={"classes": "a thousand", "width": "wide", "format": "pt"})
    assert read_weights(str(tmp_path / "w.safetensors")).classes is None


@pytest.mark.parametrize("spec", ["torchvision:VGG16_Weights.NONE", "torchvision:IMAGENET9K", "torchvision:"])
def test_unknown_torchvision_weights_say_what_there_is(spec):
    with pytest.raises(UserError, match=r"VGG16_Weights\.IMAGENET1K_V1"):
        read_weights(spec, "vgg16")


@pytest.mark.parametrize("spec", ["torchvision:VGG11_Weights.IMAGENET1K_V1", "torchvision:IMAGENET1K_V1"])
def test_torchvision_weights_come_through_its_own_cache(tmp_path, monkeypatch, spec):
    """A file where torchvision would download to is taken, under its own pixels, classes and name."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.save(STATE, tmp_path / "checkpoints" / os.path.basename(models.VGG11_Weights.IMAGENET1K_V1.url))
    found = read_weights(spec, "vgg11")
    assert str(found.pixels) == "RGB/1/0.485,0.456,0.406/0.229,0.224,0.225"
    assert found.source == "torchvision:VGG11_Weights.IMAGENET1K_V1"
    assert len(found.classes) == 1000
    assert found.classes[:2] == ("tench", "goldfish")


def test_weights_of_features_only_are_refused(tmp_path, monkeypatch):
    """torchvision's IMAGENET1K_FEATURES has NaN in its classifier."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    url = models.VGG16_Weights.IMAGENET1K_FEATURES.url
    torch.save({"classifier.0.bias": torch.full((3,), torch.nan)}, tmp_path / "checkpoints" / os.path.basename(url))
    with pytest.raises(UserError, match="not finite"):
        read_weights("torchvision:VGG16_Weights.IMAGENET1K_FEATURES", "vgg16")


def test_auto_is_torchvisions_for_imagenets_classes():
    wnids = ("n01440764", "n02102040")
    found = choose_weights("auto", "vgg16", images("folder:x", wnids))
    assert found == "torchvision:VGG16_Weights.IMAGENET1K_V1"


def test_auto_is_the_jittered_builtin_net_for_shapes():
    name = choose_weights("auto", "vgg16", images("shapes/val", SHAPES))
    found = read_weights(name)
    assert found.model == "vgg16"
    assert TrainingScale(256, 512) == found.S


@pytest.mark.parametrize(("model", "data"), [("vgg16", "list:x"), ("vgg16c", "folder:x"), ("vgg19_bn", "shapes/val")])
def test_auto_elsewhere_says_what_to_give(model, data):
    with pytest.raises(UserError, match=r"--weights|there are"):
        choose_weights("auto", model, images(data, ("cat", "dog")))


@pytest.mark.parametrize("name", builtin_names())
def test_builtin_nets_are_small_and_say_everything(name):
    found = read_weights(f"builtin:{name}")
    assert found.classes == SHAPES
    assert found.S
    assert found.pixels
    assert (builtin_folder() / f"{name}.safetensors").stat().st_size <= 1_500_000


def test_all_twelve_nets_of_table_3_are_built_in_and_none_was_treated_specially():
    recipes = {net.name: recipe_of(net.name) for net in NETS}
    assert set(recipes) == set(builtin_names())
    shared = ("epochs", "patience", "batch", "width", "dropout", "seed")
    assert len({tuple(recipe[name] for name in shared) for recipe in recipes.values()}) == 1
    for net in NETS:
        recipe = recipes[net.name]
        assert recipe["init"] == (read_weights(f"builtin:{net.start}").digest if net.start else "")
        assert float(recipe["rate"]) == pytest.approx(0.04 * net.share)


def recipe_of(name: str) -> dict[str, str]:
    with safe_open(builtin_folder() / f"{name}.safetensors", "pt") as file:
        return json.loads(file.metadata()["vgg-protocols"])["recipe"]


def test_an_unknown_builtin_net_names_the_others():
    with pytest.raises(UserError, match="the built-in ones are"):
        read_weights("builtin:Z-999")
