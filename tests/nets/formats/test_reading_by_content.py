"""A file of weights is what it holds, not what it is called."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from bench.errors import UserError
from bench.extras import needed
from bench.nets.reading import read_weights

STATE = {"layer.weight": torch.arange(12.0).reshape(4, 3), "layer.bias": torch.zeros(4)}


def older(path) -> None:
    torch.save(STATE, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "pytorch_model.bin", "w.PTH", "w.h5", "weights"])
@pytest.mark.parametrize("write", [lambda path: save_file(STATE, path), lambda path: torch.save(STATE, path), older])
def test_whatever_its_name_a_file_is_read_as_what_it_is(tmp_path, write, name):
    write(tmp_path / name)
    found = read_weights(str(tmp_path / name)).state
    assert all(torch.equal(found[key], value) for key, value in STATE.items())


@pytest.mark.parametrize("cut", [1, 9, 40])
@pytest.mark.parametrize(("name", "said"), [("w.safetensors", "safetensors file"), ("w.pth", "cannot be read|torch")])
def test_what_contents_do_not_tell_is_read_by_its_name(tmp_path, name, said, cut):
    (save_file if name == "w.safetensors" else torch.save)(STATE, tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:cut])
    with pytest.raises(UserError, match=said):
        read_weights(str(tmp_path / name))


def test_a_pickle_of_something_else_is_no_state_dict(tmp_path):
    (tmp_path / "weights").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UserError, match=r"not a state dict|torch"):
        read_weights(str(tmp_path / "weights"))


def test_a_library_that_is_missing_is_named_with_its_extra():
    with pytest.raises(UserError, match=r"needs nothing_of_it; pip install 'vgg-protocols\[caffe\]'") as caught:
        needed("nothing_of_it", "caffe")
    assert "\n" not in str(caught.value)
    assert needed("json", "caffe").loads("1") == 1
