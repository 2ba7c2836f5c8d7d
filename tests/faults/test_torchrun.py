"""Workers started by torchrun: on one machine, and as on two machines that share a file system."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT, environment
from victims import LIMIT, found_by, is_in, run, wait_until

pytest_plugins = ("victims",)
ALONE = "--standalone --nproc-per-node {}"
MINUTE = 60.0


def of_two_machines() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"--nnodes 2 --nproc-per-node 1 --rdzv-id 1 --rdzv-backend c10d --rdzv-endpoint 127.0.0.1:{port}"


def launch(options: str, script: list[str], folder: Path, machines: int = 1) -> tuple[list[int], str]:
    """torchrun on each machine: exit codes and what was said."""
    launched = [begin(options, script, folder) for _ in range(machines)]
    try:
        codes = [each.wait(LIMIT) for each in launched]
    finally:
        for each in launched:
            each.terminate()
    return codes, (folder / "said.txt").read_text()


def begin(options: str, script: list[str], folder: Path) -> subprocess.Popen:
    words = [sys.executable, "-m", "torch.distributed.run", *options.split(), *script]
    with (folder / "said.txt").open("a") as said:
        return subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=said, stderr=said)


def test_any_number_of_workers_gives_the_same_table(small, tmp_path, every, tried):
    numbers = (1, 2, 3, 5) if every else (2,)
    for workers in numbers:
        folder = tmp_path / str(workers)
        folder.mkdir()
        codes, said = launch(ALONE.format(workers), ["-m", "bench.run", *small.arguments(folder / "out")], folder)
        assert codes == [0], said
        assert said.count("| model ") == 1
        assert found_by(folder / "out") == small.found
    tried("workers", f"{', '.join(map(str, numbers))} workers of torchrun", len(numbers), "the same tables, to the bit")


def test_a_worker_that_dies_ends_the_run_within_a_minute(small, tmp_path, every, tried):
    """The other one is at work for ten minutes; no torchrun sees the workers of two machines."""
    for machines in (1, 2) if every else (1,):
        folder = tmp_path / str(machines)
        folder.mkdir()
        options, words = ALONE.format(2) if machines == 1 else of_two_machines(), small.arguments(folder / "out")
        script = ["tests/faults/victims.py", f"0=wait_at_work,1=die_at_the_first_block+{folder}/died", *words]
        codes, said = launch(options, script, folder, machines)
        assert 0 not in codes, said
        assert time.time() - (folder / "died").stat().st_mtime < MINUTE
        assert run(words)[0].code == 0
        assert found_by(folder / "out") == small.found
        tried("workers", f"one of 2 workers killed, {machines} torchrun", 1, "an error within a minute; then finished")


def test_workers_end_when_torchrun_itself_is_killed(small, tmp_path, tried):
    """Nobody ends them then, and with torchrun the place is gone where they leave signs of life."""
    words = small.arguments(tmp_path / "out")
    files = [tmp_path / "0", tmp_path / "1"]
    mishaps = ",".join(f"{file.name}=wait_at_work+{file}" for file in files)
    agent = begin(ALONE.format(2), ["tests/faults/victims.py", mishaps, *words], tmp_path)
    try:
        wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    finally:
        agent.kill()
    assert agent.wait() == -signal.SIGKILL
    workers = [int(file.read_text()) for file in files]
    wait_until(lambda: all(is_in("ZX", worker) for worker in workers), MINUTE)
    assert (tmp_path / "said.txt").read_text().count("error: the first worker's machine does not answer") == 2
    assert run(words)[0].code == 0
    assert found_by(tmp_path / "out") == small.found
    tried("workers", "torchrun itself killed", 1, "its 2 workers ended within a minute; then finished")
