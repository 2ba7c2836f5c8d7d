"""Weights from strangers: nothing in them is run, no claim is believed, and what is odd is refused by name."""

import json
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from conftest import WIDTH, make_weights
from devices import chosen
from safetensors.torch import load_file, save_file

from bench.errors import UserError
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from bench.nets.weights import HEADER

STATE = {"layer.weight": torch.arange(12.0).reshape(4, 3), "layer.bias": torch.zeros(4)}


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> Path:
    return make_weights(tmp_path_factory.mktemp("net") / "A.safetensors", "vgg11")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    """Where the files of a test are."""
    monkeypatch.chdir(tmp_path)


def model_of(path: Path | str) -> Model:
    weights = read_weights(str(path), "vgg11")
    return make_model("vgg11", weights, None, None, chosen(), Precision("fp32"), "scores")


def most_memory() -> int:
    """The most that this process has held, in kB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def refused(path: Path | str) -> str:
    """What is said of weights, in one line; no 200 MB are taken for it."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, which would hide a lower one
    before = most_memory()
    with pytest.raises(UserError) as caught:
        model_of(path)
    assert most_memory() < before + 200_000
    assert "\n" not in str(caught.value)
    return str(caught.value)


def header_of(path: Path) -> tuple[dict, bytes]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header: object, data: bytes, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def lies(header: dict, data: bytes) -> dict[str, bytes]:
    one = {"dtype": "F32", "shape": [4, 3], "data_offsets": [0, 48]}

    def claimed(**said: object) -> bytes:
        return with_header({"w": {**one, **said}}, data)

    return {
        "length of 8 EB": with_header(header, data, 2**63 - 1),
        "length of 100 MB": with_header(header, data, 100_000_000),
        "length of 0": with_header(header, data, 0),
        "length too short": with_header(header, data, 20),
        "no JSON": with_header(b"{" * 50, data),
        "depth": with_header(b'{"a":' * 100_000, data),
        "a list": with_header([1, 2], data),
        "a terabyte": claimed(shape=[2**20, 2**20], data_offsets=[0, 2**42]),
        "sizes that overflow": claimed(shape=[2**40, 2**40]),
        "a negative side": claimed(shape=[-4, -3]),
        "an offset beyond the file": claimed(data_offsets=[0, 10**15]),
        "offsets turned round": claimed(data_offsets=[48, 0]),
        "a shape that is not the data's": claimed(shape=[5, 3]),
        "an unknown type": claimed(dtype="F9000"),
        "data cut short": with_header(header, data[: len(data) // 2]),
        "data too long": with_header(header, data + bytes(100)),
        "nothing": b"",
        "eight bytes": bytes(8),
    }


def test_a_safetensors_header_that_lies_is_refused(net, tmp_path, tried):
    found = lies(*header_of(net))
    for name, content in found.items():
        (tmp_path / "w.safetensors").write_bytes(content)
        assert "not a readable safetensors file" in refused("w.safetensors"), name
    tried("weights and files", "a safetensors header that lies about sizes", len(found), "refused")


DEEP = "[" * 100_000 + "]" * 100_000
SAID = {
    "no JSON": "{",
    "depth": DEEP,
    "a list": "[]",
    "a text": '"x"',
    "width 0": {"width": 0},
    "width NaN": '{"width": NaN}',
    "width of 1e400": '{"width": 1e400}',
    "width of a million": {"width": 1e6},
    "width of 400 digits": {"width": 10**400},
    "width as a list": {"width": [1]},
    "model of a number": {"model": 16},
    "model of a dictionary": {"model": {"a": 1}},
    "S of a number": {"S": 256},
    "S of 100000": {"S": "100000"},
    "S of words": {"S": "all"},
    "pixels of a number": {"pixels": 1},
    "pixels of zeros": {"pixels": "RGB/1/0,0,0/0,0,0"},
    "pixels not finite": {"pixels": "RGB/1/nan,0,0/1,1,1"},
    "classes of a text": {"classes": "abcdefg"},
    "classes of numbers": {"classes": [1, 2, 3, 4, 5, 6, 7]},
    "classes of a dictionary": {"classes": dict.fromkeys("abcdefg", 1)},
}


def test_what_a_header_says_is_checked(net, tmp_path, tried):
    state = load_file(net)
    for name, said in SAID.items():
        save_file(state, tmp_path / "w.safetensors", {HEADER: said if isinstance(said, str) else json.dumps(said)})
        assert "its header cannot be read" in refused("w.safetensors"), name
    for count in (0, 1, 6, 8, 1000):
        said = {"width": WIDTH, "classes": [f"c{k}" for k in range(count)]}
        save_file(state, tmp_path / "w.safetensors", {HEADER: json.dumps(said)})
        if count:
            assert f"tell 7 classes apart, and their header names {count}" in refused("w.safetensors")
    tried("weights and files", "a header of ours with nonsense in it", len(SAID) + 4, "refused")


ODD: dict[str, dict[str, Callable[[], object]]] = {
    "not finite": {
        "NaN": lambda: {**STATE, "layer.bias": torch.full((4,), torch.nan)},
        "an infinity": lambda: {**STATE, "layer.bias": torch.tensor([0, 0, -torch.inf, 0])},
        "float64 beyond float32": lambda: {"w": torch.full((2,), 1e300, dtype=torch.float64)},
    },
    "is no plain tensor|cannot be read": {
        "complex": lambda: {"w": torch.zeros(2, dtype=torch.complex64)},
        "float8": lambda: {"w": torch.zeros(2).to(torch.float8_e4m3fn)},
        "quantised": lambda: {"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)},
        "sparse": lambda: {"w": torch.eye(3).to_sparse()},
        "of no device": lambda: {"w": torch.zeros(2, device="meta")},
    },
    "bytes of values": {
        "a terabyte in four bytes of a file": lambda: {"w": torch.zeros(1).expand(2**20, 2**18)},
        "a thousand names for one": lambda: dict.fromkeys(map(str, range(1000)), torch.zeros(100)),
    },
    "not a state dict": {
        "numbers for names": lambda: {1: torch.zeros(2)},
        "texts": lambda: {"w": "x"},
        "a tensor": lambda: torch.zeros(3),
        "nothing": lambda: None,
        "wrappers in wrappers": lambda: {"model": {"model": {"model": {"model": 1}}}},
    },
    "do not fit": {"an empty one": dict},
}


@pytest.mark.parametrize(("expected", "name"), [(expected, name) for expected, odd in ODD.items() for name in odd])
@pytest.mark.filterwarnings("ignore")
def test_an_odd_state_dict_is_refused(tmp_path, tried, expected, name):
    for new in (True, False):
        torch.save(ODD[expected][name](), tmp_path / "w.pth", _use_new_zipfile_serialization=new)
        assert re.search(expected, refused("w.pth"))
    tried("weights and files", "NaN, infinities, and tensors of other kinds", 2, "refused by name")


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.bool])
def test_whole_numbers_are_no_weights(net, tmp_path, tried, dtype):
    """They would be loaded without the scale that makes weights of them."""
    state = {name: value.to(dtype) for name, value in load_file(net).items()}
    save_file(state, tmp_path / "w.safetensors", {HEADER: json.dumps({"width": WIDTH})})
    assert f"is {str(dtype).removeprefix('torch.')} and should be float32" in refused("w.safetensors")
    tried("weights and files", "weights of whole numbers", 1, "refused by name")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floats_are_the_same_weights(net, tmp_path, tried, dtype):
    state = load_file(net)
    save_file({name: value.to(dtype) for name, value in state.items()}, tmp_path / "w.safetensors",
              {HEADER: json.dumps({"width": WIDTH})})  # fmt: skip
    found = model_of("w.safetensors").net.state_dict()
    assert all(torch.equal(found[name], value.to(dtype).float()) for name, value in state.items())
    tried("weights and files", "weights in double and half precision", 1, "read as float32")


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "module.module.", "module._orig_mod."]
)
def test_prefixes_of_wrapped_nets_go(tmp_path, tried, prefix):
    torch.save({prefix + name: value for name, value in STATE.items()}, tmp_path / "w.pth")
    assert read_weights("w.pth").state.keys() == STATE.keys()
    tried("weights and files", "prefixes such as module.", 1, "read")


