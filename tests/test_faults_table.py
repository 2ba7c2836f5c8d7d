"""The table of faults is written by a run of all their tests, and by no other."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import (
    FAULTS,
    TRIED,
    Tried,
    pytest_collection_finish,
    pytest_deselected,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

ALL = sorted(FAULTS.glob("test_*.py"))


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("files", "words", "deselected", "failed", "written"),
    [
        (ALL, ["tests/faults"], False, 0, True),
        ([*ALL, Path(__file__)], ["tests"], False, 0, True),
        (ALL[1:], ["tests/faults"], False, 0, False),
        (ALL, ["tests/faults"], True, 0, False),
        (ALL, [f"tests/faults/{path.name}::test_one" for path in ALL], False, 0, False),
        (ALL, ["tests/faults"], False, 1, False),
    ],
)
def test_only_all_tests_of_faults_write_the_table(tmp_path, files, words, deselected, failed, written, processes):
    file, said = tmp_path / "faults.md", []
    config = SimpleNamespace(args=words, stash=pytest.Stash(), getoption=lambda _: str(file))
    runs_tests = config if processes == 1 else SimpleNamespace(args=words, stash=pytest.Stash(), workeroutput={})
    runs_tests.stash[TRIED] = [Tried("disk", "full", 2, "one line"), Tried("disk", "full", 3, "one line")]
    items = [SimpleNamespace(path=path, config=runs_tests) for path in files]
    session = SimpleNamespace(items=items, config=runs_tests)
    if deselected:
        pytest_deselected(items[:1])
    pytest_collection_finish(session)
    pytest_sessionfinish(session)
    if processes == 2:
        pytest_testnodedown(SimpleNamespace(config=config, workeroutput=runs_tests.workeroutput))
    pytest_terminal_summary(SimpleNamespace(write_line=said.append), failed, config)
    assert file.exists() == written
    if written:
        assert "5 cases in all" in file.read_text()
        assert not said
    else:
        assert said == [f"{file} is not written: all of tests/faults must run, and without a failure"]
