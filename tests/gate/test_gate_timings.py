"""What the gate says of two files of timings, as bench.speed and pytest-benchmark write them."""

import json
from xml.etree import ElementTree

import pytest

from bench.gate.__main__ import main
from bench.speed.benchmark_file import statistics_of
from results.gate_timings import FAST, TimingRow
from results.timings import WANTED, Timing

MACHINE = {"system": "Linux", "machine": "x86_64", "cpu": {"brand_raw": "AMD EPYC", "count": 2}, "torch": "2.4.0"}
pytest_plugins = ("pytester",)
STEADY = [0.0098, 0.010, 0.010, 0.0102]  # of which the quartiles are 0.0099 and 0.0101
SLOW = [2 * each for each in STEADY]


def speeds(rounds, machine=MACHINE, **more):
    """A file of pytest-benchmark's, with these rounds in seconds by name."""
    benchmarks = [{"fullname": name, "stats": statistics_of(each)} for name, each in rounds.items()]
    return {"machine_info": machine, "benchmarks": benchmarks, **more}


@pytest.fixture
def gate(tmp_path, capsys):
    """Compare two of them: exit code, standard output, standard error."""

    def gate(old, new, *more, share="0.8"):
        paths = []
        for name, content in (("old.json", old), ("new.json", new)):
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
            paths.append(str(tmp_path / name))
        words = ["--throughput", share] if share else []
        return main([*paths, *words, *more]), *capsys.readouterr()

    return gate


def rows(out):
    lines = [line.strip("|").split("|") for line in out.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


@pytest.mark.parametrize(
    ("share", "code", "what"), [("0.8", 1, "slower"), ("0.51", 1, "slower"), ("0.49", 0, "fast enough")]
)
def test_the_median_below_its_share_of_the_speed_fails(gate, share, code, what):
    found, out, _ = gate(speeds({"a": STEADY}), speeds({"a": SLOW}), share=share)
    assert found == code
    assert rows(out) == [["a", what, "10 ms [9.9, 10.1], 4 rounds", "20 ms [19.8, 20.2], 4 rounds", "x0.5"]]


def test_the_same_speed_is_fast_enough(gate):
    assert gate(speeds({"a": STEADY}), speeds({"a": STEADY}), share="1")[0] == 0


def test_one_slow_round_is_no_slower_median(gate):
    assert gate(speeds({"a": STEADY}), speeds({"a": [*STEADY, 9.0]}))[0] == 0


def test_noise_is_said_and_does_not_pass(gate):
    code, out, _ = gate(speeds({"a": [1.0, 1.0, 9.0]}), speeds({"a": [1.0, 2.0, 2.0]}))
    assert (code, rows(out)[0][-1]) == (1, "x0.5, quartiles overlap")
    assert "one round shows no spread" in gate(speeds({"a": [0.01]}), speeds({"a": SLOW}))[1]


def test_a_benchmark_of_one_file_alone_fails(gate):
    code, out, _ = gate(speeds({"a": STEADY, "b": STEADY}), speeds({"b": STEADY, "c": STEADY}))
    assert code == 1
    assert [row[:2] for row in rows(out)] == [["a", "missing"], ["b", "fast enough"], ["c", "new"]]
    assert "gate: 1 missing, 1 fast enough, 1 new; failed" in out


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({**MACHINE, "cpu": {"brand_raw": "AMD EPYC", "count": 4}}, "other machine"),
        ({**MACHINE, "machine": "aarch64"}, "other machine"),
        ({**MACHINE, "device": "NVIDIA H100"}, "other device"),
        ({**MACHINE, "cpu": {}}, "unknown machine"),
        ({}, "unknown machine"),
    ],
)
def test_timings_of_other_machines_and_devices_are_not_compared(gate, other, what):
    code, out, _ = gate(speeds({"a": STEADY}), speeds({"a": SLOW}, other))
    assert code == 0
    assert f"gate: 1 not compared: {what}; passed" in out


def test_names_of_machines_do_not_matter_and_versions_are_reported(gate):
    other = {**MACHINE, "node": "runner-2", "torch": "2.9.0"}
    code, out, _ = gate(speeds({"a": STEADY}), speeds({"a": STEADY}, other))
    assert (code, out.splitlines()[-1]) == (0, "- torch: 2.4.0 -> 2.9.0")


