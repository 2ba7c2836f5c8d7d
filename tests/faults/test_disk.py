"""A full, a read-only, a failing disk, and two runs on one store."""

from functools import partial
from pathlib import Path

import pytest
from mishaps import fill_disk, fill_output, forbid_writing
from victims import Ended, blocks_in, found_by, run, start

from results.store import reopen

pytest_plugins = ("victims",)
HINTS = ("give --store DIR", "give --out DIR")


def one_line(ended: Ended) -> str:
    """What a user is told: one line that says what to do."""
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    (line,) = ended.errors
    assert line == ended.said.splitlines()[-1]
    assert any(hint in line for hint in HINTS), line
    return line


def left_aside(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.is_file()]


def all_whole(store: Path) -> bool:
    return all(reopen(path.parent).read(int(path.stem)) for path in blocks_in(store))


@pytest.fixture(scope="session")
def size(small) -> int:
    """How many bytes a run writes."""
    written = [*(small.folder / "fresh").rglob("*.*"), *(small.folder / "out").rglob("*.*")]
    return sum(path.stat().st_size for path in written if path.is_file())


def test_a_full_disk_ends_with_one_line_and_keeps_what_is_finished(small, size, tmp_path, every, tried):
    times = 20 if every else 3
    for k in range(times):
        folder = tmp_path / str(k)
        folder.mkdir()
        words = small.arguments(folder / "out")
        (full,) = run(words, faults={0: partial(fill_disk, k * size // times)})
        assert "No space left on device" in one_line(full)
        assert not left_aside(folder)
        stored = blocks_in(folder / "store")
        assert all_whole(folder / "store")
        assert run(words)[0].code == 0
        assert found_by(folder / "out") == small.found
        assert stored.items() <= blocks_in(folder / "store").items()
    tried(
        "disk", "full (simulated), after so many bytes", times, "one line; finished blocks kept, the next run went on"
    )


def test_tables_of_an_earlier_run_outlast_a_full_disk(small, tmp_path, every, tried):
    words = small.arguments(tmp_path / "out")
    assert run(words)[0].code == 0
    tables = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    size, times = sum(map(len, tables.values())), 8 if every else 2
    for k in range(times):
        (full,) = run(words, faults={0: partial(fill_disk, (k + 1) * size // (times + 1))})
        assert "give --out DIR" in one_line(full)
        assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")} == tables
    tried(
        "disk",
        "full (simulated), while tables are written over earlier ones",
        times,
        "one line; the earlier tables are whole",
    )


def test_a_full_standard_output_ends_with_one_line(small, tmp_path, tried):
    (ended,) = run(small.arguments(tmp_path / "out"), faults={0: fill_output})
    assert ended.code == 2
    assert "cannot write to standard output: No space left on device" in ended.said.splitlines()[-1]
    assert "Traceback" not in ended.said
    assert found_by(tmp_path / "out") == small.found
    tried("disk", "full, where standard output goes", 1, "one line; tables written")


def test_a_read_only_store_serves_what_it_holds_and_says_so_where_that_is_not_all(small, tmp_path, tried):
    store, words = tmp_path / "store", small.arguments(tmp_path / "out")
    assert run(words)[0].code == 0
    forbidden = {0: partial(forbid_writing, store)}
    (ended,) = run(small.arguments(tmp_path / "again"), faults=forbidden)
    assert ended.code == 0, ended.said
    assert found_by(tmp_path / "again") == small.found
    lost = sorted(blocks_in(store))[0]
    lost.unlink()
    kept = blocks_in(store)
    assert "Read-only file system" in one_line(run(words, faults=forbidden)[0])
    assert blocks_in(store) == kept
    assert "Read-only file system" in one_line(run([*words, "--store", f"{store}/new"], faults=forbidden)[0])
    tried(
        "disk",
        "store read-only (simulated): all there, a block missing, no store yet",
        3,
        "right table; one line; one line",
    )


def test_a_read_only_place_for_tables_is_said_before_the_work(small, tmp_path, tried):
    out = tmp_path / "out"
    out.mkdir()
    for place in (out, out / "new"):
        words = small.arguments(tmp_path / "x", "--out", str(place))
        assert "give --out DIR" in one_line(run(words, faults={0: partial(forbid_writing, out)})[0])
        assert not blocks_in(tmp_path / "store")
    tried("disk", "place for tables read-only (simulated)", 2, "one line before the work")


def test_a_file_in_the_place_of_the_store_is_one_line(small, tmp_path, tried):
    (tmp_path / "store").write_text("a file")
    assert "File exists" in one_line(run(small.arguments(tmp_path / "out"))[0])
    tried("disk", "store is a file", 1, "one line")


def test_two_runs_at_once_on_one_store_both_end_with_the_right_table(small, tmp_path, every, tried):
    """Each writes what the other writes too; in the last rounds they write their tables into one folder."""
    times = 10 if every else 1
    for k in range(times):
        folder = tmp_path / str(k)
        folder.mkdir()
        outs = [folder / "one", folder / ("two" if k < 8 else "one")]
        runs = [start(small.arguments(out)) for out in outs]
        for (victim,), out in zip(runs, outs, strict=True):
            ended = victim.end()
            assert ended.code == 0, ended.said
            assert "damaged" not in ended.said
            assert found_by(out) == small.found
        assert all_whole(folder / "store")
        assert not left_aside(folder)
    tried("disk", "two runs started at once on one store", times, "both right, the store whole")
