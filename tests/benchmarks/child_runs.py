"""Commands run as children: how long until something shows, the CPU's time, and the memory."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

NET = """
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1000))
        values = (7919 * torch.arange(4000) % 2003 / 1000 - 1).reshape(1000, 4)
        self[2].load_state_dict({"weight": values[:, :3].clone(), "bias": values[:, 3].clone()})
"""  # of a thousand classes, and so narrow that it costs nothing


class Ran(NamedTuple):
    """Seconds to the line that says what was found, to the first block and to the end; the CPU's seconds, of all
    processes; and the most bytes that one of them had."""

    found: float | None
    block: float | None
    total: float
    cpu: float
    memory: int


def run(
    command: Sequence[str],
    tree: Path,
    cache: Path,
    blocks_in: Path | None = None,
    over: Callable[[int], bool] = lambda _: False,
    fails: bool = False,
    cores: Collection[int] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Ran:
    """Run a command of the checkout `tree` on some of the cores; its lines are in `cache`.txt.

    `blocks_in` is the store in which the first block is waited for. The command and its children are killed as soon as
    `over`, which is asked again and again and given the command's process, says so. Raises SystemExit, with its lines,
    where it fails by itself, unless it is to fail.
    """
    log = cache.with_suffix(".txt")
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "OMP_NUM_THREADS": "1", **(settings or {})}
    before, begin = _used(), time.perf_counter()
    with log.open("w") as file:
        child = subprocess.Popen(command, cwd=tree, stdout=file, stderr=file, env=environment, start_new_session=True)
    if cores:
        os.sched_setaffinity(child.pid, cores)
    found = block = None
    largest = 0
    while child.poll() is None:
        time.sleep(0.02)
        now = time.perf_counter() - begin
        if found is None and "Found " in log.read_text():
            found = now
        if blocks_in and block is None and next(blocks_in.glob("*/*.npz"), None):
            block = now
        largest = max(largest, memory(child.pid))
        if over(child.pid):
            fails = True
            kill(child.pid)
    if child.returncode and not fails:
        raise SystemExit(log.read_text())
    return Ran(found, block, time.perf_counter() - begin, _used() - before, largest)


def kill(process: int) -> None:
    """A process and its children, at once."""
    for each in [process, *children(process)]:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def memory(process: int) -> int:
    """Bytes that the largest of a process and its children has."""
    pages = resource.getpagesize()
    sizes = []
    for each in [process, *children(process)]:
        with suppress(OSError, IndexError):
            sizes.append(int(Path(f"/proc/{each}/statm").read_text().split()[1]) * pages)
    return max(sizes, default=0)


def children(process: int) -> Iterator[int]:
    """A process's, and theirs."""
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for each in map(int, found):
        yield each
        yield from children(each)


def _used() -> float:
    """The CPU's seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
