"""From options to nets, and through every command that reads weights: state dict, side and class left out."""

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_image

from bench.errors import UserError
from bench.inspect.__main__ import main as inspect
from bench.nets import zoo
from bench.nets.net_spec import NetSpec, named_nets
from bench.nets.reading import read_weights
from bench.predict.__main__ import main as predict
from bench.requests import net_specs
from bench.run.__main__ import main as run
from bench.train.__main__ import main as train

UNSAID = ("S", "pixels", "weights_key", "side", "drop_class", "classes", "model_args")
OPTIONS = {"weights": "a.pth,b.pth", **dict.fromkeys(UNSAID)}


def specs(**options: str) -> list[NetSpec]:
    return list(net_specs(Namespace(**{"model": "A,simplecnn", **OPTIONS, **options})))


def test_options_are_one_for_all_nets_or_one_for_each():
    plain = [NetSpec("vgg11", "a.pth"), NetSpec("simplecnn", "b.pth")]
    assert specs() == plain
    assert [each.key for each in specs(weights_key="ema")] == ["ema", "ema"]
    assert [each.key for each in specs(weights_key="ema,")] == ["ema", None]
    assert [(each.drop, each.whole) for each in specs(drop_class="none,0")] == [(None, True), (0, False)]
    assert [each.side for each in specs(side="224,56")] == [224, 56]


@pytest.mark.parametrize("names", ["vgg16,vgg16", "D,vgg16", "vgg19,D,vgg16"])
def test_a_net_that_is_named_twice_is_refused(names):
    with pytest.raises(UserError, match="model 'vgg16' has the weights 'auto' twice; give each net once"):
        named_nets(names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights_key": "a,b,c"}, "--weights-key 'a,b,c': 3 for 2 models"),
        ({"drop_class": "first"}, "--drop-class 'first': give the index"),
        ({"drop_class": "-1"}, "--drop-class '-1': give the index"),
        ({"side": "wide"}, "--side 'wide': give a whole number"),
        ({"weights": "a.pth"}, "1 for 2 models"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        specs(**options)


def always(winner: int, classes: int) -> dict[str, torch.Tensor]:
    """A net that gives one class whatever it sees."""
    state = {name: torch.zeros(each.shape) for name, each in zoo.build("simplecnn", classes).state_dict().items()}
    state[zoo.names_of("simplecnn")[-1]][winner] = 9
    return state


@pytest.fixture
def images(tmp_path, monkeypatch) -> Path:
    """Three images of class 0, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for k in range(3):
        make_image((64, 70), k).save(f"{k}.png")
    Path("list.txt").write_text("".join(f"{k}.png 0\n" for k in range(3)))
    return tmp_path


WORDS = ["--model", "simplecnn", "--protocol", "centre,dense@64"]
FILES = ["--data", "list:list.txt", "--out", "out", "--store", "store"]


def counted(*more: str) -> list[dict]:
    assert run([*WORDS, *FILES, *more]) == 0
    return json.loads(Path("out/results.json").read_text())


@pytest.mark.usefixtures("images")
def test_the_chosen_state_dict_is_counted_and_said(capsys):
    averaged = {f"module.{name}": value for name, value in always(0, 7).items()}
    torch.save({"model": always(5, 7), "model_ema": {"n_averaged": torch.tensor(3), **averaged}}, "w.pth")
    assert run([*WORDS, *FILES, "--weights", "w.pth"]) == 2
    assert "model, model_ema" in capsys.readouterr().err
    for key, wrong in (("model", 3), ("model_ema", 0)):
        rows = counted("--weights", "w.pth", "--weights-key", key)
        assert [row["wrong1"] for row in rows] == [wrong, wrong]
        assert {row["weights"] for row in rows} == {f"w.pth[{key}]"}
        assert f"w.pth\\[{key}" in capsys.readouterr().err.replace("[", "\\[")
    both = counted("--weights", "w.pth,w.pth", "--weights-key", "model,model_ema", "--model", "simplecnn,simplecnn")
    assert [row["wrong1"] for row in both] == [3, 3, 0, 0]


@pytest.mark.usefixtures("images")
def test_a_class_left_out_is_counted_said_and_inspected(capsys):
    torch.save(always(1, 1001), "w.pth")
    rows = counted("--weights", "w.pth", "--drop-class", "0")
    assert [row["wrong1"] for row in rows] == [0, 0]
    assert all(" drop=0 " in row["signature"] for row in rows)
    assert {row["weights"] for row in rows} == {"w.pth without class 0"}
    assert "without class 0" in capsys.readouterr().err
    origin = json.loads(Path("out/origin.json").read_text())
    assert len(origin["classes"]) == 1000
    assert inspect(["out", "--mistakes", "0"]) == 0
    whole = counted("--weights", "w.pth", "--drop-class", "none")
    assert [row["wrong1"] for row in whole] == [3, 3]
    assert not any("drop=" in row["signature"] for row in whole)


@pytest.mark.usefixtures("images")
def test_fused_nets_lose_a_class_each(capsys):
    torch.save(always(1, 8), "a.pth")
    torch.save(always(0, 7), "b.pth")
    nets = ["--model", "simplecnn,simplecnn", "--weights", "a.pth,b.pth", "--fuse"]
    *_, fused = counted(*nets, "--drop-class", "0,")
    assert fused["wrong1"] == 0
    assert " drop=0+none " in fused["signature"]
    assert run([*WORDS, *FILES, *nets]) == 2  # 8 classes and 7
    capsys.readouterr()


@pytest.mark.usefixtures("images")
def test_prediction_names_the_classes_that_are_left(capsys):
    torch.save({"a": always(1, 1001), "b": always(2, 1001)}, "w.pth")
    words = ["0.png", "--model", "simplecnn", "--weights", "w.pth", "--protocol", "centre", "--drop-class", "0"]
    assert predict([*words, "--weights-key", "a"]) == 0
    assert "tench" in capsys.readouterr().out.splitlines()[1]


def test_training_starts_from_the_chosen_state_dict(folder, tmp_path, capsys):
    torch.save({"model": always(0, 2), "ema": always(1, 2)}, tmp_path / "w.pth")
    words = f"--model simplecnn --data {folder} --S 64 --batch 4 --workers 0 --epochs 1 --threads 1 --rate 1e-9".split()
    words += ["--init", str(tmp_path / "w.pth"), "--out", str(tmp_path / "out")]
    assert train(words) == 2
    assert "model, ema" in capsys.readouterr().err
    assert train([*words, "--weights-key", "ema"]) == 0
    last = zoo.names_of("simplecnn")[-1]
    assert np.allclose(read_weights(f"{tmp_path}/out/weights.safetensors").state[last], [0, 9], atol=1e-3)
    assert train([*words[:-4], "--weights-key", "ema", "--out", str(tmp_path / "other")]) == 2
    assert "give --init" in capsys.readouterr().err
