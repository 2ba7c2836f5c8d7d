"""Killed at any moment: the next run goes on, and nothing that was finished is lost or counted wrongly."""

import random
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mishaps import MOMENTS, die_after, die_in_writing, take_threads
from victims import BLOCKS, PARTS, Small, blocks_in, found_by, run

pytest_plugins = ("victims",)
NAMES = {1: "1 worker", 2: "one of 2 workers"}
FILES = 22  # of a run: a key for each of three parts, twelve blocks, posteriors of three rows, four tables


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("[a-z0-9]*.*")}


def survives(small: Small, folder: Path, workers: int, faults: dict, later: int) -> bool:
    """Kill a run and run again; whether it was killed before its end."""
    folder.mkdir()
    words = small.arguments(folder / "out")
    killed = run(words, workers, faults)
    if all(each.code == 0 for each in killed):
        assert found_by(folder / "out") == small.found
        return False
    assert {each.code for each in killed} <= {-signal.SIGKILL, 0, 2}, killed  # 2: it noticed that the other died
    assert not any("Traceback" in each.said for each in killed)
    stored, tables = blocks_in(folder / "store"), files_in(folder / "out")
    ended = run(words, later)
    assert [each.code for each in ended] == [0] * later, ended
    assert found_by(folder / "out") == small.found  # to the bit
    assert stored.items() <= blocks_in(folder / "store").items()  # what was finished was not computed again
    assert "damaged" not in ended[0].said  # a block is there whole or not at all
    assert tables.items() <= files_in(folder / "out").items()  # so is a table
    return True


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_while_a_file_is_written(small, tmp_path, every, tried, workers):
    """Of one worker's files any, a table too; of one of two workers' its blocks."""
    chance = random.Random(workers)
    files = FILES if workers == 1 else PARTS * BLOCKS // workers
    times = 10 if every else 1
    for moment in MOMENTS if every else MOMENTS[:1]:
        for k in range(times):
            victim, number = chance.randrange(workers), chance.randint(1, files)
            fault = partial(die_in_writing, number, moment, seed=k)
            folder = tmp_path / f"{moment} {k}".replace(" ", "-")
            assert survives(small, folder, workers, {victim: fault}, later=1 + k % workers), (k, number)
        tried("killed", f"{NAMES[workers]}, a file {moment}", times, "went on, posteriors equal to the bit")


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_time(small, tmp_path, every, tried, workers):
    chance = random.Random(workers)
    wanted, killed = 30 if every else 1, 0
    for k in range(6 * wanted):
        longest = small.seconds / 2 ** (k // wanted)  # at last surely before the end
        fault = {chance.randrange(workers): partial(die_after, chance.uniform(0, longest))}
        killed += survives(small, tmp_path / str(k), workers, fault, later=1 + k % workers)
        if killed == wanted:
            break
    assert killed == wanted
    tried("killed", f"{NAMES[workers]}, at a random time", killed, "went on, posteriors equal to the bit")


def test_killed_again_and_again(small, tmp_path, every, tried):
    """What is kept adds up: a run that is killed at every second block comes to its end all the same."""
    words = small.arguments(tmp_path / "out")
    kills, stored = 0, {}
    while len(stored) < (PARTS * BLOCKS if every else 3):
        assert run(words, 1, {0: partial(die_in_writing, 2, "half written", seed=kills)})[0].code
        kills += 1
        before, stored = stored, blocks_in(tmp_path / "store")
        assert before.items() <= stored.items()
        assert kills <= PARTS * (BLOCKS + 1)  # a part's first file is its key
    assert run(words)[0].code == 0
    assert found_by(tmp_path / "out") == small.found
    tried("killed", "1 worker, at every second block, again and again", kills, "came to its end")


def test_a_run_that_goes_on_with_other_threads_gives_the_same_table(small, tmp_path, tried):
    """As on another machine; sums in another order may differ in the last digits."""
    words = small.arguments(tmp_path / "out")
    (killed,) = run(words, 1, {0: partial(die_in_writing, PARTS * BLOCKS // 2, "half written", seed=0)})
    assert killed.code == -signal.SIGKILL
    threads = partial(take_threads, torch.get_num_threads() + 1)
    (ended,) = run([*words, "--workers", "3"], 1, {0: threads})
    assert ended.code == 0, ended.said
    found = found_by(tmp_path / "out")
    assert found.keys() == small.found.keys()
    for protocol, row in small.found.items():
        one, other = (np.frombuffer(each.pop("posteriors"), np.float32) for each in (dict(row), found[protocol]))
        assert np.abs(one - other).max() < 1e-5
        assert found[protocol].items() <= row.items()  # counts, ids, labels
    tried("killed", "1 worker, gone on with other threads", 1, "equal counts, posteriors within 1e-5")
