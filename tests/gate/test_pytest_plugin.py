"""The fixture `vgg_gate`, in tests of nets that are run here by a pytest of their own."""

import importlib
import json
import shlex
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from conftest import environment
from test_packaging import PROJECT

pytest_plugins = ("pytester",)
PLUGIN = "bench.gate.pytest_plugin"
HEAVY = ("torch", "numpy", "pandas", "PIL", "tabulate", "results")
NETS = """
import numpy as np, pytest, torch
from torch import nn

IMAGES = [(np.full((256, 256, 3), 25 * k, np.uint8), k) for k in range(10)]

def net(wrong=0, factor=1.0):
    '''It tells ten greys apart, all but so many.'''
    levels = (torch.arange(10) * 25 / 255 - 0.485) / 0.229
    if wrong:
        levels[:wrong] = levels[:wrong].roll(1)
    made = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))
    made[2].weight.data = torch.stack([2 * factor * levels, 0 * levels, 0 * levels], 1)
    made[2].bias.data = -factor * levels**2
    return made

@pytest.fixture
def no_worse(vgg_gate, tmp_path):
    def no_worse(net, images=IMAGES, protocol="centre@256", baseline="baseline.json", **more):
        return vgg_gate.assert_no_worse(net, images, protocol, baseline=baseline, store=tmp_path, **more)
    return no_worse

"""
PASSES = "def test_net(no_worse): assert no_worse(net())[0].n == 10"


@pytest.fixture
def tests(pytester, monkeypatch):
    """Write tests and run them."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def tests(body, *words, name="test_nets"):
        pytester.makepyfile(**{name: NETS + body})
        return pytester.runpytest_inprocess("-p", PLUGIN, *words)

    return tests


@pytest.fixture
def baseline(tests, pytester):
    """Of the net that is never wrong."""
    tests(PASSES, "--vgg-gate-update", "the first").assert_outcomes(passed=1)
    return pytester.path / "baseline.json"


def said(result):
    """The lines of the report's own section."""
    lines = result.outlines
    start = next(k for k, line in enumerate(lines) if "= accuracy gate =" in line)
    return [line for line in lines[start + 1 :] if line.startswith("test_")]


def test_a_baseline_that_is_missing_fails_and_the_line_makes_it(tests, pytester):
    parametrized = PASSES.replace("def test_net(", "@pytest.mark.parametrize('k', ['a b'])\ndef test_net(k, ")
    result = tests(parametrized)
    result.assert_outcomes(failed=1)
    (line,) = [line for line in result.outlines if line.startswith("E ") and "no baseline '" in line]
    words = shlex.split(line.partition("; make it: ")[2])
    assert words[0] == "pytest"
    made = tests(parametrized, *words[1:])
    made.assert_outcomes(passed=1)
    assert json.loads((pytester.path / "baseline.json").read_text())["history"][0]["why"] == "the first"
    again = tests(parametrized)
    again.assert_outcomes(passed=1)
    (line,) = said(again)
    assert line.endswith("; top-5 error 0.00 % (baseline 0.00 %), wrong 0; equal")


@pytest.mark.parametrize(
    ("wrong", "rule", "passes"),
    [
        (2, "", False),
        (2, ", tolerance=1", False),
        (2, ", tolerance=2", True),
        (2, ", alpha=0.1", True),
        (10, ", alpha=0.1", False),
    ],
)
def test_a_worse_net_fails_unless_a_rule_lets_it_pass(baseline, tests, wrong, rule, passes):
    result = tests(f"def test_net(no_worse): no_worse(net({wrong}){rule})")
    result.assert_outcomes(passed=int(passes), failed=int(not passes))
    (line,) = said(result)
    assert f"top-1 error {wrong}0.00 % (baseline 0.00 %), wrong +{wrong} (p <= " in line
    assert "weights: " in line
    if not passes:
        result.stdout.fnmatch_lines(
            [
                "E*not as the baseline*",
                f"E*| worse*| wrong1 0, wrong5 0, n 10 | wrong1 {wrong}, *",
                "E*gate: *1 worse; failed",
            ]
        )
        result.stdout.fnmatch_lines(["*if this is as it should be: pytest --vgg-gate-update 'why' *::test_net"])


def test_a_retrained_net_is_compared_and_a_better_one_passes(tests):
    tests("def test_net(no_worse): no_worse(net(2))", "--vgg-gate-update", "first").assert_outcomes(passed=1)
    result = tests("def test_net(no_worse): no_worse(net(0, factor=1.5))")
    result.assert_outcomes(passed=1)
    assert "wrong -2" in said(result)[0]
    assert "; better, weights: " in said(result)[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("images=[(np.full((256, 256, 3), 25 * k + 1, np.uint8), k) for k in range(10)]", "data"),
        ("limit=9", "n"),
        ("pixels='RGB/255/100,100,100/50,50,50'", "pixels"),
        ("dtype='bf16'", "dtype"),
    ],
)
def test_other_images_pixels_or_numbers_are_never_compared(baseline, tests, change, field):
    result = tests(f"def test_net(no_worse): no_worse(net(), {change})")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*signature differs*{field}: *"])


@pytest.mark.parametrize("change", ["{'other': net()}", "net(), protocol='dense@256'"])
def test_what_the_baseline_lacks_fails(baseline, tests, change):
    result = tests(f"def test_net(no_worse): no_worse({change})")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*new (not in BASELINE)*"])


