"""Weights in several files with an index of them."""

import json
from pathlib import Path

import pytest
import torch
from hostile import cut_and_altered, read_or_refused, refused
from safetensors.torch import save_file

from bench.nets.reading import read_weights

STATE = {"layer.weight": torch.arange(12.0).reshape(4, 3), "layer.bias": torch.zeros(4)}
NAMES = {"layer.weight": "model-00001-of-00002.safetensors", "layer.bias": "model-00002-of-00002.safetensors"}
INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path) -> Path:
    for tensor, name in NAMES.items():
        save_file({tensor: STATE[tensor]}, tmp_path / name)
    write(tmp_path, NAMES)
    return tmp_path


def write(folder: Path, places: object) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 64}, "weight_map": places}))


@pytest.mark.parametrize("place", ["", INDEX])
def test_shards_are_read_by_their_index_or_its_folder(folder, place):
    found = read_weights(str(folder / place)).state
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


def test_an_index_of_shards_that_are_not_there_or_elsewhere_is_refused(folder):
    other = folder.parent / "other.safetensors"
    save_file(STATE, other)
    for name in ("../other.safetensors", str(other), "..\\other.safetensors", "sub/other.safetensors", "..", "x.pth"):
        write(folder, {**NAMES, "layer.bias": name})
        assert "no .safetensors file of its own folder" in refused(folder), name
    write(folder, {**NAMES, "layer.bias": "model-3.safetensors"})
    assert "the shard model-3.safetensors is missing; fetch all 2" in refused(folder)


def test_a_tensor_that_is_twice_or_nowhere_is_named(folder):
    (folder / INDEX).write_text('{"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}}')
    assert "a is there twice" in refused(folder)
    save_file(STATE, folder / NAMES["layer.bias"])
    write(folder, NAMES)
    assert "layer.weight is not in its index" in refused(folder)
    write(folder, {**NAMES, "head.weight": NAMES["layer.weight"]})
    assert "head.weight is missing" in refused(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": 1}}', "[" * 99999])
def test_an_index_that_is_none_is_refused(folder, content):
    (folder / INDEX).write_text(content)
    assert "no readable index" in refused(folder) or "give auto" in refused(folder)


def test_an_index_or_shard_that_is_cut_or_altered_is_refused_or_reads_finite_tensors(folder):
    for name in (INDEX, NAMES["layer.weight"]):
        whole = (folder / name).read_bytes()
        for content in cut_and_altered(whole, 40):
            (folder / name).write_bytes(content)
            read_or_refused(folder)
        (folder / name).write_bytes(whole)
