"""`python -m bench.convert`: what is written, what is said of it, and that it is read back whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import CLASSES, PIXELS, make_weights

from bench.convert.__main__ import main
from bench.images.pixels import NAMED
from bench.nets import zoo
from bench.nets.reading import read_weights
from bench.nets.weights import save_weights
from protocols.scales import TrainingScale


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    """Where the files of a test are."""
    monkeypatch.chdir(tmp_path)


def checkpoint(classes: int = 3) -> None:
    torch.manual_seed(0)
    state = {f"module.{key}": value for key, value in zoo.construct("simplecnn", classes).state_dict().items()}
    torch.save({"epoch": 3, "ema": state, "net": state}, "last.ckpt")


def test_a_checkpoint_becomes_a_file_that_says_what_was_given(capsys):
    checkpoint()
    Path("names.txt").write_text("a\nb\nc\n")
    words = ["last.ckpt", "--model", "simplecnn", "--weights-key", "ema", "--out", "w.safetensors"]
    assert main([*words, "--S", "64", "--pixels", "caffe", "--classes", "names.txt"]) == 0
    said = capsys.readouterr().out
    found, source = read_weights("w.safetensors"), read_weights("last.ckpt", "simplecnn", "ema")
    assert found.digest == source.digest
    assert found.digest[:12] in said
    assert "from last.ckpt[ema]" in said
    assert (found.model, found.S, found.pixels) == ("simplecnn", TrainingScale(64, 64), NAMED["caffe"])
    assert found.classes == ("a", "b", "c")
    assert "assumes" not in said


def test_what_nobody_said_is_said_and_left_open(capsys):
    checkpoint()
    assert main(["last.ckpt", "--model", "simplecnn", "--weights-key", "net", "--out", "w.safetensors"]) == 0
    said = capsys.readouterr().out
    assert "Nobody said, so that whoever reads it assumes: S [64;128] (--S) and pixels RGB" in said
    assert "Nobody said the names of its 3 classes" in said
    found = read_weights("w.safetensors")
    assert (found.S, found.pixels, found.classes) == (None, None, None)


def test_weights_that_say_everything_are_written_as_they_are(weights, capsys):
    assert main([str(weights), "--out", "w.safetensors"]) == 0
    found, source = read_weights("w.safetensors"), read_weights(str(weights))
    assert replace(found, source="", state={}).__dict__ == replace(source, source="", state={}).__dict__
    assert found.digest == source.digest
    assert (found.pixels, found.classes) == (PIXELS, CLASSES)
    assert "Nobody" not in capsys.readouterr().out


def test_what_a_file_is_called_gives_a_terminal_no_orders(weights, capsys):
    assert main([str(weights), "--out", "\x1b[31mred.safetensors"]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert len(said.splitlines()) > 1


def test_a_class_that_stands_for_no_image_stays_there_and_is_said():
    checkpoint(1001)
    words = ["last.ckpt", "--model", "simplecnn", "--weights-key", "net", "--drop-class", "0", "--out", "w.safetensors"]
    assert main(words) == 0
    found = read_weights("w.safetensors")
    assert found.background == 0
    assert found.digest == read_weights("last.ckpt", "simplecnn", "net").digest


def test_the_weights_that_are_read_stay(tmp_path, capsys):
    source = make_weights(tmp_path / "A.safetensors", "vgg11")
    before = source.read_bytes()
    assert main([str(source), "--out", "A.safetensors", "--S", "384", "--replace"]) == 2
    assert "--out 'A.safetensors': it belongs to what is read" in capsys.readouterr().err
    assert source.read_bytes() == before


def test_nothing_is_written_over_without_a_word(tmp_path, capsys):
    source = make_weights(tmp_path / "A.safetensors", "vgg11")
    words = [str(source), "--out", "w.safetensors"]
    assert main(words) == 0
    assert main(words) == 2
    assert "it is there already; give another name, or --replace" in capsys.readouterr().err
    save_weights(source, replace(read_weights(str(source)), S=TrainingScale(384, 384)), {})
    assert main([*words, "--replace"]) == 0
    assert str(read_weights("w.safetensors").S) == "384"


NET = ["last.ckpt", "--model", "simplecnn", "--weights-key", "net"]
OUT = ["--out", "w.safetensors"]
REFUSED = {
    "do not say which net they are for": ["last.ckpt", "--weights-key", "net", *OUT],
    "--weights-key": ["last.ckpt", "--model", "simplecnn", *OUT],
    "do not fit vgg11": ["last.ckpt", "--model", "vgg11", "--weights-key", "net", *OUT],
    "ends in .safetensors": [*NET, "--out", "w.pth"],
    "there is no folder": [*NET, "--out", "no/w.safetensors"],
    "made elsewhere": ["last.ckpt", "--model", "timm:vgg11", "--weights-key", "net", *OUT],
    "no such file": ["none.pth", "--model", "simplecnn", *OUT],
}


@pytest.mark.parametrize(("said", "words"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_written_is_one_line_and_nothing_is_left(tmp_path, said, words, capsys):
    checkpoint()
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.safetensors"))
