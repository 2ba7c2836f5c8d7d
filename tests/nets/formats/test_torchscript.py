"""TorchScript archives: their values are read, their program is not run."""

import io
import pickle
import re
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from hostile import cut_and_altered, read_or_refused, refused
from torch import nn

from bench.nets.reading import read_weights

pytestmark = pytest.mark.filterwarnings("ignore")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.tied = self.features[0]
        self.fc = nn.Linear(4, 2)
        self.register_buffer("shift", torch.arange(8.0).view(2, 4).T)

    def forward(self, images):
        return self.fc(self.features(images).mean((2, 3)) + self.shift[:, 0])


MADE = {"script": torch.jit.script, "trace": lambda net: torch.jit.trace(net, torch.zeros(1, 3, 8, 8))}


def saved(folder: Path, how: str) -> tuple[Path, dict]:
    """An archive of a random net, and its state dict."""
    torch.manual_seed(0)
    net, path = Net().eval(), folder / "net.pt"
    MADE[how](net).save(str(path))
    return path, net.state_dict()


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("ts"), "script")[0]


@pytest.mark.parametrize("how", MADE)
@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.zip"])
def test_parameters_and_buffers_are_read_under_their_names(tmp_path, how, name):
    path, state = saved(tmp_path, how)
    path = path.rename(tmp_path / name)
    found = read_weights(str(path)).state
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], value) for key, value in state.items())


def test_nothing_of_it_is_run(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("run"))
    monkeypatch.chdir(tmp_path)
    for code in (b"cos\nmkdir\n(S'exploded'\ntR.", b"c__builtin__\neval\n(S'1'\ntR.", b"ctorch\nload\n(S'x'\ntR."):
        assert "cannot be read (it holds" in refused(with_pickle(archive, tmp_path, code))
    assert not Path("exploded").exists()


def test_a_frozen_one_says_that_it_has_no_parameters(tmp_path):
    torch.jit.freeze(torch.jit.script(Net().eval())).save(str(tmp_path / "w.pt"))
    assert "without parameters" in refused(tmp_path / "w.pt")


def with_pickle(path: Path, folder: Path, code: bytes, storage: bytes | None = None) -> Path:
    """The archive with another pickle in it."""
    made = folder / "made.pt"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for each in old.infolist():
            content = code if each.filename.count("/") == 1 and each.filename.endswith("/data.pkl") else old.read(each)
            if storage is not None and "/data/" in each.filename:
                content = storage
            new.writestr(each.filename, content)
    return made


MODULE = b"c__torch__\nM\n)\x81"


def module(attributes: bytes) -> bytes:
    return b"\x80\x02" + MODULE + b"q\x01}(" + attributes + b"ub."


def tensor(count: int, shape: bytes, stride: bytes) -> bytes:
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    number = b"J" + struct.pack("<i", count)
    return (b"X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(" + storage + number + b"tQK\x00" + shape + stride
            + b"\x89)tR")  # fmt: skip


BOMBS = {
    "an array of a terabyte": b"\x80\x02\x96" + struct.pack("<Q", 2**40) + b".",
    "a memo of a terabyte": b"\x80\x02}r\xff\xff\xff\xff.",
    "a text of a terabyte": b"\x80\x02\x8d" + struct.pack("<Q", 2**40) + b".",
    "a frame of a terabyte": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b".",
    "a module that holds itself": module(b"X\x01\x00\x00\x00ah\x01"),
    "modules without end, by two ways": module(b"X\x01\x00\x00\x00ah\x01X\x01\x00\x00\x00bh\x01"),
    "a storage that claims more": module(tensor(2**30, b"(J\x00\x00\x00\x40t", b"(K\x01t")),
    "a shape beyond its storage": module(tensor(4, b"(J\x00\x00\x00\x40t", b"(K\x01t")),
    "a stride of 0": module(tensor(4, b"(J\x00\x00\x00\x40K\x02t", b"(K\x00K\x00t")),
    "no pickle": b"nonsense",
    "nothing": b"",
    "a number": pickle.dumps(3, 2),
    "depth": b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".",
}


@pytest.mark.parametrize("code", BOMBS.values(), ids=BOMBS)
def test_a_pickle_that_asks_for_more_than_it_is_is_refused(archive, tmp_path, code):
    assert re.search("TorchScript|on 16 bytes of values", refused(with_pickle(archive, tmp_path, code, bytes(16))))


def test_values_that_unpack_to_more_are_refused(archive, tmp_path):
    path = with_pickle(archive, tmp_path, module(tensor(4, b"(K\x02K\x02t", b"(K\x02K\x01t")), bytes(16))
    assert read_weights(str(path)).state["w"].shape == (2, 2)
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as new:
        for each in old.infolist():
            huge = "/data/" in each.filename
            new.writestr(each.filename, bytes(300_000_000) if huge and each.filename.endswith("/0") else old.read(each),
                         zipfile.ZIP_DEFLATED if huge else zipfile.ZIP_STORED, 1)  # fmt: skip
    path.write_bytes(packed.getvalue())
    assert "unpack to more" in refused(path)


def test_an_archive_cut_or_altered_is_refused_or_reads_finite_tensors(archive, tmp_path):
    for content in cut_and_altered(archive.read_bytes(), 60):
        (tmp_path / "w.pt").write_bytes(content)
        read_or_refused(tmp_path / "w.pt")
