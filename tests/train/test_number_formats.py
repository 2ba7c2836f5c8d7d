"""In which numbers a net learns, and in which it is judged."""

import json

import numpy as np
import pytest
import torch
from conftest import training_words
from safetensors import safe_open
from torch import nn

from bench.errors import UserError
from bench.nets.device import Precision
from bench.nets.torch_settings import _read, products_in
from bench.train.__main__ import main, parser, requested
from bench.train.training import Training, train
from bench.train.training_request import TrainingRequest


def training_of(*words: str) -> Training:
    return Training(requested(parser().parse_args(list(words))))


@pytest.fixture
def seen(monkeypatch):
    """What every forward pass of a training gave, and under which of torch's settings: (learning, format, settings)."""
    seen = set()
    before = nn.Module.__call__

    def call(net, *inputs):
        scores = before(net, *inputs)
        if type(net).__name__ == "VGG":
            seen.add((net.training, scores.dtype, tuple(_read())))
        return scores

    monkeypatch.setattr(nn.Module, "__call__", call)
    return seen


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_in_bf16_a_net_learns_what_it_learns_in_fp32_nearly(folder, tmp_path, seen, optimiser):
    losses = {}
    for dtype in ("fp32", "bf16"):
        words = training_words(
            folder, tmp_path / dtype, "--dtype", dtype, "--optimiser", optimiser, "--schedule", "step"
        )
        training = training_of(*words, "--epochs", "3")
        losses[dtype] = [epoch.loss for epoch in training.epochs()]
        assert all(value.dtype == torch.float32 for value in training.net.state_dict().values())
        kept = [each for state in training.optimiser.state.values() for each in state.values()]
        assert {each.dtype for each in kept} == {torch.float32}
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"][0] == pytest.approx(losses["fp32"][0], rel=0.01)  # eight bits of a mantissa are 0.4 %
    assert losses["bf16"][-1] < losses["bf16"][0]
    formats = {(learning, dtype) for learning, dtype, _ in seen}
    assert formats == {(True, torch.float32), (True, torch.bfloat16), (False, torch.float32)}


def test_tf32_is_on_where_it_was_asked_for_and_only_while_the_net_learns(folder, tmp_path, seen, monkeypatch):
    monkeypatch.setattr(Precision, "check", lambda *_: None)
    settings = {}
    for tf32 in (False, True):
        with products_in(tf32):
            settings[tf32] = tuple(_read())
        seen.clear()
        own = ("--dtype", "tf32" if tf32 else "fp32")
        train(requested(parser().parse_args(training_words(folder, tmp_path / str(tf32), *own, "--epochs", "1"))))
        assert seen == {(True, torch.float32, settings[tf32]), (False, torch.float32, settings[False])}
    assert settings[True] != settings[False]


def test_features_are_those_that_the_net_learns_from_and_is_judged_by(folder, tmp_path, weights_of_A):
    losses, kept = {}, {}
    for name in ("fp32-kept", "bf16-kept", "bf16"):
        own = ["--dtype", name[:4], *["--cache-features"] * name.endswith("kept")]
        frozen = ["--init", str(weights_of_A), "--freeze", "--augment", "none"]
        training = training_of(*training_words(folder, tmp_path / name, *frozen, *own))
        losses[name] = [(epoch.loss, epoch.validation_error) for epoch in training.epochs()]
        kept[name] = [np.load(path) for path in sorted((tmp_path / name).glob("*.npy"))]
    for cached, plain in zip(losses["bf16-kept"], losses["bf16"], strict=True):
        assert cached == pytest.approx(plain, rel=1e-3)
    (train32, val32), (train16, val16) = kept["fp32-kept"], kept["bf16-kept"]
    assert np.array_equal(val16, val32)
    assert not np.array_equal(train16, train32)
    assert np.allclose(train16, train32, atol=0.02 * train32.max())


def test_the_format_is_a_part_of_the_recipe(folder, tmp_path, capsys):
    words = training_words(folder, tmp_path, "--dtype", "bf16")
    next(training_of(*words).epochs())
    assert main(training_words(folder, tmp_path)) == 2
    assert "--dtype fp32: " in (said := capsys.readouterr().err.splitlines()[-1])
    assert "was begun with bf16" in said
    assert main(words) == 0
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        assert json.loads(file.metadata()["vgg-protocols"])["recipe"]["dtype"] == "bf16"


def test_a_checkpoint_that_says_no_format_is_of_fp32(folder, tmp_path):
    next(training_of(*training_words(folder, tmp_path)).epochs())
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del state["recipe"]["dtype"]
    torch.save(state, tmp_path / "checkpoint.pt")
    assert len(training_of(*training_words(folder, tmp_path)).done) == 1
    with pytest.raises(UserError, match="begun with fp32"):
        training_of(*training_words(folder, tmp_path, "--dtype", "bf16"))


@pytest.mark.parametrize("units", [True, False])
def test_a_processor_without_units_for_bf16_is_named(folder, tmp_path, capsys, monkeypatch, units):
    monkeypatch.setattr("bench.nets.device.multiplies_bf16", lambda: units)
    training_of(*training_words(folder, tmp_path, "--dtype", "bf16"))
    assert ("fp32 is faster" in capsys.readouterr().err) != units


def test_formats_that_nothing_learns_in_are_one_line(folder, tmp_path, capsys):
    with pytest.raises(UserError, match=r"^--dtype 'fp16': give fp32, tf32 or bf16; fp16 would need its loss scaled$"):
        TrainingRequest(dtype="fp16")
    assert main(training_words(folder, tmp_path, "--dtype", "tf32", "--device", "cpu")) == 2
    assert "only CUDA devices have it" in capsys.readouterr().err.splitlines()[-1]