THREE = "\n".join(
    f"""
def test_{k}(no_worse):
    no_worse({{'a{k}': net({k})}})
    no_worse({{'b{k}': net()}}, protocol='centre@256,dense@256')
"""
    for k in (0, 2, 3)
)


def test_asserts_of_several_processes_keep_all_rows_and_those_of_before(baseline, tests):
    words = ["-p", "xdist", "-n", "2", "--junitxml", "junit.xml", "--vgg-gate-update"]
    tests(THREE, *words, "more nets", "test_more.py", name="test_more").assert_outcomes(passed=3)
    written = json.loads(baseline.read_text())
    several = [f"{name} {protocol}" for k in (0, 2, 3) for name, protocol in rows_of(k)]
    names = [f"{row['model']} {row['protocol']}" for row in written["rows"]]
    assert sorted(names) == sorted(["Sequential centre@256", *several])
    assert [entry["why"] for entry in written["history"]] == ["more nets", "the first"]
    properties = [each.get("name") for each in ElementTree.parse("junit.xml").iter("property")]
    assert properties == 9 * ["vgg_gate"]
    compared = tests(THREE.replace("net(2)", "net(3)"), "test_more.py", name="test_more")
    compared.assert_outcomes(passed=2, failed=1)
    assert len(said(compared)) == 3 + 1 + 3  # the test that fails ends with its first


def rows_of(k):
    return [(f"a{k}", "centre@256"), (f"b{k}", "centre@256"), (f"b{k}", "dense@256")]


def test_an_update_of_one_net_leaves_the_others(tests, pytester):
    both = "def test_a(no_worse): no_worse({'a': net()})\ndef test_b(no_worse): no_worse({'b': net()}, dtype='bf16')"
    tests(both, "--vgg-gate-update", "first").assert_outcomes(passed=2)
    worse = both.replace("net()", "net(2)").replace("'b'", "'a'")  # another number format is other work
    tests(worse, "--vgg-gate-update", "second", "-k", "test_b").assert_outcomes(passed=1, deselected=1)
    rows = json.loads((pytester.path / "baseline.json").read_text())["rows"]
    assert sorted((row["model"], row["wrong1"]) for row in rows) == [("a", 0), ("a", 2), ("b", 0)]


def test_two_nets_under_one_name_make_no_baseline(tests, pytester):
    result = tests("def test_net(no_worse):\n no_worse(net())\n no_worse(net(2))", "--vgg-gate-update", "first")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*give every net a name of its own*"])
    assert not (pytester.path / "baseline.json").exists()


@pytest.mark.parametrize("kept", [0, 2])
def test_posteriors_beside_the_baseline_tell_which_images(baseline, tests, pytester, kept):
    """Whether the update that they come with changes something or not."""
    (pytester.path / "posteriors").mkdir()
    tests(f"def test_net(no_worse): no_worse(net({kept}))", "--vgg-gate-update", "why").assert_outcomes(passed=1)
    assert len([*(pytester.path / "posteriors").iterdir()]) == 1
    result = tests("def test_net(no_worse): no_worse(net(3))")
    assert f"wrong +{3 - kept} (p = " in said(result)[0]
    result.stdout.fnmatch_lines([f"E*top-1, right before, wrong now: {'*, ' * (2 - kept)}*", "E*signature: *"])
    result.stdout.no_fnmatch_line("*bench.compare*")  # NEW's folder is gone


def test_the_setting_names_the_baseline_from_the_root(tests, pytester):
    pytester.makeini("[pytest]\nvgg_gate_baseline = kept/baseline.json")
    (pytester.path / "kept").mkdir()
    (pytester.path / "kept/baseline.json").write_text("[]")
    result = tests("def test_net(no_worse): no_worse(net(), baseline=None)")
    result.stdout.fnmatch_lines(["*UserError: '*kept/baseline.json' holds no rows; *"])


@pytest.mark.parametrize("content", ["{", "[1]", '[{"signature": 1}]', '{"benchmarks": []}'])
def test_a_baseline_that_is_none_is_one_line(tests, pytester, content):
    (pytester.path / "baseline.json").write_text(content)
    result = tests(PASSES)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*UserError: '*baseline.json'*give a results.json*"])


def test_a_mistake_in_the_call_is_one_line(baseline, tests):
    result = tests("def test_net(no_worse): no_worse(net(), tolerance=1, alpha=0.1)")
    result.stdout.fnmatch_lines(["E*UserError: a tolerance and an alpha are two rules for one thing; *"])


def test_a_baseline_has_a_reason(tests):
    result = tests(PASSES, "--vgg-gate-update", " ")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --vgg-gate-update: a new baseline has a reason*"])


def test_the_entry_point_is_this_module():
    (place,) = PROJECT["project"]["entry-points"]["pytest11"].values()
    assert importlib.import_module(place).__name__ == PLUGIN


def test_loading_it_costs_a_start_of_pytest_nothing():
    code = f"import pytest, sys; before = {{*sys.modules}}; import {PLUGIN}; print(*({{*sys.modules}} - before))"
    words = [sys.executable, "-c", code]
    loaded = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True).stdout.split()
    assert not {name.partition(".")[0] for name in loaded} & {*HEAVY}
    assert len(loaded) < 12
