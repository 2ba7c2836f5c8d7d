"""Rows say what computed their blocks, whenever that was, and not what counts them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import __version__
from bench.engine import fill
from bench.gate.__main__ import main as gate
from bench.provenance import computing
from bench.run.__main__ import main
from results.written_tables import read_file

BASELINE = Path(__file__).parents[1] / "baselines" / "shapes.json"


@pytest.fixture
def measured(weights, photographs, tmp_path):
    """The one row of 34 images, in two blocks, from a store that lasts as long as the test."""

    def measured() -> dict:
        words = f"--weights {weights} --data list:{photographs} --protocol centre@224"
        assert main([*words.split(), "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]) == 0
        return json.loads((tmp_path / "out/results.json").read_text())[0]

    return measured


def blocks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npz"))


def test_a_row_names_versions_vector_units_and_this_package(measured):
    row = measured()
    assert row["vgg-protocols"] == __version__
    assert row["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert {name: row[name] for name in computing()} == computing()
    names, before = list(row), read_file(BASELINE).records[0]
    assert names[: len(before)] == list(before)  # new columns stand behind those that there were


def test_a_row_of_blocks_that_several_versions_computed_names_them_all(measured, tmp_path, monkeypatch):
    now = measured()
    blocks(tmp_path / "store")[1].unlink()
    monkeypatch.setattr(fill, "computing", lambda: {**computing(), "torch": "1.0.0", "machine": "another"})
    mixed = measured()
    assert mixed["torch"] == f"1.0.0; {now['torch']}"
    assert sorted(mixed["machine"].split("; ")) == sorted(["another", now["machine"]])
    assert (mixed["numpy"], mixed["signature"]) == (now["numpy"], now["signature"])


def test_blocks_that_do_not_say_it_are_counted_and_their_makers_unknown(measured, tmp_path, capsys):
    now = measured()
    (tmp_path / "out/results.json").rename(tmp_path / "now.json")
    for path in blocks(tmp_path / "store"):
        kept = dict(np.load(path))
        del kept["made"]
        np.savez(path, **kept)
    before = measured()
    assert {before[name] for name in computing()} == {"unknown"}
    assert (before["wrong1"], before["commit"]) == (now["wrong1"], now["commit"])
    capsys.readouterr()
    assert gate([str(tmp_path / "now.json"), str(tmp_path / "out/results.json"), "--throughput", "1e-9"]) == 0
    assert f"torch: {now['torch']} -> unknown" in capsys.readouterr().out