def test_junit_json_summary_and_annotations_say_the_same(gate, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    name = "<b>|::error::|%0A"
    more = ["--json", "--junit", str(tmp_path / "junit.xml"), "--summary", str(tmp_path / "summary.md")]
    code, out, err = gate(speeds({name: STEADY, "b": STEADY}), speeds({name: SLOW, "b": STEADY}), *more)
    told = json.loads(out)
    assert (code, told["passed"], told["counts"]) == (1, False, {"slower": 1, "fast enough": 1})
    slow = told["benchmarks"][0]
    assert (slow["name"], slow["speed"], slow["new"]["median"]) == (name, 0.5, 0.02)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [case.get("name") for case in suite.iter("testcase")] == [name, "b"]
    (failure,) = suite.iter("failure")
    message = "slower: 10 ms [9.9, 10.1], 4 rounds -> 20 ms [19.8, 20.2], 4 rounds, x0.5"
    assert (failure.get("message"), failure.get("type")) == (message, "slower")
    assert err.count("::error file=") == len(err.splitlines()) == 1
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("## Throughput gate: failed\n")
    assert "x0.5" in summary
    assert r"\<b>\|::error::\|%0A" in summary


def test_what_pytest_benchmark_writes_is_compared(gate, pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # beside others pytest-benchmark measures nothing
    pytester.makepyfile(test_it="def test_sum(benchmark): benchmark(sum, range(100))")
    words = "-p pytest_benchmark.plugin --benchmark-json made.json --benchmark-max-time 0.01"
    pytester.runpytest_inprocess(*words.split()).assert_outcomes(passed=1)
    made = (pytester.path / "made.json").read_text()
    code, out, _ = gate(made, made, share="1")
    assert code == 0
    assert [row[:2] for row in rows(out)] == [["test_it.py::test_sum", "fast enough"]]


BROKEN = {
    "no list": {"benchmarks": {}},
    "none": {"benchmarks": []},
    "machine": {"machine_info": [], "benchmarks": []},
    "no object": {"benchmarks": [1]},
    "no name": {"benchmarks": [{"stats": statistics_of(STEADY)}]},
    "no statistics": {"benchmarks": [{"fullname": "a"}]},
    "twice": {"benchmarks": 2 * [{"fullname": "a", "stats": statistics_of(STEADY)}]},
    "too many": {"benchmarks": 10_001 * [1]},
    **{
        f"{name} {value}": {"benchmarks": [{"fullname": "a", "stats": {**statistics_of(STEADY), name: value}}]}
        for name, value in [
            *(("median", value) for value in (float("nan"), float("inf"), -1, 1e10, "1", None, True, [1], 10**400)),
            *(("rounds", value) for value in (0, 1.5, -1, None)),
            *(("q1", 1.0), ("q3", 0.001), ("q3", None)),
        ]
    },
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_that_lies_is_one_line(gate, content):
    for pair in ((speeds({"a": STEADY}), content), (content, speeds({"a": STEADY}))):
        code, out, err = gate(*pair)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.endswith(f"{WANTED}\n")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", "[" * 100_000, '{"benchmarks": [', '{"benchmarks": "\\ud800"}']
)
def test_a_file_of_another_kind_is_one_line(gate, content):
    code, out, err = gate(speeds({"a": STEADY}), content)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "give two of one kind" in err


@pytest.mark.parametrize(
    ("share", "more"),
    [(None, []), ("0.8", ["--tolerance", "1"]), ("0.8", ["--alpha", "0.01"]), ("0.8", ["--store", "blocks"])],
)
def test_timings_are_judged_by_throughput_alone(gate, share, more):
    code, _, err = gate(speeds({"a": STEADY}), speeds({"a": STEADY}), *more, share=share)
    assert (code, "--throughput alone judges" in err) == (2, True)


def test_a_ratio_beyond_all_numbers_is_no_speed():
    """JSON has no infinity."""
    old, new = (Timing("x", median, median, median, 5) for median in (1e9, 1e-320))
    assert TimingRow(old, new, FAST).speed is None
