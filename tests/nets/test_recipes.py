"""Weights as their makers evaluate them: the net gets their pixels, and the row shows their figures."""

import hashlib
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from conftest import make_image, make_weights
from PIL import Image
from torchvision import models
from torchvision.transforms._presets import ImageClassification
from torchvision.transforms.v2 import InterpolationMode

import bench
from bench.engine.request import published_part
from bench.engine.view_batches import scaling_of
from bench.errors import UserError
from bench.images.pixels import NAMED, cut, parse_pixels, tensor_of
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from bench.nets import published
from bench.nets.published import TRANSFORMED, Recipe
from bench.nets.reading import read_weights
from bench.nets.weights import Weights, save_weights
from protocols.view import Size
from results.result import Result
from results.table import wide_cells

MEMBERS = [member for name in models.list_models(module=models) for member in models.get_model_weights(name)]
CLASSIFIERS = [each for each in MEMBERS if each.meta["categories"]]  # vgg16's features for detection are none
USUAL = NAMED["torchvision"]
PICTURES = [make_image(size, seed) for seed, size in enumerate(((641, 487), (487, 641), (533, 533)))]


@cache
def scaled(picture: int, scaling: Scaling) -> torch.Tensor:
    return rescale(tensor_of(PICTURES[picture]), scaling)


@cache
def recipes() -> dict[tuple, list]:
    """Members whose transforms are the same: there are far fewer recipes than weights."""
    found: dict[tuple, list] = {}
    for member in CLASSIFIERS:
        preset, halved = member.transforms(), str(member).startswith(TRANSFORMED)
        alike = preset.resize_size[0], preset.crop_size[0], preset.interpolation, tuple(preset.mean), tuple(preset.std)
        found.setdefault((*alike, halved), []).append(member)
    return found


def test_each_published_recipe_gives_the_net_torchvisions_own_pixels():
    """To the bit; where torchvision's net changes them itself, as it does, to a rounding."""
    assert sum(map(len, recipes().values())) == len(CLASSIFIERS) >= 115 - 1
    for (*_, halved), members in recipes().items():
        pixels, side, recipe = (
            published.pixels_of(members[0]),
            published.side_of(members[0]),
            published.recipe_of(members[0]),
        )
        for member in members[1:]:
            assert (published.pixels_of(member), published.side_of(member)) == (pixels, side)
            assert published.recipe_of(member).resize == recipe.resize
        part = published_part(recipe)
        for k, picture in enumerate(PICTURES):
            (view,) = part.views(Size(*picture.size), side)
            ours = pixels.normalise(cut(scaled(k, scaling_of(part, pixels)), view))
            theirs = members[0].transforms()(picture)
            if halved:
                spread, middle = (
                    torch.tensor(each)[:, None, None] for each in ((0.229, 0.224, 0.225), (0.485, 0.456, 0.406))
                )
                theirs = theirs * (spread / 0.5) + (middle - 0.5) / 0.5
                assert torch.allclose(ours, theirs, atol=1e-6)
            else:
                assert torch.equal(ours, theirs), members[0]


def test_published_errors_are_those_of_torchvisions_metadata():
    for member in CLASSIFIERS:
        accuracies, recipe = member.meta["_metrics"]["ImageNet-1K"], published.recipe_of(member)
        assert recipe.top1 == pytest.approx(100 - accuracies["acc@1"])
        assert recipe.top5 == pytest.approx(100 - accuracies["acc@5"])
    assert published.recipe_of(models.VGG16_Weights.IMAGENET1K_V1)[2:] == pytest.approx((28.408, 9.618))
    assert published.recipe_of(models.VGG16_Weights.IMAGENET1K_FEATURES).top1 is None


def result(**changed) -> Result:
    facts = {"data": "imagenet/val", "n": 50_000, "protocol": "published@256", "makers": (28.408, 9.618), **changed}
    texts = dict.fromkeys(("model", "configuration", "weights", "S", "Q"), "x")
    counts = {"skipped": 0, "wrong1": 9, "wrong5": 1, "views": 1, "seconds": 1.0, "nets": (), "signature": "s"}
    return Result(**{**texts, **counts, **facts})


def test_published_errors_stand_beside_their_own_evaluation_alone():
    assert result().published == (28.408, 9.618)
    assert wide_cells(result().record())["published top-1 / top-5"] == "28.41 / 9.62"
    for change in ({"n": 49_999}, {"data": "folder/val"}, {"skipped": 1}, {"makers": None}):
        assert result(**change).published == (None, None)
        assert wide_cells(result(**change).record())["published top-1 / top-5"] == "– / –"
    assert wide_cells(result(protocol="centre@256", makers=None).record())["published top-1 / top-5"] == ""


