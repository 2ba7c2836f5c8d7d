"""Workers started by torchrun: on one machine, and as on two machines that share a file system."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT, environment
from victims import LIMIT, found_by, run

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
    words = [sys.executable, "-m", "torch.distributed.run", *options.split(), *script]
    with (folder / "said.txt").open("w") as said:
        places = {"cwd": ROOT, "env": environment(), "stdout": said, "stderr": said}
        launched = [subprocess.Popen(words, **places) for _ in range(machines)]
        try:
            codes = [each.wait(LIMIT) for each in launched]
        finally:
            for each in launched:
                each.terminate()
    return codes, (folder / "said.txt").read_text()


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
