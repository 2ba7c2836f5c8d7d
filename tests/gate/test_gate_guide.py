"""docs/gate.md: what it shows is what comes out, and its workflows' commands work as they are pasted."""

import json
import os
import re
from dataclasses import replace

import pytest
import yaml
from conftest import ROOT
from gate_rows import DENSE, FIRST, LAST, ROWS
from test_docs import commands, run
from test_gate_chance import AFTER, BEFORE, measured

from bench.cache import cache_folder
from bench.gate.__main__ import main
from bench.images.sets.shapes import VERSION
from results.table import write

PAGE = (ROOT / "docs" / "gate.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
WORKFLOWS = [yaml.safe_load(text) for kind, text in BLOCKS if kind == "yaml"]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
WORSE = [FIRST, replace(DENSE, wrong1=54, doubts=("the labels may be of another order",)), LAST]


def steps():
    """Of all GitHub workflows of the page."""
    return [step for flow in WORKFLOWS for job in flow.get("jobs", {}).values() for step in job["steps"]]


def scripts(workflow):
    """The lines that a workflow runs in a shell."""
    if "jobs" in workflow:
        return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    return [line for job in workflow.values() for line in job["script"]]


@pytest.fixture
def example(tmp_path, monkeypatch):
    """A baseline and worse results in the paths that the page names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for name, rows in {"baseline": ROWS, "new": WORSE}.items():
        write(rows, tmp_path / "runs" / name)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/accuracy.json").write_bytes((tmp_path / "runs/baseline/results.json").read_bytes())
    return ["tests/accuracy.json", "runs/new/results.json"]


def test_shown_outputs_are_what_comes_out(example, tmp_path, monkeypatch, capsys):
    shown = [text for kind, text in BLOCKS if kind in ("text", "xml")]
    assert main([*example, "--junit", "gate.xml", "--summary", "page.md"]) == 1
    plain = capsys.readouterr().out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(example) == 1
    notes = capsys.readouterr().out.removeprefix(plain)
    came = [plain, (tmp_path / "gate.xml").read_text(), (tmp_path / "page.md").read_text(), notes]
    assert [text.strip() for text in came] == shown


def test_python_as_shown_finds_the_row_that_failed(example, capsys):
    (block,) = [text for kind, text in BLOCKS if kind == "python" and "compare_tables" in text]
    names = {}
    exec(block, names)
    (row,) = names["failed"]
    assert (row.verdict, row.new.signature, row.top1.images) == ("worse", DENSE.signature, 10)
    assert "1 worse; failed" in capsys.readouterr().out


def test_the_json_shown_is_what_comes_out(tmp_path, capsys):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    main([str(old), str(new), "--json"])
    (shown,) = [json.loads(text) for kind, text in BLOCKS if kind == "json"]
    assert json.loads(capsys.readouterr().out)["rows"][0]["top1"] == shown


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=["github", "action", "gitlab"])
def test_commands_of_workflows_work_as_pasted(workflow, tmp_path, monkeypatch):
    rendered = cache_folder() / f"shapes-v{VERSION}"
    rendered.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache/vgg-protocols").mkdir(parents=True)
    (tmp_path / "cache/vgg-protocols" / rendered.name).symlink_to(rendered)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    monkeypatch.chdir(tmp_path)
    lines = [words for script in scripts(workflow) for words in commands(script) if words[0] != "pip"]
    for words in lines:
        if "bench.gate" in words:
            begin = "python -m bench.gate --update tests/accuracy.json runs/new/results.json --why first"
            assert run(begin.split()) == 0
        assert run([os.path.expandvars(word) for word in words]) == 0
    assert (tmp_path / "runs/gate.xml").exists() == bool(lines)
    assert (tmp_path / "page.md").exists() == any("--summary" in words for words in lines)


def test_workflows_use_the_action_s_inputs_and_outputs():
    (ours,) = [step for step in steps() if step.get("uses", "").startswith("OWNER/")]
    given = set(ours["with"])
    assert given < set(ACTION["inputs"])
    assert {name for name, about in ACTION["inputs"].items() if about.get("required")} <= given
    used = re.findall(rf"steps\.{ours['id']}\.outputs\.(\w+)", PAGE)
    assert used
    assert set(used) <= set(ACTION["outputs"])
