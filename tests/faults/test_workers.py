"""Many workers: the same tables, every image counted once, and an end within a minute when one of them dies."""

import random
import signal
import time
from functools import partial

import pytest
from mishaps import (
    die,
    die_at_the_first_block,
    die_in_writing,
    do_nothing,
    fill_disk,
    join_at_once,
    look_often,
    see_late,
    stop_at_the_first_block,
    wait_at_work,
    wait_shortly,
)
from victims import STORES, Ended, blocks_in, found_by, is_in, make_digitnet, run, start, wait_until

pytest_plugins = ("victims",)
MINUTE = 60.0


def test_any_number_of_workers_gives_the_same_table(small, tmp_path, every, tried):
    numbers = (1, 2, 3, 5) if every else (5,)
    for workers in numbers:
        folder = tmp_path / str(workers)
        folder.mkdir()
        ended = run(small.arguments(folder / "out"), workers)
        assert [each.code for each in ended] == [0] * workers, ended
        assert found_by(folder / "out") == small.found
        assert sum("| model " in each.said for each in ended) == 1
    tried("workers", f"{', '.join(map(str, numbers))} workers", len(numbers), "the same tables, to the bit")


def test_what_some_workers_began_any_other_number_finishes(small, tmp_path, every, tried):
    chance = random.Random(0)
    orders = [(3, 2, 5, 1), (5, 1), (2, 3), (1, 5)] if every else [(3, 2)]
    for k, order in enumerate(orders):
        folder = tmp_path / str(k)
        folder.mkdir()
        words, stored = small.arguments(folder / "out"), {}
        for workers in order[:-1]:
            fault = partial(die_in_writing, chance.randint(1, 3), "half written", seed=k)
            assert -signal.SIGKILL in {each.code for each in run(words, workers, {0: fault})}
            assert stored.items() <= blocks_in(folder / "store").items()
            stored = blocks_in(folder / "store")
        assert [each.code for each in run(words, order[-1])] == [0] * order[-1]
        assert found_by(folder / "out") == small.found
        assert stored.items() <= blocks_in(folder / "store").items()
    tried("workers", "killed, and finished by another number of workers", len(orders), "finished, nothing twice")


def ends_within_a_minute(words: list[str], workers: int, faults: dict, dying: int | None = None) -> list[Ended]:
    """All workers end by themselves, though nobody ends them, as on several machines."""
    victims = start(words, workers, faults)
    if dying is not None:
        assert victims[dying].end().code == -signal.SIGKILL
    wait_until(lambda: any(victim.process.exitcode is not None for victim in victims))
    begin = time.monotonic()
    ended = [victim.end(MINUTE) for victim in victims]
    assert time.monotonic() - begin < MINUTE
    return ended


@pytest.mark.parametrize("dying", [0, 1])
@pytest.mark.parametrize("others", ["at work", "waiting"])
def test_workers_of_other_machines_end_when_one_dies(small, tmp_path, every, tried, dying, others):
    """The survivors are busy, or done and waiting for the dead one."""
    faults = {dying: die_at_the_first_block, 1 - dying: wait_at_work if others == "at work" else do_nothing}
    faults = faults if every else {rank: partial(look_often, fault) for rank, fault in faults.items()}
    ended = ends_within_a_minute(small.arguments(tmp_path / "out"), 2, faults, dying)
    survivor = ended[1 - dying]
    assert survivor.code == 2
    (line,) = survivor.errors
    assert "what is finished is kept" in line
    assert "Traceback" not in survivor.said
    tried("workers", f"worker {dying} of 2 killed, the other one {others}", 1, "the other one ended within a minute")


def test_a_worker_that_never_comes_is_not_waited_for_in_vain(small, tmp_path, tried):
    ended = ends_within_a_minute(small.arguments(tmp_path / "out"), 2, {0: join_at_once, 1: die})
    assert ended[0].code == 2
    (line,) = ended[0].errors
    assert "worker 0 of 2 did not meet the others" in line
    assert "Traceback" not in ended[0].said
    tried("workers", "worker 1 of 2 dies before it joins", 1, "one line, once the wait (set to 2 s) is over")


