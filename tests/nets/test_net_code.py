"""Nets of people's own: made from a file or a module, and every mistake a line."""

import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import bench
from bench.errors import UserError
from bench.nets.net_code import is_code, made_net, short_name
from bench.nets.net_spec import NetSpec, arguments_of
from bench.run.__main__ import main as run

CODE = """
from dataclasses import dataclass
import torch
from torch import nn
from beside import classes

print("said while it is read")


@dataclass
class Settings:
    width: int = 4


class Net(nn.Module):
    def __init__(self, width=4, slope=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Conv2d(3, Settings(width).width, 7, 4)
        self.classifier = nn.Linear(width, classes(), bias=False)
        self.slope = slope

    def forward(self, images):
        return self.classifier((self.slope * self.features(images).relu()).mean((2, 3)))


def drawn():
    return nn.Sequential(nn.Conv2d(3, 24, 7), nn.AdaptiveAvgPool2d(1), nn.Flatten())

def needy(width): return Net(width)
def number(): return 3
def broken(): raise ValueError("no\\nway")
def leaving(): raise SystemExit(3)
made = nn.Identity()
grey = lambda: nn.Sequential(nn.Conv2d(1, 24, 7), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    (folder / "mine.py").write_text(CODE)
    (folder / "beside.py").write_text("def classes():\n    return 24\n")
    (folder / "wrong.py").write_text("import torch\n\ndef net(:\n")
    return folder


def test_a_net_comes_from_a_file_or_a_module(folder, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(folder))
    images = torch.rand(2, 3, 64, 64)
    one, other = made_net(f"{folder}/mine.py:Net", None), made_net("mine:Net", None)
    assert torch.equal(one(images), other(images))
    assert made_net(f"{folder}/mine.py:Net", '{"width": 2}').classifier.in_features == 2
    said = capsys.readouterr()
    assert "said while it is read" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.py", "give the name of a class or function in it"),
        ("mine.py:net", "there is no net in it; it has .*drawn.*; did you mean Net"),
        ("mine.py:needy", "missing a required argument: 'width'; it takes .width., and --model-args gives none"),
        ("mine.py:number", "it gives a int; it must give an nn.Module"),
        ("mine.py:broken", r"raises: ValueError no way \(mine.py, line \d+\)"),
        ("mine.py:leaving", "raises: SystemExit 3"),
        ("mine.py:made", "an nn.Module that is made already; give a class or a function"),
        ("mine.py:classes_of", "there is no classes_of"),
        ("nowhere.py:Net", "there is no file"),
        ("wrong.py:net", r"SyntaxError .*\(wrong.py, line 3\)"),
        ("no_such_package.models:net", "cannot be imported: ModuleNotFoundError"),
        ("mine.py:drawn", "draws its weights at random .*; give --weights FILE"),
        ("mine.py:grey", "draws its weights at random"),
    ],
)
def test_mistakes_are_a_line(folder, tmp_path, capsys, name, message):
    place = f"{folder}/{name}" if ".py" in name else name
    assert run(["--model", place, "--limit", "2", "--store", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    (said,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bench.run: error: ")]
    assert re.search(message, said), said


def test_what_it_computes_is_what_is_stored(folder, tmp_path):
    """Equal weights and other arguments share no block; the file may move."""
    asked = {"limit": 4, "store": tmp_path / "store", "progress": False}
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("mine.py", "beside.py"):
        (moved / name).write_text((folder / name).read_text())
    plain = bench.evaluate(f"{folder}/mine.py:Net", "shapes", "centre@256,dense@256", **asked)
    kept = len(list((tmp_path / "store").iterdir()))
    again = bench.evaluate(f"{moved}/mine.py:Net", "shapes", "centre@256,dense@256", **asked)
    assert [row.signature for row in plain] == [row.signature for row in again]
    assert len(list((tmp_path / "store").iterdir())) == kept == 2
    options = ["--limit", "4", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "run")]
    steep = ["--model-args", '{"slope": 3.0}', "--protocol", "centre@256", "--save-posteriors"]
    assert run(["--model", f"{folder}/mine.py:Net", *options, *steep]) == 0
    (saved,) = (tmp_path / "run").glob("**/*.npz")
    cubed = plain[0].posteriors.probs.astype(np.float64) ** 3
    assert np.allclose(np.load(saved)["posteriors"], cubed / cubed.sum(1, keepdims=True), atol=1e-6)


def test_weights_of_a_file_go_into_it_and_say_what_they_know(folder, tmp_path):
    net = made_net(f"{folder}/mine.py:Net", None)
    state = {name: value + 0.25 for name, value in net.state_dict().items()}
    save_file({f"module.{name}": value for name, value in state.items()}, tmp_path / "net.safetensors")
    net.load_state_dict(state)
    asked = {"limit": 4, "store": tmp_path / "store", "progress": False}
    given = bench.evaluate(net, "shapes", "centre@256", **asked)[0]
    place = f"{folder}/mine.py:Net"
    named = bench.evaluate(place, "shapes", "centre@256", weights=str(tmp_path / "net.safetensors"), **asked)[0]
    assert np.array_equal(given.posteriors.probs, named.posteriors.probs)
    (tmp_path / "short.pth").write_bytes(b"")
    torch.save({"features.weight": state["features.weight"]}, tmp_path / "short.pth")
    with pytest.raises(UserError, match=r"do not fit .*mine\.py:Net: missing"):
        bench.load_model(place, str(tmp_path / "short.pth"))
    with pytest.raises(UserError, match="are for vgg16, not"):
        bench.load_model(place, "builtin:D-256")


def test_what_no_code_is_meant_by():
    assert not any(map(is_code, ("vgg16", "builtin:D-256", "torchvision:VGG16_Weights.DEFAULT", "timm:vgg16", "A")))
    assert short_name("/a/b/net.py:Net") == "net.py:Net"
    assert short_name("package.net:Net") == "package.net:Net"


def test_arguments_are_for_code_alone():
    assert arguments_of(["a.py:N", "vgg16"], '{"k": 1}') == ['{"k": 1}', None]
    assert arguments_of(["a.py:N", "b.py:N"], '[{"k": 1}, null]') == ['{"k": 1}', None]
    for names, text in ((["vgg16"], "{}"), (["a.py:N"], "k=1"), (["a.py:N"], "[]"), (["a.py:N"], "[3]")):
        with pytest.raises(UserError, match="--model-args"):
            arguments_of(names, text)
    with pytest.raises(UserError, match="--model-args"):
        NetSpec("vgg16", arguments="{}")


def test_files_of_the_same_names_are_each_their_own(tmp_path):
    """Neighbours too; and a file that changed is read anew."""
    for folder, width in (("one", 3), ("other", 5)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "blocks.py").write_text(f"WIDTH = {width}")
        (tmp_path / folder / "net.py").write_text(
            "from torch import nn\nimport blocks\ndef net(): return nn.Linear(blocks.WIDTH, 2)"
        )
    for folder, width in (("one", 3), ("other", 5), ("one", 3)):
        assert made_net(f"{tmp_path}/{folder}/net.py:net", None).in_features == width
    late = "from torch import nn\ndef net():\n    import blocks\n    return nn.Linear(blocks.WIDTH, 2)"
    for folder, width in (("one", 3), ("other", 5)):  # imported when it is called
        (tmp_path / folder / "late.py").write_text(late)
        assert made_net(f"{tmp_path}/{folder}/late.py:net", None).in_features == width
    (tmp_path / "one" / "blocks.py").write_text("WIDTH = 70")
    assert made_net(f"{tmp_path}/one/net.py:net", None).in_features == 70


@pytest.mark.parametrize("change", ["nn.ReLU.forward = lambda s, x: x", "F.relu = lambda x: x"])
def test_code_that_changes_torch_itself_is_refused(tmp_path, change):
    """Every other net of the process would compute with it."""
    kept = nn.ReLU.forward, torch.nn.functional.relu
    (tmp_path / "net.py").write_text(
        f"from torch import nn\nimport torch.nn.functional as F\n{change}\ndef net(): return nn.Linear(2, 2)"
    )
    try:
        with pytest.raises(UserError, match="its code changes torch's own"):
            made_net(f"{tmp_path}/net.py:net", None)
    finally:
        nn.ReLU.forward, torch.nn.functional.relu = kept