def test_wrong_shapes_and_names_are_named(net, tmp_path, tried):
    state, about = load_file(net), {HEADER: json.dumps({"width": WIDTH})}
    first, last = "features.0.weight", "classifier.6.weight"
    changed = {
        first: {**state, first: state[first][:, :2].contiguous()},
        last: {**state, last: state[last][0].clone()},
        f"missing {first}": {name: value for name, value in state.items() if name != first},
        "surplus evil": {**state, "evil": torch.zeros(1)},
        "classifier.6.bias": {**state, "classifier.6.bias": torch.zeros(0)},
    }
    for said, content in changed.items():
        save_file(content, tmp_path / "w.safetensors", about)
        assert said in refused("w.safetensors")
    tried("weights and files", "wrong shapes and names", len(changed), "refused by name")


def test_a_file_cut_is_refused_and_one_altered_too_or_it_reads_the_same_tensors(tmp_path, every, tried):
    """Values have no check of their own; nor have names in a header, and with another one they fit no net."""
    torch.save(STATE, tmp_path / "w.pth")
    save_file(STATE, tmp_path / "w.safetensors")
    header = 8 + len(json.dumps(header_of(tmp_path / "w.safetensors")[0]))
    tries = read = 0
    for name, step in {"w.pth": 7 if every else 211, "w.safetensors": 1 if every else 5}.items():
        content = (tmp_path / name).read_bytes()
        for place in range(0, len(content), step):
            (tmp_path / name).write_bytes(content[:place])
            refused(name)
            (tmp_path / name).write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
            with suppress(UserError):
                found = read_weights(name).state
                assert all(torch.isfinite(value).all() for value in found.values())
                assert sorted(value.shape for value in found.values()) == [(4,), (4, 3)]
                read += 1
                assert found.keys() == STATE.keys() or (name == "w.safetensors" and place < header)
            tries += 2
    assert read > 10
    tried(
        "weights and files", "weights cut short or altered", tries, "refused, or plain finite tensors of their shapes"
    )


def test_names_with_control_characters_do_not_reach_the_terminal(tmp_path, tried, capsys):
    from bench.run.__main__ import main

    torch.save({"\x1b[2J\n": torch.full((1,), torch.nan)}, tmp_path / "w.pth")
    assert main(["--model", "vgg11", "--weights", "w.pth", "--data", "shapes", "--limit", "1", "--dry-run"]) == 2
    assert "\x1b" not in capsys.readouterr().err
    tried("weights and files", "names of tensors with control characters", 1, "shown as codes")
