"""`action.yml`, its steps run as GitHub's runner runs them: inputs through the environment, outputs through files."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import yaml
from conftest import ROOT, environment
from gate_rows import DENSE, FIRST, LAST, ROWS

from results.table import write

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{ (inputs\.\w+|steps\.\w+\.outputs\.\w+) \}\}")


@pytest.fixture
def action(tmp_path):
    """Run the steps with inputs: exit code, outputs of the last, the summary's page, what was printed."""
    programs, temp = tmp_path / "bin", tmp_path / "temp with blanks"
    for folder in (programs, temp):
        folder.mkdir()
    # the package is there, and its own folder does not count, as for an installed command
    for name, words in {"vgg-protocols": "-m bench", "python": "-c pass"}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (programs / name).chmod(0o755)
    here = {
        **environment(),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "page.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_ACTIONS": "true",
        "RUNNER_TEMP": str(temp),
    }

    def action(**given):
        values = {
            f"inputs.{name}": given.get(name, about.get("default", "")) for name, about in ACTION["inputs"].items()
        }
        (tmp_path / "page.md").write_text("")
        code, said, outputs = 0, "", {}
        for step in STEPS:
            if "if" in step and not wanted(step["if"], values):
                continue
            (tmp_path / "output").write_text("")
            env = {name: values[EXPRESSION.fullmatch(text)[1]] for name, text in step.get("env", {}).items()}
            script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(script, cwd=tmp_path, env=here | env, capture_output=True, text=True, check=False)
            outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
            values |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in outputs.items()}
            code, said = done.returncode, said + done.stdout + done.stderr
            if code:
                break
        return code, outputs, (tmp_path / "page.md").read_text(), said

    return action


def wanted(condition, values):
    (name,) = re.fullmatch(r"(inputs\.\w+) != ''", condition).groups()
    return values[name] != ""


@pytest.fixture
def tables(tmp_path):
    """A baseline, and results that are worse by one image, in a folder whose name a shell would run."""
    paths = []
    for name, rows in (("old", ROWS), ("$(touch pwned) ; x", [FIRST, replace(DENSE, wrong1=45), LAST])):
        write(rows, tmp_path / name)
        paths.append(str(tmp_path / name / "results.json"))
    return paths


def test_inputs_are_never_pasted_into_scripts():
    for step in STEPS:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        assert all(EXPRESSION.fullmatch(text) for text in step.get("env", {}).values())
    used = {EXPRESSION.fullmatch(text)[1] for step in STEPS for text in step.get("env", {}).values()}
    assert {name for name in used if name.startswith("inputs.")} == {f"inputs.{name}" for name in ACTION["inputs"]}


def test_outputs_are_those_of_a_step():
    for about in ACTION["outputs"].values():
        step, name = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", about["value"]).groups()
        (script,) = [each["run"] for each in STEPS if each.get("id") == step]
        assert f"{name}=%s" in script


def test_a_worse_row_fails_the_step_and_is_in_every_output(action, tables, tmp_path):
    code, outputs, page, said = action(baseline=tables[0], results=tables[1])
    assert code == 1
    assert page.startswith("## Accuracy gate: failed\n")
    assert "\n::error file=" in said
    assert outputs["results"] == tables[1]
    (suite,) = ElementTree.parse(outputs["junit"]).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    assert [*tmp_path.rglob("pwned")] == []


@pytest.mark.parametrize(("rule", "code"), [({"tolerance": "1"}, 0), ({"alpha": "0.01"}, 0), ({"tolerance": "0"}, 1)])
def test_rules_reach_the_gate(action, tables, rule, code):
    assert action(baseline=tables[0], results=tables[1], **rule)[0] == code


@pytest.mark.parametrize("text", ["$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "--help", "1 --json", "'"])
def test_inputs_are_values_whatever_they_hold(action, tables, tmp_path, text):
    for inputs in ({"baseline": text, "results": text}, {"baseline": tables[0], "results": tables[0], "alpha": text}):
        code, _, _, said = action(**inputs)
        assert code == 2, said
    assert [*tmp_path.rglob("pwned")] == []


def test_a_line_in_a_path_makes_no_output(action, tables):
    code, outputs, _, _ = action(baseline=tables[0], results="x\njunit=/etc/passwd")
    assert code == 2
    assert outputs["junit"].endswith("/gate.xml")


def test_it_measures_where_it_is_told_how(action, tmp_path, weights, photographs):
    words = f"--weights '{weights}' --data list:{photographs}\n--protocol centre --limit 4 --store {tmp_path}/store"
    code, outputs, _, said = action(baseline="base.json", run=words)
    assert code == 2, said
    assert "base.json" in said
    measured = outputs["results"]
    code, outputs, _, said = action(baseline=measured, run=f"{words} --out elsewhere")
    assert code == 0, said
    assert outputs["results"] != measured  # a job may use the action twice


def test_results_and_how_to_get_them_exclude_each_other(action, tables):
    code, _, _, said = action(baseline=tables[0], results=tables[1], run="--limit 8")
    assert code == 2
    assert said.startswith("::error::")
