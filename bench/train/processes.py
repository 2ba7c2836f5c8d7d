"""Several trainings, each a `bench.train` of its own, begun once the one that it starts from is done."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

from bench.errors import UserError
from bench.progress import Meter, warn
from bench.quiet import quiet
from bench.train.training_request import TrainingRequest, command_line


class PlannedTraining(NamedTuple):
    """A training, its threads and folder aside, and the name of the one that it starts from."""

    request: TrainingRequest
    start: str | None = None


def train_nets(trainings: Mapping[str, PlannedTraining], folder: Path, jobs: int | None, threads: int | None) -> None:
    """Run trainings, `jobs` at a time, into one folder each by name; what is trained already is kept.

    One that fails is named, and all that do not start from it are run all the same; stopped or terminated, it ends
    those that run. Raises UserError at the end.
    """
    cores = os.cpu_count() or 1
    jobs = jobs or min(cores, 4)
    threads = threads or max(1, cores // jobs)
    waiting = TopologicalSorter({name: [each.start] if each.start else [] for name, each in trainings.items()})
    waiting.prepare()
    epochs = {name: sum(each.request.epochs) for name, each in trainings.items()}
    meter = Meter(sum(epochs.values()), "training", sum(epochs.values()), "epoch")
    running: dict[Future[str | None], str] = {}
    failed: list[str] = []
    children: list[subprocess.Popen[bytes]] = []
    pool = ThreadPoolExecutor(jobs)
    with closing(meter), _ended(pool, running, children):
        while True:
            for name in sorted(waiting.get_ready(), key=list(trainings).index):
                running[pool.submit(_train, trainings[name].request, threads, folder / name, children)] = name
            if not running:
                break
            for future in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
                name, error = running.pop(future), future.result()
                if error:
                    failed.append(name)
                    warn(f"{name}: {error}")
                else:
                    waiting.done(name)
            done = {name: _epochs_done(folder / name) for name in trainings}
            at_work = [name for future, name in running.items() if future.running()]
            meter.at(", ".join(f"{each} {min(done[each] + 1, epochs[each])}/{epochs[each]}" for each in at_work))
            meter.done(sum(done.values()))
    if failed:
        raise UserError(f"{', '.join(failed)} failed, see above; mend that and run again, what is trained is kept")


@contextmanager
def _ended(
    pool: ThreadPoolExecutor, running: Mapping[Future[str | None], str], children: list[subprocess.Popen[bytes]]
) -> Iterator[None]:
    """Leave no training behind, however the body ends, by SIGTERM too."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        for number in before:  # a second one must not stop this
            signal.signal(number, signal.SIG_IGN)
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in running):
            for child in children:
                child.terminate()
            time.sleep(0.1)
        for number, handler in before.items():
            signal.signal(number, handler)


def _train(request: TrainingRequest, threads: int, folder: Path, children: list[subprocess.Popen[bytes]]) -> str | None:
    """Run a training to its end, its messages into `messages.txt`; return what it says where it fails."""
    messages = folder / "messages.txt"
    words = command_line(replace(request, threads=threads, out=folder)) + ["--quiet"] * quiet()
    command = [sys.executable, "-m", "bench.train", *words]
    # torch's own setting comes too late for the libraries' threads, which would spin beside the other trainings
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with messages.open("w") as file:
            child = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
            children.append(child)
            code = child.wait()
        lines = messages.read_text(errors="replace").splitlines() or ["it ended without a word"]
    except OSError as error:
        return str(error)
    return f"{lines[-1]} (exit code {code}; {messages})" if code else None


def _epochs_done(folder: Path) -> int:
    log = folder / "log.csv"
    return max(0, len(log.read_text().splitlines()) - 1) if log.exists() else 0
