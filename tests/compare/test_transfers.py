"""Rows of bench.transfer compared by name: their own numbers, and mistakes are one line."""

import json
import shutil

import numpy as np
import pytest
from conftest import make_image, make_weights

import bench
from bench.compare.__main__ import main
from bench.transfer.__main__ import main as transfer
from results.transfer_files import read_transfer


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two rows, at two Q, of random images in two classes."""
    root = tmp_path_factory.mktemp("compared")
    for part, count in (("train", 4), ("val", 6)):
        for label in range(2):
            (root / "data" / part / f"class {label}").mkdir(parents=True)
            for k in range(count):
                image = make_image((230, 224), 10 * label + k + 100 * count)
                image.save(root / "data" / part / f"class {label}" / f"{k}.png")
    words = (
        f"--weights {make_weights(root / 'net.safetensors')} --data folder:{root}/data --Q 224/230 --over each --C 1"
    )
    assert transfer([*words.split(), "--store", str(root / "store"), "--out", str(root / "run")]) == 0
    return root / "run"


def told(capsys, *words: str) -> tuple[int, str, str]:
    code = main([*map(str, words)])
    return code, *capsys.readouterr()


def test_two_rows_by_number_or_signature_have_the_difference_of_their_table(run, capsys):
    first, second = read_transfer(run)
    expected = 100 * abs(first.measures["recall"].value - second.measures["recall"].value)
    for names in ((f"{run}:1", f"{run}:2"), (f"{run}:{first.id}", f"{run}:{second.id}"), (run,)):
        code, out, _ = told(capsys, *names, "--json")
        (pair,) = json.loads(out)["pairs"]
        assert code == 0
        assert pair["difference"] == pytest.approx(expected, abs=1e-3)
    _, out, _ = told(capsys, run)
    assert "A less B" in out
    assert "Classes that changed most" in out
    assert "Classes that changed most" not in told(capsys, run, "--classes", "0")[1]


def test_python_has_the_same_value(run, capsys):
    found = bench.compare(f"{run}:1", f"{run}:2")
    assert json.loads(told(capsys, run, "--json")[1]) == found.record()


def test_so_has_it_of_rows_that_were_just_learnt(capsys):
    images = [(np.full((40, 40, 3), value, np.uint8), value // 128) for value in (0, 20, 40, 200, 220, 240)]
    table = bench.transfer("builtin:D-256-512", (images, images), Q=(224, 240), over="each", C=1, progress=False)
    found = bench.compare(table[0], table[1])
    assert found.pairs[0][2].value == pytest.approx(abs(table[0].recall - table[1].recall))


MISTAKES = [
    (("{run}:1",), "is one row; give another"),
    (("{run}:3", "{run}:1"), "give a number from 1 to 2, or one of the ids"),
    (("{run}:1", "{run}:1"), "is named twice"),
    (("{run}", "{run}/.."), "compare rows of one of them"),
    (("{run}", "--by", "Q"), "--by Q: rows of bench.transfer have no such parts"),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES)
def test_a_mistake_is_one_line(run, capsys, words, message):
    code, out, err = told(capsys, *(word.replace("{run}", str(run)) for word in words))
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]


def test_lost_or_foreign_scores_are_one_line(run, capsys, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    first, second = sorted((copy / "scores").iterdir())
    first.unlink()
    assert "is not there" in told(capsys, copy)[2]
    shutil.copy(second, first)
    assert "one of them was altered" in told(capsys, copy)[2]
    record = json.loads((copy / "transfer.json").read_text())
    record[0]["test"] = [5]
    (copy / "transfer.json").write_text(json.dumps(record))
    assert "of another run than the table" in told(capsys, copy)[2]
