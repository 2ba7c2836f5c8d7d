"""Pickles from strangers: refused before any code in them runs, and before they fill the memory."""

import codecs
import io
import os
import pickle
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
from conftest import ROOT, environment

from bench.errors import UserError
from bench.nets.reading import read_weights

RAN = "exploded"
BOUNDED = """
import resource, sys
from pathlib import Path
from bench.errors import UserError
from bench.nets.reading import read_weights
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 200_000_000,) * 2)
for file in sys.argv[1:]:
    try:
        read_weights(file)
    except UserError as error:
        print(error)
"""


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


def test_code_in_a_torchscript_archive_is_not_run(tmp_path, monkeypatch, tried):
    net = torch.jit.script(torch.nn.Linear(2, 2))
    net.save(str(tmp_path / "w.pt"))
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("its program was run"))
    found = read_weights("w.pt").state
    assert all(torch.equal(found[name], value) for name, value in net.state_dict().items())
    tried("weights and files", "a TorchScript archive", 1, "read as tensors, nothing was run")


def test_a_pickle_in_an_archive_of_tar_is_not_run(tmp_path, tried):
    """As torch saved weights before 2017; torch before 2.6 runs any code in such a file."""
    with tarfile.open("w.pt", "w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = pickle.dumps(Call(os.mkdir, RAN))
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert "cannot be read (an archive of tar)" in refused("w.pt")
    assert not (tmp_path / RAN).exists()
    tried("weights and files", "a pickle in an archive of tar", 1, "refused")


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


def doubled(times: int) -> Call:
    """A letter as hexadecimal digits, those as hexadecimal digits, and so on."""
    return Call(codecs.encode, doubled(times - 1) if times else b"x", "hex")


GROWING = {"a bytearray": Call(bytearray, 10**9), "a codec": doubled(29)}


@pytest.mark.parametrize("name", GROWING)
def test_a_pickle_that_asks_for_memory_is_refused_before_it_is_loaded(tmp_path, tried, name):
    """In a state dict, in both formats, squeezed, and under a name that only torch's reader takes for the pickle's."""
    torch.save({"w": GROWING[name]}, tmp_path / "zip.pth")
    torch.save({"w": GROWING[name]}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    with zipfile.ZipFile("zip.pth") as plain, zipfile.ZipFile("odd.pth", "w", zipfile.ZIP_DEFLATED) as odd:
        for member in plain.namelist():
            odd.writestr(member.replace("data.pkl", "DATA.PKL"), plain.read(member))
        odd.writestr("zip/padding", os.urandom(3000), zipfile.ZIP_STORED)  # else it unpacks to more than itself
    files = ["zip.pth", "old.pth", "odd.pth"]
    assert all(os.path.getsize(file) < 6000 for file in files)
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, *(tmp_path / file for file in files)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.count("holds more than tensors; give") for line in done.stdout.splitlines()] == [1, 1, 1], done.stdout
    tried("weights and files", f"a pickle that makes a gigabyte of {name}", 3, "refused within 200 MB")


@pytest.mark.parametrize("kind", [torch.Tensor, torch.ByteTensor])
@pytest.mark.filterwarnings("ignore")
def test_a_pickle_that_makes_tensors_of_nothing_is_refused(tmp_path, tried, kind):
    """torch lets it, and their values are what the memory held before."""
    for new in (True, False):
        torch.save({"w": Call(kind, 10**6)}, tmp_path / "w.pth", _use_new_zipfile_serialization=new)
        assert re.search(r"tensors of \d+ bytes in a file of \d+", refused("w.pth"))
    tried("weights and files", "tensors whose values are not in the file", 2, "refused")


def test_of_an_archive_only_the_pickle_is_read_before_it_is_loaded(tmp_path, monkeypatch):
    """A large checkpoint is not read twice, and words that look like a call are allowed in names and values."""
    words = torch.tensor(list(b"cbuiltins\nbytearray\n"), dtype=torch.uint8)
    torch.save({"bytearray": words.float(), "values": words}, tmp_path / "w.pth")
    read = []
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "read", lambda self, member: read.append(member.filename) or b"")
        read_weights("w.pth")
    assert read == ["w/data.pkl"]
    assert set(read_weights("w.pth").state) == {"bytearray", "values"}
