"""Nets whose posteriors tie: no clean number comes out, in no table and past no gate."""

import json
from pathlib import Path

import pytest
from conftest import make_image, make_weights

from bench.gate.__main__ import main as gate
from bench.inspect.__main__ import main as inspect
from bench.nets.reading import read_weights
from bench.nets.weights import save_weights
from bench.run.__main__ import main as run

NAMES = tuple(f"class {k}" for k in range(8))


@pytest.fixture
def images(tmp_path) -> str:
    """Sixteen pictures of eight classes."""
    for k in range(16):
        make_image((60, 50), k).save(tmp_path / f"{k}.png")
    (tmp_path / "labels.txt").write_text("".join(f"{k}.png {k % 8}\n" for k in range(16)))
    return f"list:{tmp_path}/labels.txt"


def measured(folder: Path, images: str, head) -> dict:
    """A row of a small random net whose head is altered: (weight, bias) -> None."""
    path = make_weights(folder / "A.safetensors", "vgg11", classes=NAMES)
    weights = read_weights(str(path))
    bias, weight = (weights.state[name] for name in sorted(weights.state) if name.startswith("classifier.6."))
    head(weight, bias)
    save_weights(path, weights, {})
    words = f"--model A --weights {path} --data {images} --protocol centre@224"
    assert run([*words.split(), "--store", f"{folder}/store", "--out", f"{folder}/out"]) == 0
    (row,) = json.loads((folder / "out/results.json").read_text())
    return row


def nothing(weight, bias) -> None:
    weight.zero_()
    bias.zero_()


def saturate(weight, bias) -> None:
    weight.mul_(1000)
    bias.mul_(1000)


def leave(weight, bias) -> None:
    pass


def test_a_head_of_zeros_has_no_error_rate(tmp_path, images, capsys):
    row = measured(tmp_path, images, nothing)
    assert [row[name] for name in ("top1", "top1_low", "top1_high", "top5", "paper_top1")] == [None] * 5
    assert (row["wrong1"], row["ties1"], row["wrong1_against"]) == (0, 16, 16)
    assert (row["wrong5"], row["ties5"], row["wrong5_against"]) == (0, 16, 16)
    reason = "ties decide 16 of 16 images at top-1: 0 are wrong if a tie counts for the label, 16 if against it"
    assert row["warnings"][0] == f"{reason}; no error is given"
    out, err = capsys.readouterr()
    for text in (out, (tmp_path / "out/results.md").read_text(), err):
        assert reason in text
    (line,) = [line for line in out.splitlines() if line.startswith("| vgg11")]
    assert [cell.strip() for cell in line.split("|")][4:6] == ["–"] * 2
    (line,) = [line for line in (tmp_path / "out/results.md").read_text().splitlines() if line.startswith("| vgg11")]
    assert [cell.strip() for cell in line.split("|")][9:13] == ["–"] * 4
    csv = (tmp_path / "out/results.csv").read_text()
    assert reason in csv


def test_no_gate_lets_such_a_row_pass_and_no_summary_calls_it_accurate(tmp_path, images, capsys):
    measured(tmp_path, images, nothing)
    for kind in ("json", "csv"):
        table = str(tmp_path / f"out/results.{kind}")
        assert gate([table, table, "--tolerance", "16"]) == 1
        assert "no clean number" in capsys.readouterr().out
    assert inspect([str(tmp_path / "out"), "--mistakes", "0"]) == 0
    out, _ = capsys.readouterr()
    assert "- No accuracy: ties decide more than 1 % of the 16 images" in out
    assert "Accuracy 100" not in out


def test_a_saturated_head_counts_what_the_net_gave_up_as_wrong(tmp_path, images):
    """Softmax leaves one class with anything at all: whatever is not the best is not among the best five either."""
    row = measured(tmp_path, images, saturate)
    assert row["wrong5"] == row["wrong1"] > 8
    assert (row["ties1"], row["ties5"]) == (0, 0)


def test_a_net_without_ties_has_clean_numbers(tmp_path, images):
    row = measured(tmp_path, images, leave)
    assert (row["ties1"], row["ties5"]) == (0, 0)
    assert row["top1"] == 100 * row["wrong1"] / 16
    assert not any("ties" in text for text in row["warnings"])


def test_twin_classes_are_decided_by_ties(tmp_path, images):
    """Two classes with one row of the head: every image that the net gives to either."""

    def twins(weight, bias):
        weight[:2], bias[:2] = 0, 100

    row = measured(tmp_path, images, twins)
    assert (row["wrong1"], row["ties1"], row["top1"]) == (12, 4, None)
