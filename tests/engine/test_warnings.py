"""Doubts where people see them: beside the table, on standard error, in CSV and JSON; the number stays."""

import json

import pandas as pd
import pytest
import torch
from conftest import make_image, make_weights

from bench.gate.__main__ import main as gate
from bench.nets.reading import read_weights
from bench.nets.weights import save_weights
from bench.run.__main__ import main

NAMES = tuple(f"class {k}" for k in range(12))
MAY_BE = "labels, class order or pixels may not be those of the weights"


@pytest.fixture
def measured(tmp_path, capsys):
    """A net that always answers class 4, on a list of so many pictures for each label: row, out, err."""
    path = make_weights(tmp_path / "A.safetensors", "vgg11", classes=NAMES)
    weights = read_weights(str(path))
    bias = next(name for name in weights.state if name.startswith("classifier.6.b"))
    weights.state[bias.replace("bias", "weight")].zero_()
    weights.state[bias].copy_(torch.eye(12)[4])
    save_weights(path, weights, {})
    for k in range(30):
        make_image((60, 50), k).save(tmp_path / f"{k}.png")

    def measured(labels: list[int], *more: str) -> tuple[dict, str, str]:
        lines = [f"{k}.png {label}\n" for k, label in enumerate(labels)]
        (tmp_path / "labels.txt").write_text("".join(lines))
        words = f"--model A --weights {path} --data list:{tmp_path}/labels.txt --protocol centre@224"
        code = main([*words.split(), "--store", f"{tmp_path}/store", "--out", f"{tmp_path}/out", *more])
        assert code == 0
        return json.loads((tmp_path / "out/results.json").read_text())[0], *capsys.readouterr()

    return measured


def test_labels_that_are_one_too_high_are_doubted_everywhere_and_counted_as_they_are(measured, tmp_path):
    row, out, err = measured([5] * 20)
    doubt = f"with every label one lower 0 of 20 images are wrong, not 20; {MAY_BE}"
    assert (row["wrong1"], row["top1"]) == (20, 100)
    assert doubt in row["warnings"]
    assert err.count(f"warning: {row['signature_id']}: {doubt}\n") == 1
    for text in (out, (tmp_path / "out/results.md").read_text()):
        assert f"- {row['signature_id']}: {doubt}\n" in text
    (cell,) = pd.read_csv(tmp_path / "out/results.csv")["warnings"]
    assert cell == "; ".join(row["warnings"])


def test_labels_that_are_right_are_not(measured, tmp_path):
    row, out, err = measured([4] * 20)
    assert (row["wrong1"], row["warnings"]) == (0, [])
    assert "warning" not in err
    assert "Warnings" not in out + (tmp_path / "out/results.md").read_text()


def test_labels_from_1_to_K_are_named_of_the_whole_set_and_gone_once_it_is_said(measured):
    labels = [1, 2, 3, 4, 5] * 5
    doubt = f"labels are exactly 1 to 5, and weights count from 0; --labels-from 1 if they count from 1; {MAY_BE}"
    for more in ([], ["--limit", "2"]):
        row, out, err = measured(labels, *more)
        assert doubt in row["warnings"]
        assert f": {doubt}\n" in out
        assert f": {doubt}\n" in err
    for other in ([labels, "--labels-from", "1"], [[0, *labels]], [[2, 3, 4, 5]], [[1] * 5]):
        assert not any("exactly" in text for text in measured(*other)[0]["warnings"])


def test_the_gate_names_warnings_that_are_new_and_passes(measured, tmp_path, capsys):
    measured([4] * 20)
    before = json.loads((tmp_path / "out/results.json").read_text())
    after = [{**before[0], "warnings": ["a|b is odd", "c"]}]
    for name, rows in (("before", before), ("after", after)):
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    assert gate([f"{tmp_path}/before.json", f"{tmp_path}/after.json"]) == 0
    assert "Warnings that are new:\n\n- vgg11, [256;288], centre@224" in (said := capsys.readouterr().out)
    assert r"a\|b is odd; c" in said
    assert gate([f"{tmp_path}/after.json", f"{tmp_path}/after.json"]) == 0
    assert "Warnings" not in capsys.readouterr().out
