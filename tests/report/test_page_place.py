"""Where a page is written: never over what a run has written."""

from pathlib import Path

import pytest
from made_transfers import voc, written

from bench.report.__main__ import main as report
from bench.run.__main__ import main as evaluate


@pytest.fixture
def run(tmp_path: Path, weights: Path, photographs: Path) -> Path:
    """A run of two images with all that it can keep of them."""
    words = f"--weights {weights} --data list:{photographs} --limit 2 --protocol dense@224 --maps 1 --save-posteriors"
    assert evaluate([*words.split(), "--out", str(tmp_path / "run"), "--store", str(tmp_path / "store")]) == 0
    return tmp_path / "run"


@pytest.fixture
def transfer(tmp_path: Path) -> Path:
    return written(tmp_path / "transfer", [voc(["a", "b", "c"])])


def test_no_file_of_a_run_becomes_the_page(run, transfer, capsys):
    capsys.readouterr()
    for folder in (run, transfer):
        before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        assert len(before) > 3
        for file in before:
            for place in (folder, min(folder.glob("*.json"))):
                assert report([str(transfer), str(place), "--out", str(file)]) == 2
                said = f"--out '{file}': it belongs to what is read, and would be lost; give another --out"
                assert capsys.readouterr().err == f"bench.report: error: {said}\n"
        assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_page_is_written_anew(run):
    for _ in range(2):
        assert report([str(run), "--out", str(run / "page.json")]) == 0
