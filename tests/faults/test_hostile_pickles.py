"""Pickles from strangers: refused before any code in them runs, and before they fill the memory."""

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch

from bench.errors import UserError
from bench.weights import read_weights

RAN = "exploded"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    """Where a bomb would leave its mark."""
    monkeypatch.chdir(tmp_path)


def refused(name: str) -> str:
    with pytest.raises(UserError) as caught:
        read_weights(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Call:
    """Pickled as the call of a function."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


BOMBS = {
    "os.mkdir": Call(os.mkdir, RAN),
    "os.system": Call(os.system, f"mkdir {RAN}"),
    "eval": Call(eval, f"__import__('os').mkdir('{RAN}')"),
    "exec": Call(exec, f"import os; os.mkdir('{RAN}')"),
    "a getattr": Call(getattr, "text", "join"),
    "torch.load again": Call(torch.load, "other.pth"),
    "torch.hub": Call(torch.hub.load, "a/b", "c"),
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_code_in_a_pickle_is_refused_before_it_runs(tmp_path, tried, name, protocol):
    bomb = BOMBS[name]
    for content in ({"w": bomb}, OrderedDict(v=torch.zeros(2), w=bomb), [bomb], {"state_dict": {"w": bomb}}):
        (tmp_path / "plain.pth").write_bytes(pickle.dumps(content, protocol))
        torch.save(content, tmp_path / "zip.pt", pickle_protocol=protocol)
        torch.save(content, tmp_path / "old.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=False)
        for file in ("plain.pth", "zip.pt", "old.pth"):
            assert "holds more than tensors" in refused(file)
    assert not os.path.exists(RAN)
    tried("weights and files", "a pickle with code in it", 12, "refused, nothing was run")


def test_code_in_a_torchscript_archive_is_not_run(tmp_path, tried):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "w.pt"))
    assert "cannot be read" in refused("w.pt")
    tried("weights and files", "a TorchScript archive", 1, "refused")


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path, tried):
    torch.save({"w": torch.zeros(1)}, tmp_path / "small.pth")
    with (
        zipfile.ZipFile(tmp_path / "small.pth") as small,
        zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as big,
    ):
        for name in small.namelist():
            with big.open(name, "w", force_zip64=True) as member:
                for _ in range(300 if name.endswith("data/0") else 0):
                    member.write(bytes(1 << 20))
                member.write(small.read(name))
    assert os.path.getsize("w.pth") < 5_000_000
    assert "would unpack to 314" in refused("w.pth")
    tried("weights and files", "an archive that unpacks to far more than it is", 1, "refused")
