"""The script that measures a GPU, in miniature on a CPU: every step does what it says, and none ends the others."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.speed.__main__ import main as speed
from bench.train.__main__ import main as train
from bench.transfer.__main__ import main as transfer

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import gpu
import gpu_host
from gpu_results import HEADERS
from gpu_steps import SMOKE, Step

JUNIT = """<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2" time="3.2">
<testcase classname="a" name="b"><failure message="not equal"/></testcase></testsuite></testsuites>"""
MAINS: dict[str, Callable[[list[str]], int]] = {"bench.speed": speed, "bench.train": train, "bench.transfer": transfer}


def within(step: Step, folder: Path, limit: float) -> str:
    """A step in this process: its command's own function, but for the tests, whose report is written for them."""
    assert limit > 1
    _, first, *words = step.command(folder)
    if words[0] == "pytest":
        (folder / "junit.xml").write_text(JUNIT)
        return "with exit code 1"
    if first == "-m":
        return "well" if MAINS[words[0]](words[1:]) == 0 else "badly"
    gpu_host.main(words)
    return "well"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gpu")


@pytest.mark.parametrize("group", gpu.GROUPS)
def test_every_step_fills_a_row_of_its_table(group, out, monkeypatch):
    """One call a group, into one folder."""
    monkeypatch.setattr(gpu, "run", within)
    assert gpu.main(["--smoke", "--steps", group, "--out", str(out)]) == (group == "tests")
    told = json.loads((out / "results.json").read_text())["groups"][group]
    assert all(step["rows"] for step in told)
    written = (out / "results.md").read_text()
    for step in told:
        for row in step["rows"]:
            assert f"| {' | '.join(row.values())} |" in written
    if group == "tests":
        assert "| devices agree | 5 | 2 | 2 | 3 |" in written
        assert "- a::b: not equal" in written


def test_all_groups_have_their_rows_in_the_end(out):
    kinds = {
        step["kind"] for group in json.loads((out / "results.json").read_text())["groups"].values() for step in group
    }
    assert kinds == set(HEADERS)


@pytest.mark.parametrize(
    ("code", "limit", "ended"),
    [
        ("print('fine')", 60, "well"),
        ("raise SystemExit(3)", 60, "with exit code 3"),
        ("import time; time.sleep(60)", 0.5, "not within 0 s"),
        ("", 0, "left out, for want of time"),
    ],
)
def test_a_step_is_ended_and_what_became_of_it_is_said(tmp_path, code, limit, ended):
    assert gpu.run(Step("nets", "it", ("-c", code), 1), tmp_path, limit) == ended


def test_a_machine_without_a_gpu_gets_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(SystemExit, match="2"):
        gpu.main(["--out", str(tmp_path)])
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .endswith("error: device 'cuda': this machine has 0 CUDA devices, as torch sees them; give cpu or auto")
    )


def test_the_guides_tables_are_the_scripts():
    """What the script writes can be copied."""
    guide = (gpu.ROOT / "docs" / "speed.md").read_text()
    for title, names in HEADERS.values():
        assert f"### {title}\n| {' | '.join(names)} |\n" in guide


def test_what_takes_a_gpu_takes_half_an_hour_at_most():
    """The limits alone; a GPU needs less."""
    assert gpu.MINUTES * len(gpu.GROUPS) < 30
    assert SMOKE.device == "cpu"
