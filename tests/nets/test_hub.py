"""Repositories of the Hugging Face hub, out of a cache that is planted here; nothing is downloaded."""

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench.errors import UserError
from bench.images.pixels import Pixels, parse_pixels
from bench.nets import hub, zoo
from bench.nets.hub_configs import read_config
from bench.nets.published import Recipe
from bench.nets.reading import read_weights
from bench.nets.timm_names import to_timm

huggingface_hub = pytest.importorskip("huggingface_hub")
constants, errors = map(pytest.importorskip, ("huggingface_hub.constants", "huggingface_hub.errors"))
REVISIONS = {"main": "1" * 40, "v2": "2" * 40}
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.2, 0.25)
TIMM = {
    "architecture": "vgg11",
    "num_classes": 3,
    "pretrained_cfg": {
        "input_size": [3, 224, 224],
        "interpolation": "bicubic",
        "crop_pct": 0.875,
        "crop_mode": "center",
        "mean": MEAN,
        "std": STD,
    },
    "label_names": ["a", "b", "c"],
}


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def plant(cache: Path, revision: str = "main", repository: str = "timm/vgg11.tv_in1k") -> Path:
    """The folder of a revision, as the hub's client lays it out."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / REVISIONS[revision]
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / revision).write_text(REVISIONS[revision])
    return snapshot


def state_of(value: float = 0) -> dict[str, torch.Tensor]:
    own = zoo.build("vgg11", 3, 1 / 64).state_dict()
    return {key: torch.full(each.shape, value + k) for k, (key, each) in enumerate(own.items())}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_repository_of_timm_says_pixels_side_crop_and_classes(cache):
    folder = plant(cache)
    save_file({key: value.contiguous() for key, value in to_timm(state_of()).items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(TIMM))
    found = read_weights("hf:timm/vgg11.tv_in1k", "vgg11")
    assert same(found.state, state_of())
    assert found.pixels == Pixels("RGB", 1, MEAN, STD, "bicubic")
    assert (found.side, found.recipe, found.classes) == (224, Recipe(256), ("a", "b", "c"))
    assert found.label == "hf:timm/vgg11.tv_in1k"


def test_a_repository_of_transformers_says_pixels_side_and_classes(cache):
    folder = plant(cache, repository="someone/net")
    torch.save({"state_dict": state_of()}, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "a", "1": "b", "2": "c"}}))
    before = {"image_mean": MEAN, "image_std": STD, "resample": 3, "size": {"shortest_edge": 256}, "crop_size": 224}
    (folder / "preprocessor_config.json").write_text(json.dumps(before))
    found = read_weights("hf:someone/net", "vgg11")
    assert same(found.state, state_of())
    assert found.pixels == Pixels("RGB", 1, MEAN, STD, "bicubic")
    assert (found.side, found.recipe, found.classes) == (224, None, ("a", "b", "c"))


def test_revisions_and_files_are_chosen(cache):
    torch.save(state_of(), plant(cache) / "pytorch_model.bin")
    (folder := plant(cache, "v2") / "runs").mkdir()
    torch.save({"net": state_of(100), "ema": state_of(200)}, folder / "last.ckpt")
    assert same(read_weights("hf:timm/vgg11.tv_in1k", "vgg11").state, state_of())
    for revision in ("v2", REVISIONS["v2"]):
        spec = f"hf:timm/vgg11.tv_in1k@{revision}:runs/last.ckpt"
        assert same(read_weights(spec, "vgg11", "ema").state, state_of(200))
    assert read_weights(spec, key="net").label == f"{spec}[net]"


def test_shards_are_read_by_their_index(cache):
    folder = plant(cache)
    names = {key: f"model-{k % 2}.safetensors" for k, key in enumerate(state_of())}
    for name in set(names.values()):
        save_file({key: value for key, value in state_of().items() if names[key] == name}, folder / name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    assert same(read_weights("hf:timm/vgg11.tv_in1k", "vgg11").state, state_of())


@pytest.mark.parametrize(
    "spec", ["hf:", "hf:vgg11", "hf:a/b:", "hf:a/b@:x", "hf:a/b:../x.pth", "hf:a/b:/etc/x", "hf:a/b/c"]
)
def test_a_place_that_is_none_says_what_to_give(spec):
    with pytest.raises(UserError, match="give hf:OWNER/REPO"):
        read_weights(spec)


def test_what_is_not_in_the_cache_is_said_in_one_line(cache):
    for spec in ("hf:timm/vgg11.tv_in1k", "hf:timm/vgg11.tv_in1k@v2:x.bin"):
        with pytest.raises(UserError, match=r"not in the cache, and the hub cannot be reached; fetch") as caught:
            read_weights(spec)
        assert "\n" not in str(caught.value)


ERRORS = {
    "EntryNotFoundError": "has none of model.safetensors",
    "RevisionNotFoundError": "has no revision",
    "RepositoryNotFoundError": "the hub has no a/b",
    "OSError": "cannot be fetched",
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_the_hub_answers_is_said_in_one_line(cache, monkeypatch, name):
    kind = getattr(errors, name, OSError)

    def fail(*_, **__):
        error = kind.__new__(kind)
        error.args = ("several\nlines",)
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(UserError, match=ERRORS[name]) as caught:
        read_weights("hf:a/b")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        "[" * 99999,
        {**TIMM, "pretrained_cfg": 3},
        {"mean": [0.5], "std": [0.1, 0.1], "input_size": [3, 8, 8]},
        {"mean": [0, 0, 0], "std": [0, 0, 0], "input_size": [3, 8, 8]},
        {"mean": [0, 0, 0], "std": [1, 1, 1], "input_size": [3, 8, 10**9]},
        {"mean": [0, 0, 0], "std": [1, 1, 1], "input_size": [3, 8, 8], "crop_pct": 1e-300},
        {"id2label": {"a": "b"}},
    ],
)
def test_a_configuration_with_nonsense_is_refused(cache, config):
    folder = plant(cache)
    torch.save(state_of(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(UserError, match="beside it cannot be read") as caught:
        read_weights("hf:timm/vgg11.tv_in1k")
    assert "\n" not in str(caught.value)


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"pip install 'vgg-protocols\[hub\]'"):
        hub.fetch("hf:a/b")


BEFORE = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": 32}


@pytest.mark.parametrize(
    ("more", "pixels"),
    [
        ({}, "RGB/1/0.5,0.5,0.5/0.25,0.25,0.25"),
        ({"resample": 3}, "RGB/1/0.5,0.5,0.5/0.25,0.25,0.25/bicubic"),
        ({"do_rescale": False}, "RGB/255/0.5,0.5,0.5/0.25,0.25,0.25"),
        ({"rescale_factor": 1 / 127.5}, None),
        ({"do_flip_channel_order": True}, None),
        ({"resample": 0}, None),
    ],
)
def test_what_a_preprocessor_does_to_pixels_is_heard_or_left_open(tmp_path, more, pixels):
    """PIL's filter 0 takes the nearest pixel, which no recipe here does."""
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(BEFORE | more))
    found = read_config("hf:a/b", None, tmp_path / "preprocessor_config.json")
    assert found.get("pixels") == (pixels and parse_pixels(pixels))
    assert found["side"] == 32
