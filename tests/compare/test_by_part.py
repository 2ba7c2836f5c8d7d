"""Rows compared by test scale and by kind of view: each line is what rows of its parts alone would give."""

import json
from pathlib import Path

import pytest
from conftest import make_weights

import bench
from bench.compare.__main__ import main
from bench.run.__main__ import main as run
from results.multiple_tests import holm

PROTOCOLS = "dense@224/256,centre@224/256,dense@224,centre@224,dense-noflip@224/256,dense@224/256+centre@224/256"


@pytest.fixture(scope="module")
def runs(photographs, tmp_path_factory) -> Path:
    """Two nets under the same protocols."""
    folder = tmp_path_factory.mktemp("runs")
    for name, seed in (("a", 1), ("b", 5)):
        weights = make_weights(folder / f"{name}.safetensors", seed=seed)
        words = f"--model D --protocol {PROTOCOLS} --limit 12 --weights {weights}".split()
        where = ["--data", f"list:{photographs}", "--store", str(folder / "store"), "--out", str(folder / name)]
        assert run([*words, *where]) == 0
    return folder


@pytest.fixture
def compare(runs, monkeypatch, capsys):
    """Compare rows in the folder of the runs: what is printed."""
    monkeypatch.chdir(runs)

    def compare(*words: str) -> str:
        capsys.readouterr()
        assert main([*words]) == 0
        return capsys.readouterr().out

    return compare


def said_of(line: dict) -> dict:
    return {name: value for name, value in line["top1"].items() if name != "holm_p"}


def test_by_Q_a_line_is_the_comparison_of_rows_at_that_Q(compare):
    lines = json.loads(compare("a:1", "b:2", "--by", "Q", "--json"))["by_Q"]
    assert [line["Q"] for line in lines] == ["224", "256"]
    alone = bench.compare("a:3", "b:4").record()
    assert said_of(lines[0]) == alone["top1"]
    assert lines[0]["first"]["top1"] == alone["first"]["top1"]
    assert [line["first"]["mirror_images"] for line in lines] == ["with"] * 2  # as the row has it
    assert lines[0]["top1"]["only_first_wrong"] + lines[0]["top1"]["only_second_wrong"] > 0
    assert lines[0]["second"].items() >= {"protocol": "centre@224", "wrong1": alone["second"]["wrong1"]}.items()
    assert [line["top1"]["holm_p"] for line in lines] == holm([line["top1"]["mcnemar_p"] for line in lines])


def test_by_view_mirror_images_are_told_apart_where_they_are_stored(compare):
    lines = json.loads(compare("a:1", "b:1", "--by", "view", "--json"))["by_view"]
    by_flips = {line["mirror images"]: line for line in lines}
    assert [line["view"] for line in lines] == ["dense"] * 3
    assert said_of(by_flips["with"]) == bench.compare("a:1", "b:1").record()["top1"]
    assert said_of(by_flips["without"]) == bench.compare("a:5", "b:5").record()["top1"]


def test_by_view_a_sum_is_told_by_method_and_as_a_whole(compare):
    lines = json.loads(compare("a:6", "b:6", "--by", "view", "--json"))["by_view"]
    found = {(line["view"], line["mirror images"]): said_of(line) for line in lines}
    for label, row in {("dense", "with"): 1, ("centre", "without"): 2, ("all of them", "with"): 6}.items():
        assert found[label] == bench.compare(f"a:{row}", f"b:{row}").record()["top1"]


def test_markdown_says_the_numbers_of_the_json(compare):
    lines = json.loads(compare("a:1", "b:1", "--by", "Q", "--json"))["by_Q"]
    text = compare("a:1", "b:1", "--by", "Q")
    assert text.startswith(bench.compare("a:1", "b:1").markdown())
    for line in lines:
        cells = " ".join(next(each for each in text.splitlines() if each.startswith(f"| {line['Q']} ")).split())
        said = line["top1"]
        assert f"| {line['first']['top1']:.2f} | {line['second']['top1']:.2f} | {said['difference']:+.2f} [" in cells
        assert f"| {said['only_first_wrong']} / {said['only_second_wrong']} | {said['mcnemar_p']:.2g} |" in cells


def test_of_several_rows_each_pair_is_told(compare):
    pairs = json.loads(compare("a:1", "b:1", "b:2", "--by", "Q", "--json"))["pairs"]
    assert [len(pair["by_Q"]) for pair in pairs] == [2, 2, 2]
    assert compare("a:1", "b:1", "b:2", "--by", "Q").count("## ") == 3
    pairs = json.loads(compare("a", "b", "--by", "view", "--json"))["pairs"]
    assert len(pairs) == 6
    assert all(pair["by_view"] for pair in pairs)


def test_pairs_with_nothing_in_common_are_told_beside_others(compare):
    pairs = json.loads(compare("a:1", "b:1", "b:2", "--by", "view", "--json"))["pairs"]
    assert sorted(len(pair["by_view"]) for pair in pairs) == [0, 0, 3]
    text = compare("a:1", "b:1", "b:2", "--by", "view")
    assert text.count("By view they have none in common: ") == 2
    assert "b:2 centre" in text


def test_rows_with_nothing_in_common_are_refused(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)
    assert main(["a:1", "b:2", "--by", "view"]) == 2
    assert (
        "--by view: the rows have none in common: a:1 dense, b:2 centre; leave --by view out" in capsys.readouterr().err
    )


def test_posteriors_without_parts_are_not_enough(runs, photographs, tmp_path, monkeypatch, capsys):
    """Saved posteriors of a run whose store is gone can be compared, but not by Q."""
    monkeypatch.chdir(tmp_path)
    words = f"--model D --protocol dense@224,centre@224 --limit 4 --weights {runs / 'a.safetensors'} --save-posteriors"
    where = ["--data", f"list:{photographs}", "--store", str(runs / "store"), "--out", "c"]
    assert run([*words.split(), *where]) == 0
    origin = json.loads(Path("c/origin.json").read_text())
    for change, message in (
        ({"rows": {}}, "--by Q: the parts of c:1 are not in a store; run bench.run again"),
        ({"store": str(tmp_path / "nowhere")}, "give --store DIR"),
    ):
        Path("c/origin.json").write_text(json.dumps(origin | change))
        assert main(["c:1", "c:2"]) == 0
        assert main(["c:1", "c:2", "--by", "Q"]) == 2
        assert message in capsys.readouterr().err