def test_workers_end_when_the_machine_of_the_first_is_gone(small, tmp_path, every, tried):
    """With it the place is gone where workers leave signs of life."""
    faults = {0: wait_at_work, 1: wait_at_work}
    faults = faults if every else {rank: partial(look_often, fault) for rank, fault in faults.items()}
    victims = start(small.arguments(tmp_path / "out"), 2, faults)
    wait_until(lambda: "evaluating" in victims[0].file.read_text())
    victims[0].process.kill()
    STORES.clear()
    other = victims[1].end(MINUTE)
    assert other.code == 2
    (line,) = other.errors
    assert "the first worker's machine does not answer" in line
    tried("workers", "machine of the first worker lost", 1, "the other one ended within a minute")


@pytest.mark.parametrize("silent", [0, 1])
def test_a_worker_that_falls_silent_is_not_waited_for(small, tmp_path, every, tried, silent):
    faults = {silent: stop_at_the_first_block, 1 - silent: do_nothing}
    faults = faults if every else {rank: partial(look_often, fault) for rank, fault in faults.items()}
    victims = start(small.arguments(tmp_path / "out"), 2, faults)
    try:
        wait_until(lambda: is_in("T", victims[silent].process.pid))
        other = victims[1 - silent].end(MINUTE)
    finally:
        victims[silent].process.kill()
    assert other.code == 2
    (line,) = other.errors
    assert f"worker {silent} gives no sign of life" in line
    tried("workers", f"worker {silent} of 2 falls silent", 1, "the other one ended within a minute")


@pytest.mark.parametrize("unlucky", [0, 1])
def test_an_error_of_one_worker_is_said_once_and_ends_all(small, tmp_path, tried, unlucky):
    """A full disk of one machine; the others wait for it, or are at work."""
    for k, other in enumerate((do_nothing, wait_at_work)):
        words = small.arguments(tmp_path / str(k) / "out")
        (tmp_path / str(k)).mkdir()
        ended = ends_within_a_minute(words, 2, {unlucky: partial(fill_disk, 3000), 1 - unlucky: other})
        assert [each.code for each in ended] == [2, 2]
        (line,) = [line for each in ended for line in each.errors]
        assert "No space left on device" in line
        assert not any("Traceback" in each.said for each in ended)
    tried("workers", f"disk of worker {unlucky} of 2 full (simulated)", 2, "one line, once; all ended")


def test_an_error_while_tables_are_written_ends_all(small, tmp_path, tried):
    words = small.arguments(tmp_path / "out")
    assert run(words)[0].code == 0
    ended = ends_within_a_minute(words, 2, {0: partial(fill_disk, 10)})
    assert [each.code for each in ended] == [2, 2]
    assert len([line for each in ended for line in each.errors]) == 1
    tried("workers", "disk of 2 workers full (simulated) while tables are written", 1, "one line, once; all ended")


def test_workers_with_other_weights_images_or_options_are_refused(small, tmp_path, tried):
    other = make_digitnet(tmp_path / "other.pth", 1)
    fewer = tmp_path / "labels.txt"
    lines = (small.folder / "labels.txt").read_text().splitlines()
    fewer.write_text("".join(f"{small.folder}/{line}\n" for line in lines[::-1]))
    for own in (["--weights", str(other)], ["--data", f"list:{fewer}"], ["--map", "posteriors"]):
        ended = run(small.arguments(tmp_path / "out"), 2, own={1: own})
        assert [each.code for each in ended] == [2, 2]
        (line,) = [line for each in ended for line in each.errors]
        assert "worker 1 has other weights, images or options than the first; give all machines the same files" in line
        assert not blocks_in(tmp_path / "store")
    tried("workers", "other weights, images or options on one machine", 3, "one line before the work")


def test_a_store_that_workers_do_not_share_is_refused(small, tmp_path, tried):
    ended = run(
        small.arguments(tmp_path / "out"),
        2,
        faults=dict.fromkeys((0, 1), wait_shortly),
        own={1: ["--store", f"{tmp_path}/elsewhere"]},
    )
    assert [each.code for each in ended] == [2, 2]
    (line,) = [line for each in ended for line in each.errors]
    assert "worker 1 does not see what the first one writes into the store" in line
    assert "give --store DIR on a file system that all machines share" in line
    assert not blocks_in(tmp_path)
    assert not list((tmp_path / "store").iterdir())
    tried("workers", "a store that is not shared", 1, "one line before the work")


def test_blocks_that_are_seen_late_are_waited_for(small, tmp_path, tried):
    ended = run(small.arguments(tmp_path / "out"), 2, {0: partial(see_late, 0.5)})
    assert [each.code for each in ended] == [0, 0], ended
    assert found_by(tmp_path / "out") == small.found
    tried("workers", "a file system that shows new files late (simulated)", 1, "the same table")
