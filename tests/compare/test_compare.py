"""Runs compared: what comes out is the runs' own numbers, and mistakes are one line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import make_weights

import bench
from bench.compare.__main__ import main
from bench.run.__main__ import main as run
from results.paired import paired


@pytest.fixture(scope="module")
def runs(photographs, tmp_path_factory) -> Path:
    """Two nets under the same two protocols, and the first on fewer images; of b in files, too."""
    folder = tmp_path_factory.mktemp("runs")
    made = {"a": (1, 33, []), "b": (5, 33, ["--save-posteriors"]), "fewer": (1, 9, [])}
    for name, (seed, limit, more) in made.items():
        weights = make_weights(folder / f"net{seed}.safetensors", seed=seed)
        words = f"--model D --protocol centre@224,dense@224 --limit {limit} --weights {weights}".split()
        where = ["--data", f"list:{photographs}", "--store", str(folder / "store"), "--out", str(folder / name)]
        assert run([*words, *where, *more]) == 0
    return folder


@pytest.fixture
def compare(runs, monkeypatch, capsys):
    """Compare rows in the folder of the runs: exit code, standard output, standard error."""
    monkeypatch.chdir(runs)

    def compare(*words: str):
        code = main([*words])
        return code, *capsys.readouterr()

    return compare


def wrong(runs: Path, name: str, place: int, k: int = 1) -> np.ndarray:
    """By the saved posteriors."""
    saved = np.load(runs / f"b/posteriors/{table(runs, name)[place]['signature_id']}.npz")
    own = np.take_along_axis(saved["posteriors"], saved["labels"][:, None], 1)
    return (saved["posteriors"] > own).sum(1) >= k


def table(runs: Path, name: str) -> list[dict]:
    return json.loads((runs / name / "results.json").read_text())


def test_two_rows_have_the_counts_of_their_posteriors_and_the_errors_of_their_table(compare, runs):
    code, out, _ = compare("b:1", "b:2", "--json")
    assert code == 0
    found = json.loads(out)
    for k in (1, 5):
        expected = paired(wrong(runs, "b", 0, k), wrong(runs, "b", 1, k))
        assert found[f"top{k}"].items() >= expected.fields.items()
        assert found[f"top{k}"]["images_needed"] == expected.images_needed
    for which, row in zip(("first", "second"), table(runs, "b"), strict=True):
        for field in ("top1", "top1_low", "top1_high", "top5", "wrong1", "wrong5", "n", "signature", "model"):
            assert found[which][field] == row[field]
    assert sum(each["images"] for each in found["classes"]) == found["n"] == 33


def test_markdown_json_and_python_are_one_value(compare, runs):
    code, out, _ = compare("a:1", "b:1", "--by", "class")
    assert code == 0
    found = bench.compare("a:1", Path("b") / f"results.json:{table(runs, 'b')[0]['signature_id']}")
    assert json.loads(compare("a:1", "b:1", "--json")[1])["top1"] == json.loads(json.dumps(found.record()["top1"]))
    python = bench.compare("a:1", "b:1")
    assert out == python.markdown(classes=None) + "\n"
    assert python.difference == found.difference
    assert compare("a:1", "b:1")[1] == python.markdown() + "\n"
    assert compare("a:1", "b:1", "--classes", "1")[1] == python.markdown(classes=1) + "\n"


def test_rows_of_tables_and_of_their_runs_are_compared_alike(compare, runs, photographs):
    weights = str(runs / "net1.safetensors")
    asked = {"limit": 33, "store": runs / "store", "progress": False}
    evaluated = bench.evaluate(weights, f"list:{photographs}", "centre@224,dense@224", **asked)
    found, stored = bench.compare(*evaluated), bench.compare("a:1", "a:2")
    assert found.record()["top1"] == stored.record()["top1"]
    assert found.record()["only_first_wrong"] == stored.record()["only_first_wrong"]
    assert found.classes.equals(stored.classes)
    assert bench.compare(evaluated[0], "b:1").record()["top5"] == bench.compare("a:1", "b:1").record()["top5"]


def test_two_runs_are_compared_row_by_row(compare):
    code, out, _ = compare("a", "b", "--json")
    assert code == 0
    found = json.loads(out)
    assert [(pair["first"]["name"], pair["second"]["name"]) for pair in found["pairs"]] == [
        ("a:1", "b:1"),
        ("a:2", "b:2"),
    ]
    assert {pair["paired_by"] for pair in found["pairs"]} == {"model, S and protocol"}
    assert found["pairs"][1]["top1"].items() >= bench.compare("a:2", "b:2").fields.items()
    assert "Paired by model, S and protocol: 2" in compare("a", "b")[1]


def test_more_rows_are_compared_each_with_each(compare):
    for words in (["a:1", "a:2", "b:1"], ["a", "b:1"], ["a:1,2", "b:1"]):
        code, out, _ = compare(*words, "--json")
        assert code == 0
        found = json.loads(out)
        assert {row["name"] for row in found["rows"].values()} == {"a:1", "a:2", "b:1"}
        assert len(found["pairs"]) == 3
    assert "| A less B |" in " ".join(compare("a", "b:1")[1].split())


def test_saved_posteriors_need_no_store_and_a_moved_store_is_given(compare, runs, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(runs / name, tmp_path / name)
        origin = tmp_path / name / "origin.json"
        origin.write_text(json.dumps(json.loads(origin.read_text()) | {"store": str(tmp_path / "nowhere")}))
    assert compare(f"{tmp_path}/b:1", f"{tmp_path}/b:2")[0] == 0
    code, _, err = compare(f"{tmp_path}/a:1", f"{tmp_path}/b:1")
    assert code == 2
    assert "give --store DIR" in err
    assert compare(f"{tmp_path}/a:1", f"{tmp_path}/b:1", "--store", str(runs / "store"))[0] == 0
    assert bench.compare(f"{tmp_path}/a:1", "b:1", store=runs / "store").n == 33


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a:1", "a:1"], "a:1 is named twice; give another row"),
        (["a", "./a"], "a:1 and ./a:1 are one row; give another row"),
        (["a:1", "a/results.json:1"], "a:1 and a/results.json:1 are one row"),
        (["a:1"], "'a:1' is one row; give another"),
        (["a:1", "nope:1"], "'nope:1': no such run; give RUN, or a row of it as RUN:2"),
        (["a:1", "nope"], "'nope': no such run"),
        (["a:1", "x" * 300 + ":1"], ":1': no such run"),
        (["a:1", ":1"], "':1': no such run"),
        (["a:3", "b:1"], "row of a '3': give numbers from 1 to 2, or of the ids "),
        (["a:0", "b:1"], "row of a '0': give numbers from 1 to 2"),
        (["a:1", "store:1"], "results.json': No such file or directory"),
        (["a:1", "fewer:1"], "a:1 (33 images) and fewer:1 (9) are not of the same images: 24 only in a:1 ("),
        (["a", "fewer"], "are not of the same images"),
        (["a:1", "b:1", "--classes", "-1"], "--classes -1: give a number from 0"),
    ],
)
def test_mistakes_are_one_line(compare, words, message):
    code, out, err = compare(*words)
    assert (code, out) == (2, "")
    assert err.startswith("bench.compare: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_runs_without_a_pair_are_refused(compare, runs, tmp_path):
    shutil.copytree(runs / "b", tmp_path / "b")
    rows = [row | {"model": "X", "protocol": f"other{k}"} for k, row in enumerate(table(runs, "b"))]
    rows = [row | {"signature": row["signature"] + " x=y"} for row in rows]
    (tmp_path / "b/results.json").write_text(json.dumps(rows))
    code, _, err = compare("a", f"{tmp_path}/b")
    assert code == 2
    assert f"have no two rows in common, by model or by protocol; name the rows, such as a:1 {tmp_path}/b:1" in err


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("a", "compare 'a': 2 rows; name one, such as a:1"),
        (3, "something of type int; give rows of tables, such as table['dense'], or of runs"),
        ("fewer:1", "not of the same images"),
        ("nope:2", "'nope:2': no such run"),
    ],
)
def test_mistakes_in_python_are_user_errors(compare, first, message):
    with pytest.raises(bench.UserError, match=message.replace("[", r"\[").replace("(", r"\(")):
        bench.compare(first, "b:1")