def test_weights_written_and_read_keep_what_their_makers_say(tmp_path):
    recipe, pixels = Recipe(232, False, 19.142, 4.938), parse_pixels("RGB/1/0.5,0.5,0.5/0.5,0.5,0.5/bicubic")
    weights = Weights("x", {"weight": torch.zeros(2, 2)}, recipe=recipe, pixels=pixels)
    save_weights(tmp_path / "w.safetensors", weights, {})
    found = read_weights(str(tmp_path / "w.safetensors"))
    assert (found.recipe, found.pixels) == (recipe, pixels)


def test_published_is_one_view_by_pil_in_the_weights_interpolation(tmp_path):
    """The row's posteriors are those of the net on what PIL and torchvision's transforms make of the image."""
    weights = make_weights(tmp_path / "w.safetensors")
    told = replace(
        read_weights(str(weights)), recipe=Recipe(240), pixels=replace(NAMED["torchvision"], interpolation="bicubic")
    )
    save_weights(weights, told, {})
    images = [(picture, k) for k, picture in enumerate(PICTURES)]
    model = bench.load_model(str(weights))
    row = bench.evaluate(model, images, "published", store=tmp_path / "store", progress=False)[0]
    transform = ImageClassification(crop_size=224, resize_size=240, interpolation=InterpolationMode.BICUBIC)
    with torch.inference_mode():
        expected = torch.cat([model.net(transform(picture)[None]).softmax(1) for picture in PICTURES])
    assert np.abs(row.posteriors.probs - expected.numpy()).max() < 1e-5
    assert "protocol=published@240" in row.signature
    assert "/bicubic" in row.signature
    assert "antialiasedbicubicbyPIL" in row.signature
    both = bench.evaluate(model, images, "published+centre@256", store=tmp_path / "store", progress=False)[0].signature
    assert "antialiasedbicubiconuint8+PILconvert(RGB),noEXIF,antialiasedbicubicbyPIL" in both
    assert both.count("noEXIF") == 2
    with pytest.raises(UserError, match="say no recipe of their makers"):
        bench.evaluate("builtin:D-256", "shapes", "published", limit=2, progress=False)
    with pytest.raises(UserError, match=r"squash@256: .* takes squares of 224 px; give squash@224, squash-centre@256"):
        bench.evaluate(model, images, "squash@256", store=tmp_path / "store", progress=False)


def test_torchvisions_own_file_says_as_much_as_its_name(tmp_path, monkeypatch):
    """Its name has the beginning of its SHA-256; another file of that name says nothing."""
    torch.save({"weight": torch.ones(2, 2)}, tmp_path / "some.pth")
    content = (tmp_path / "some.pth").read_bytes()
    name = f"vgg16-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    member = models.VGG16_Weights.IMAGENET1K_V1
    monkeypatch.setattr(published, "published_files", lambda: {name: member, "vgg16-00000000.pth": member})
    for each in (name, "vgg16-00000000.pth", "vgg16-11111111.pth"):
        (tmp_path / each).write_bytes(content)
    found = read_weights(str(tmp_path / name))
    assert (found.pixels, found.side, found.recipe) == (USUAL, 224, published.recipe_of(member))
    assert found.classes == tuple(member.meta["categories"])
    for each in ("vgg16-00000000.pth", "vgg16-11111111.pth"):
        assert read_weights(str(tmp_path / each)).recipe is None


def test_torchvisions_files_are_called_by_their_hash():
    named = [name for name in published.published_files() if published.HASHED.search(name)]
    assert len(named) > 100
    assert published.published_files()["vgg16-397923af.pth"] == models.VGG16_Weights.IMAGENET1K_V1


def test_a_published_square_is_squashed(tmp_path):
    """As timm has it for weights whose crop_mode is squash."""
    weights = make_weights(tmp_path / "w.safetensors")
    told = replace(read_weights(str(weights)), recipe=Recipe(240, square=True), pixels=USUAL)
    save_weights(weights, told, {})
    model = bench.load_model(str(weights))
    images = [(picture, k) for k, picture in enumerate(PICTURES)]
    row = bench.evaluate(model, images, "published", store=tmp_path / "store", progress=False)[0]
    squashed = [picture.resize((240, 240), Image.Resampling.BILINEAR).crop((8, 8, 232, 232)) for picture in PICTURES]
    views = torch.stack([USUAL.normalise(tensor_of(each)) for each in squashed])
    with torch.inference_mode():
        expected = model.net(views).softmax(1)
    assert np.abs(row.posteriors.probs - expected.numpy()).max() < 1e-5
    assert "protocol=published-squash@240" in row.signature
