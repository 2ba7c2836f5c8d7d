"""Speeds as pytest-benchmark reads them: its own statistics and its own command are the judges."""

import json
from random import Random

import pytest
from pytest_benchmark import cli
from pytest_benchmark.stats import Stats

from bench.speed.__main__ import main
from bench.speed.benchmark_file import statistics_of

SIZES = [*range(1, 14), 100]


@pytest.mark.parametrize("count", SIZES)
def test_the_statistics_are_those_of_pytest_benchmark(count):
    draw = Random(count)
    rounds = [draw.lognormvariate(0, 1) for _ in range(count)]
    theirs = Stats()
    for each in rounds:
        theirs.update(each)
    ours = statistics_of(rounds)
    assert ours.pop("data") == rounds
    assert ours.pop("iterations") == 1
    expected = theirs.as_dict()
    fence = ours["q3"] + 1.5 * ours["iqr"]
    assert ours.pop("hd15iqr") == max(each for each in rounds if each <= fence)  # some of its versions go beyond it
    del expected["hd15iqr"]
    assert ours.pop("outliers") == expected.pop("outliers")
    assert ours == pytest.approx(expected)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A narrow net's speed, measured twice."""
    found = []
    for name in ("before", "after"):
        out = tmp_path_factory.mktemp(name)
        words = f"--model vgg11 --width 0.03125 --largest 2 --layouts nhwc --seconds 0.01 --out {out}"
        assert main(words.split()) == 0
        found.append(out)
    return found


def test_it_says_what_the_tables_say_and_holds_their_rounds(folders):
    speeds, benchmark = (json.loads((folders[0] / f"{name}.json").read_text()) for name in ("speed", "benchmark"))
    assert benchmark["machine_info"]["device"] == speeds["about"]["device"]
    assert len(speeds["records"]) == len(benchmark["benchmarks"]) == 2
    for record, each in zip(speeds["records"], benchmark["benchmarks"], strict=True):
        assert each["fullname"] == f"bench.speed::vgg11[0.03125-fp32-nhwc-eager-{record['batch']}]"
        assert each["stats"]["rounds"] == len(each["stats"]["data"]) >= (100 if record["batch"] == 1 else 5)
        assert 1e3 * each["stats"]["median"] == pytest.approx(record["ms"])
        assert each["extra_info"]["images_per_second"] == record["images_per_second"]
        assert each["params"]["width"] == 0.03125
        assert "rounds_s" not in record


def test_pytest_benchmark_compares_two_of_them(folders, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    files = [str(folder / "benchmark.json") for folder in folders]
    monkeypatch.setattr(
        "sys.argv", ["pytest-benchmark", "compare", *files, "--csv", "table.csv", "--group-by", "param:batch"]
    )
    cli.main()
    printed = capsys.readouterr().out
    for batch in (1, 2):
        assert f"'batch={batch}': 2 tests" in printed
        assert printed.count(f"vgg11[0.03125-fp32-nhwc-eager-{batch}]") == 2
    assert (tmp_path / "table.csv").read_text().splitlines()[0].startswith("name,param:batch,param:dtype")


def test_a_protocol_is_one_round_of_the_whole_evaluation(weights, photographs, tmp_path):
    words = f"--weights {weights} --data list:{photographs} --protocol centre@256 --limit 3 --out {tmp_path}"
    assert main(words.split()) == 0
    (each,) = json.loads((tmp_path / "benchmark.json").read_text())["benchmarks"]
    assert each["stats"]["data"] == [pytest.approx(3 / each["extra_info"]["images_per_second"])]
    assert (each["params"]["protocol"], each["params"]["images"]) == ("centre@256", 3)
    assert len(each["params"]["data"]) == 12
