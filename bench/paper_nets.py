"""The twelve nets of Table 3, each trained by a `bench.train` of its own once the net that it starts from is there."""

import os
import subprocess
import sys
from argparse import Namespace
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from bench.errors import UserError
from bench.progress import Meter, warn
from bench.sources import open_data
from bench.train import RATE, WIDTH, parser


@dataclass(frozen=True)
class PaperNet:
    """One of the twelve: its configuration, S, the net that it starts from, and its share of the initial rate."""

    configuration: str
    S: str
    start: str | None = None
    share: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.configuration}-{self.S}"


DEEP = ("C", "D", "E")  # the configurations that the paper trains at three S
# Section 3.1: deeper nets start from A, S=384 from S=256 at a tenth of the rate, the jittered from S=384.
NETS = (
    PaperNet("A", "256"),
    PaperNet("A-LRN", "256"),
    *(PaperNet(each, "256", start="A-256") for each in ("E", "D", "C", "B")),
    *(PaperNet(each, "384", start=f"{each}-256", share=0.1) for each in reversed(DEEP)),
    *(PaperNet(each, "256-512", start=f"{each}-384") for each in reversed(DEEP)),
)
# What one `bench.train` is told that all of them are told.
SHARED = ("data", "epochs", "patience", "batch", "dropout", "seed", "device")
TAKEN = {*SHARED, "width", "rate", "paper", "jobs", "threads", "workers", "half", "out"}  # of all options


def train_all(options: Namespace) -> int:
    """Train the twelve nets, several at once, into one folder each; what is there already is kept. Raises UserError.

    A net that fails is named, and all that do not start from it are trained all the same.
    """
    _refuse_others(options)
    out = options.out or Path("runs/paper")
    cores = os.cpu_count() or 1
    jobs = options.jobs or min(cores, 4)
    threads = options.threads or max(1, cores // jobs)
    by_name = {net.name: net for net in NETS}
    waiting = TopologicalSorter({net.name: [net.start] if net.start else [] for net in NETS})
    waiting.prepare()
    meter = Meter(sum(options.epochs) * len(NETS), "training")
    running: dict[Future[str | None], str] = {}
    failed: list[str] = []
    open_data(
        options.data, "train", options.split, options.seed
    )  # rendered once, not by every training that finds it missing
    pool = ThreadPoolExecutor(jobs)
    try:
        while True:
            for name in sorted(waiting.get_ready(), key=list(by_name).index):
                running[pool.submit(_train, command(by_name[name], options, out, threads), out / name)] = name
            if not running:
                break
            for future in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
                name, error = running.pop(future), future.result()
                if error:
                    failed.append(name)
                    warn(f"{name}: {error}")
                else:
                    waiting.done(name)
            meter.done(sum(_epochs_done(out / name) for name in by_name))
    finally:
        pool.shutdown(cancel_futures=True)
        meter.close()
    if failed:
        raise UserError(f"{', '.join(failed)} failed, see above; mend that and run again, what is trained is kept")
    print(f"the twelve nets are in {out}/*/weights.safetensors", file=sys.stderr)
    return 0


def command(net: PaperNet, options: Namespace, out: Path, threads: int) -> list[str]:
    """The command that trains one net."""
    rate, width = options.rate or RATE["sgd"], options.width or WIDTH
    words = ["--model", net.configuration, "--S", net.S, "--rate", f"{rate * net.share:g}", "--half"]
    words += ["--width", str(width)]
    if net.start:
        words += ["--init", str(out / net.start / "weights.safetensors")]
    for name in SHARED:
        value = getattr(options, name)
        words += [f"--{name}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    if options.split:
        words += ["--split", str(options.split)]
    words += ["--threads", str(threads), "--workers", str(options.workers), "--out", str(out / net.name)]
    return [sys.executable, "-m", "bench.train", *words]


def _refuse_others(options: Namespace) -> None:
    """Raise UserError for what the paper's recipe says itself."""
    usual = vars(parser().parse_args([]))
    for name, value in vars(options).items():
        if name not in TAKEN and value != usual[name]:
            raise UserError(f"--paper: the twelve nets have the paper's own --{name.replace('_', '-')}; leave it out")


def _train(words: list[str], folder: Path) -> str | None:
    """Run a training to its end, its messages into `messages.txt`; return what it says where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    messages = folder / "messages.txt"
    with messages.open("w") as file:
        # torch's own setting comes too late for the libraries' threads, which would spin beside the other trainings
        environment = os.environ | {"OMP_NUM_THREADS": words[words.index("--threads") + 1]}
        code = subprocess.run(words, stdout=file, stderr=file, env=environment, check=False).returncode
    lines = messages.read_text().splitlines() or ["it ended without a word"]
    return f"{lines[-1]} (exit code {code}; {messages})" if code else None


def _epochs_done(folder: Path) -> int:
    log = folder / "log.csv"
    return max(0, len(log.read_text().splitlines()) - 1) if log.exists() else 0
