"""What nobody stated is marked where the number stands."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from conftest import make_image, make_weights

from bench.nets.reading import read_weights
from bench.nets.weights import save_weights
from bench.predict.__main__ import main as predict
from bench.run.__main__ import main as run
from results.paper import paper_rows
from results.paper_tables import write_tables
from results.result import Result

PIXELS = "BGR/255/104,117,123/60,61,62"
NET = ["--model", "A", "--protocol", "centre@224"]


@pytest.fixture
def bare(tmp_path) -> str:
    """Weights that say nothing of themselves but their width."""
    weights = read_weights(str(make_weights(tmp_path / "A.safetensors", "vgg11")))
    save_weights(tmp_path / "bare.safetensors", replace(weights, S=None, pixels=None, classes=None), {})
    return f"{tmp_path}/bare.safetensors"


def pictures(folder: Path) -> str:
    for k in range(3):
        make_image((60, 50), k).save(folder / f"{k}.png")
    (folder / "labels.txt").write_text("".join(f"{k}.png {k}\n" for k in range(3)))
    return f"list:{folder}/labels.txt"


def written(folder: Path, weights: str, data: str, *more: str) -> tuple[dict, str]:
    """A row, and the cell of its column `assumed` in the Markdown table; empty where there is no such column."""
    where = ["--weights", weights, "--data", data, "--store", f"{folder}/store", "--out", f"{folder}/out"]
    assert run([*NET, *where, *more]) == 0
    (row,) = json.loads((folder / "out/results.json").read_text())
    (cell,) = pd.read_csv(folder / "out/results.csv", keep_default_na=False)["assumed"]
    assert cell == row["assumed"]
    head, _, line = [line for line in (folder / "out/results.md").read_text().splitlines() if line.startswith("|")]
    names, cells = ([cell.strip() for cell in text.split("|")] for text in (head, line))
    return row, cells[names.index("assumed")] if "assumed" in names else ""


@pytest.mark.parametrize(
    ("more", "assumed"),
    [
        ([], "pixels, class order, S"),
        (["--S", "256"], "pixels, class order"),
        (["--pixels", PIXELS], "class order, S"),
        (["--class-order", "number"], "pixels, S"),
        (["--S", "256", "--pixels", PIXELS, "--class-order", "number"], ""),
    ],
)
def test_a_table_marks_what_is_assumed_and_not_what_was_given(tmp_path, bare, more, assumed):
    row, cell = written(tmp_path, bare, pictures(tmp_path), *more)
    assert row["assumed"] == cell == assumed


def test_weights_that_say_everything_leave_nothing_to_assume(tmp_path):
    weights = str(make_weights(tmp_path / "A.safetensors", "vgg11"))
    row, cell = written(tmp_path, weights, pictures(tmp_path))
    assert row["assumed"] == cell == ""


def test_a_fusion_assumes_what_any_of_its_nets_does(tmp_path, bare):
    other = str(make_weights(tmp_path / "B.safetensors", "vgg11", seed=1))
    where = f"--data {pictures(tmp_path)} --store {tmp_path}/store --out {tmp_path}/out --fuse"
    words = ["--model", "A,A", "--weights", f"{other},{bare}", "--protocol", "centre@224", *where.split()]
    assert run(words) == 0
    rows = json.loads((tmp_path / "out/results.json").read_text())
    assert rows[2]["assumed"] == rows[1]["assumed"] == "pixels, class order, S"


def test_a_prediction_marks_it_beside_the_image_and_in_the_csv(tmp_path, bare, capsys):
    pictures(tmp_path)
    image, table = f"{tmp_path}/0.png", tmp_path / "t.csv"
    for weights, assumed in ((bare, "pixels, class order, S"), (bare.replace("bare", "A"), "")):
        assert predict([image, *NET, "--weights", weights, "--out", str(table)]) == 0
        title = capsys.readouterr().out.splitlines()[0]
        assert title == image + (f" (assumed: {assumed})" if assumed else "")
        with table.open(newline="") as lines:
            assert [line.get("assumed", "") for line in csv.DictReader(lines)] == [assumed]


def test_the_papers_figures_never_stand_beside_an_assumed_S(tmp_path):
    row = next(row for row in paper_rows() if row.table == 3)
    counts = {"n": 50_000, "skipped": 0, "wrong1": 9, "wrong5": 1, "views": 2, "seconds": 1.0}
    names = dict.fromkeys(("model", "configuration", "weights", "S", "Q", "protocol", "signature"), "x")
    stated = Result(**names, data="imagenet/val", **counts, nets=row.nets)
    assumed = replace(stated, assumed=frozenset({"S"}))
    assert stated.paper == (row.top1, row.top5)
    assert replace(stated, assumed=frozenset({"pixels"})).paper == stated.paper
    assert assumed.paper is None
    for result, shown in ((stated, True), (assumed, False)):
        write_tables({row: result}, tmp_path, [])
        assert (f" {row.top1:.1f} |" in (tmp_path / "table3.md").read_text()) == shown
        assert pd.read_csv(tmp_path / "table3.csv")["paper_top1"].notna().item() == shown
