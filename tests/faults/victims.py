"""Runs in processes of their own, forked from one that has torch loaded, so that they cost little and may die.

PYTEST_DONT_REWRITE: a plugin for its fixture, and imported for the rest.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["bench.engine.job", "torchvision.models", "matplotlib"])
LIMIT = 600  # seconds for a run on a busy machine
PARTS, BLOCKS = 3, 4  # of the small run
Fault = Callable[[], object]  # called in the process before its work begins
STORES: list[Any] = []  # as long as they are here the workers can find one another
NO_FAULTS: Mapping[int, Fault] = {}
NOTHING: Mapping[int, list[str]] = {}


class Ended(NamedTuple):
    """How a process ended and what it said."""

    code: int
    said: str

    @property
    def errors(self) -> list[str]:
        return [line for line in self.said.splitlines() if "error: " in line]


class Victim(NamedTuple):
    """A process at work and the file with what it says."""

    process: BaseProcess
    file: Path

    def end(self, limit: float = LIMIT) -> Ended:
        self.process.join(limit)
        code = self.process.exitcode
        self.process.kill()
        assert code is not None, f"still at work: {self.file.read_text()}"
        return Ended(code, self.file.read_text())


class Small(NamedTuple):
    """A net for digits and 100 small images, four blocks of three parts; what an undisturbed run finds."""

    words: str
    folder: Path
    found: dict[str, Any]
    seconds: float

    def arguments(self, out: Path, *more: str) -> list[str]:
        return [*f"{self.words} --out {out} --store {out.parent}/store".split(), *more]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("small")
    noise = np.random.RandomState(0).randint(0, 256, (100, 30, 34)).astype(np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    (folder / "labels.txt").write_text("".join(f"{number:02d}.png {number % 10}\n" for number in range(100)))
    make_digitnet(folder / "net.pth", 0)
    protocols = "--protocol centre@28,dense@28/32,centre@28+dense@28/32 --save-posteriors"
    words = f"--model digitnet --weights {folder}/net.pth --data list:{folder}/labels.txt {protocols} --workers 1"
    words += " --device cpu"  # on any other, what a kill leaves to be computed may round otherwise
    small = Small(words, folder, {}, 0)
    first = FORKS.Process(target=os.getpid)  # starts the one that all others are forked from
    first.start()
    first.join()
    start = time.monotonic()
    (ended,) = run(small.arguments(folder / "out", "--store", f"{folder}/fresh"))
    assert ended.code == 0, ended.said
    found = found_by(folder / "out")
    rows = np.frombuffer(found["centre@28"]["posteriors"], np.float32).reshape(100, 10)
    assert len(np.unique(rows, axis=0)) == 100
    return small._replace(found=found, seconds=time.monotonic() - start)


def make_digitnet(path: Path, seed: int) -> Path:
    import torch

    from bench.nets import zoo

    torch.manual_seed(seed)
    torch.save(zoo.construct("digitnet", 10).state_dict(), path)
    return path


def found_by(out: Path) -> dict[str, Any]:
    """By protocol what a run counted, and ids, labels and posteriors to the bit."""
    rows = json.loads((out / "results.json").read_text())
    counts = ("n", "wrong1", "wrong5", "skipped", "signature")
    return {row["protocol"]: {name: row[name] for name in counts} | _arrays(Path(row["posteriors"])) for row in rows}


def _arrays(path: Path) -> dict[str, bytes]:
    with np.load(path) as archive:
        return {name: archive[name].tobytes() for name in ("ids", "labels", "posteriors")}


def blocks_in(store: Path) -> dict[Path, int]:
    """The blocks of a store and when they were written."""
    return {path: path.stat().st_mtime_ns for path in store.glob("*/[0-9]*.npz")}


def start(
    words: Sequence[str],
    workers: int = 1,
    faults: Mapping[int, Fault] = NO_FAULTS,
    own: Mapping[int, list[str]] = NOTHING,
    command: str = "bench.run",
) -> list[Victim]:
    """A command in as many workers, some of them with a fault or with words of their own."""
    together = _meeting_place(workers) if workers > 1 else {}
    folder = Path(words[words.index("--out") + 1]).parent
    victims = []
    for rank in range(workers):
        place = together | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        file = folder / f"said-{time.monotonic_ns()}-{rank}.txt"
        file.touch()
        task = (command, [*words, *own.get(rank, [])], place, file, faults.get(rank))
        process = FORKS.Process(target=_work, args=task)
        process.start()
        victims.append(Victim(process, file))
    return victims


def run(
    words: Sequence[str],
    workers: int = 1,
    faults: Mapping[int, Fault] = NO_FAULTS,
    own: Mapping[int, list[str]] = NOTHING,
    command: str = "bench.run",
) -> list[Ended]:
    """Start the workers and wait; where one is killed the others are, as `torchrun` does it on one machine."""
    victims = start(words, workers, faults, own, command)
    limit = time.monotonic() + LIMIT
    try:
        while any(victim.process.is_alive() for victim in victims):
            assert time.monotonic() < limit, f"still at work: {[victim.file.read_text() for victim in victims]}"
            if any(victim.process.exitcode == -signal.SIGKILL for victim in victims):
                break
            time.sleep(0.01)
    finally:
        for victim in victims:
            victim.process.kill()
    return [victim.end() for victim in victims]


def wait_until(true: Callable[[], bool], limit: float = LIMIT) -> None:
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_in(states: str, process: int | None) -> bool:
    """Whether the system says one of these of a process: T is stopped, Z ended; one that is gone is X."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] in states
    except (FileNotFoundError, ProcessLookupError):
        return "X" in states


def _meeting_place(workers: int) -> dict[str, str]:
    """What torchrun does and says: it has the store by which workers find one another."""
    from torch.distributed import TCPStore

    STORES.append(TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False))
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(STORES[-1].port), "WORLD_SIZE": str(workers)}
    return address | {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}


def _work(command: str, words: list[str], place: dict[str, str], file: Path, fault: Fault | None) -> None:
    os.environ.update(place)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", 1, closefd=False)

    main = import_module(f"{command}.__main__").main
    if fault:
        fault()
    sys.exit(main(words))


def _choose(mishaps: str) -> Fault:
    """Of `0=wait_at_work,1=die_at_the_first_block+FILE` this worker's."""
    import mishaps as known

    name, *words = dict(each.split("=") for each in mishaps.split(","))[os.environ["RANK"]].split("+")
    return partial(getattr(known, name), *words)


if __name__ == "__main__":  # as torchrun starts it: mishaps, then the words for bench.run
    from bench.run.__main__ import main

    _choose(sys.argv.pop(1))()
    sys.exit(main(sys.argv[1:]))
