"""What a transfer cannot do ends with one line."""

import re
import sys

import pytest
import torch

from bench.transfer.__main__ import main

pytest_plugins = ("transfer_command",)

MISTAKES = [
    (["--over", "median"], "--over 'median': give mean, stack or each"),
    (["--over", "mean,mean"], "each once"),
    (["--over", ""], "--over ''"),
    (["--C", "0"], "--C '0.0': give numbers above 0"),
    (["--C", "much"], "--C 'much'"),
    (["--C", "nan"], "--C 'nan'"),
    (["--C", "1,1"], "each once"),
    (["--fuse"], "--fuse: there is one net"),
    (["--train-per-class", "0"], "--train-per-class '0': give whole numbers above 0"),
    (["--train-per-class", "some"], "--train-per-class 'some'"),
    (["--train-per-class", "2,2"], "each once"),
    (["--train-per-class", "7"], "class 'dark' has 6 images"),
    (["--test-per-class", "2"], "leave --test-per-class 2 out"),
    (["--train-per-class", "9" * 5000], "--train-per-class '9999"),
    (["--splits", "3"], "--splits 3"),
    (["--splits", "1000000000"], "--splits '1000000000': give a whole number from 1 to 1000"),
    (["--region", "image"], "--region 'image': it is for voc2012-action"),
    (["--Q", "banana"], "Q 'banana'"),
    (["--Q", "200"], "becomes 200 px .* vgg16 needs 224"),
    (["--save-features", "csv"], "--save-features 'csv': give npz or parquet"),
    (["--save-features", "npz,npz"], "each once"),
    (["--model", "vgg61"], "model 'vgg61'"),
    (["--limit", "0"], "--limit '0'"),
    (["--limit", "9" * 5000], "--limit '9999"),
    (["--out", "/dev/null/out"], "give --out DIR"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(mistake[0]) for mistake in MISTAKES])
def test_a_mistake_is_one_line(transfer, arguments, message, views):
    code, out, err, _ = transfer(*arguments)
    assert (code, out) == (2, "")
    assert re.search(f"^bench.transfer: error: .*{message}", err.splitlines()[-1])
    assert not views


def test_a_set_without_parts_needs_a_number_of_images(transfer, brightness):
    code, _, err, _ = transfer(data=f"folder:{brightness}/train")
    assert code == 2
    assert "add --train-per-class N" in err.splitlines()[-1]


NOT_DENSE = """
from torch import nn

def net():
    see = nn.Conv2d(3, 4, 16, 16)
    return nn.Sequential(see, nn.Flatten(2), nn.Linear(196, 8), nn.Softmax(1), nn.Flatten(), nn.Linear(32, 5))
"""


def test_a_net_without_a_dense_form_has_no_descriptors(brightness, store, tmp_path, capsys):
    (tmp_path / "mine.py").write_text(NOT_DENSE)
    made: dict = {}
    exec(NOT_DENSE, made)
    torch.save(made["net"]().state_dict(), tmp_path / "mine.pth")
    words = f"--model {tmp_path}/mine.py:net --weights {tmp_path}/mine.pth --data folder:{brightness} --store {store}"
    assert main([*words.split(), "--out", str(tmp_path / "out"), "--pixels", "torchvision"]) == 2
    assert "cannot see whole images of any size" in capsys.readouterr().err.splitlines()[-1]


def test_a_missing_library_is_named_before_any_work(transfer, views, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    code, _, err, _ = transfer()
    assert code == 2
    assert err.splitlines()[-1].endswith("pip install 'vgg-protocols[transfer]'")
    assert not views
