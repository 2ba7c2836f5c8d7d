"""Small real inputs for every test: a net of full depth and 1/32 width, and photographs' sizes in noise."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from devices import choose, chosen
from PIL import Image
from stand_in import POSSIBLE, standing_in
from tabulate import tabulate
from torchvision.transforms.v2.functional import pil_to_tensor

from bench.errors import UserError
from bench.gate.__main__ import main as compare
from bench.images.pixels import Pixels
from bench.nets.initial import randomise
from bench.nets.vgg import NAMES, VGG
from bench.nets.weights import Weights, save_weights
from protocols.scales import TrainingScale
from results.table import write

pytest_plugins = ("watched_browser",)  # a second conftest.py would hide this one from `from conftest import`
ROOT = Path(__file__).resolve().parent.parent
CLASSES = tuple(f"class {letter}" for letter in "abcdefg")
WIDTH = 1 / 32
MOST_PROCESSES, FEW_FILES = 8, 7
PIXELS = Pixels("BGR", 255, (104, 117, 123), (60, 61, 62))
Record = Callable[[str, str, int, str], None]
SIZES = [(320, 240), (240, 320), (256, 256), (500, 260), (320, 240)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--device",
        default="cpu",
        help="where nets compute: cpu, cuda, mps, xpu, or stand-in (stand_in.py)",
    )
    parser.addoption("--faults", metavar="FILE", help="try every case of tests/faults and write what was tried to FILE")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process per core, where there is more to do than a few files: each needs seconds to start."""
    paths = [Path(word) for word in config.args]
    files = sum(path.is_file() or len([*path.rglob("test_*.py")]) for path in paths)
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES) if files > FEW_FILES else 0


def pytest_configure(config: pytest.Config) -> None:
    """What `auto` is, here and in processes that tests start. The other cores have the other processes' tests to do."""
    name = config.getoption("--device")
    if name == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    elif name == "stand-in":
        on_device = ExitStack()
        config.add_cleanup(on_device.close)
        on_device.enter_context(standing_in())
        choose("cuda")
    else:
        try:
            choose(name)
        except UserError as error:
            raise pytest.UsageError(f"--device: {error}") from None
    if hasattr(config, "workerinput"):
        torch.set_num_threads(1)
        os.environ["OMP_NUM_THREADS"] = "1"


def make_weights(path: Path, model: str = "vgg16", seed: int = 0, classes: tuple[str, ...] = CLASSES) -> Path:
    """A random small net whose posteriors differ from image to image."""
    torch.manual_seed(seed)
    net = VGG(NAMES.get(model, model), len(classes), WIDTH)
    randomise(net)
    _sharpen(net.eval())
    weights = Weights(str(path), net.state_dict(), model, WIDTH, TrainingScale(256, 288), PIXELS, classes)
    save_weights(path, weights, {})
    return path


@torch.inference_mode()
def _sharpen(net: VGG) -> None:
    """Spread the scores: a random net's posteriors are nearly uniform, and nothing could be told from them."""
    images = torch.stack([pil_to_tensor(make_image((224, 224), seed)) for seed in range(1000, 1016)])
    scores = net(PIXELS.normalise(images))
    last = net.classifier[-1]
    last.weight /= scores.std(0).mean() / 2
    last.bias -= net(PIXELS.normalise(images)).mean(0)


def make_image(size: tuple[int, int], seed: int) -> Image.Image:
    """Smooth noise, different in every image."""
    coarse = np.random.RandomState(seed).randint(0, 256, (9, 9, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def device() -> torch.device:
    """Where nets compute, as `--device` says."""
    return chosen()


@pytest.fixture
def accelerator(device: torch.device) -> Iterator[torch.device]:
    """A device beside the CPU: that of `--device`, or a stand-in while the test runs."""
    if device.type != "cpu":
        yield device
        return
    if not POSSIBLE:
        pytest.skip("this torch has no tensors on devices that are not there; give --device cuda where there is one")
    with standing_in() as found:
        yield found


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_weights(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list file of 34 labelled images (two blocks) of five sizes."""
    folder = tmp_path_factory.mktemp("photographs")
    lines = []
    for k in range(34):
        make_image(SIZES[k % len(SIZES)], k).save(folder / f"{k:02d}.png", compress_level=1)
        lines.append(f"{k:02d}.png {k % len(CLASSES)}\n")
    (folder / "labels.txt").write_text("".join(lines))
    return folder / "labels.txt"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Training data: two classes that differ in brightness, six training and four validation images of each."""
    root = tmp_path_factory.mktemp("data")
    for split, count in (("train", 6), ("val", 4)):
        for label, name in enumerate(("dark", "light")):
            (root / split / name).mkdir(parents=True)
            for k in range(count):
                image = make_image((260, 240), 100 * label + k + len(split))
                image.point(lambda value, label=label: value // 2 + 127 * label).save(root / split / name / f"{k}.png")
    return f"folder:{root}"


def training_words(folder: str, out: Path, *more: str) -> list[str]:
    """A short training of a small net."""
    small = f"--model A --width 0.03125 --data {folder} --batch 4 --workers 0 --epochs 2 --threads 1 --out {out}"
    return [*small.split(), *more]


@pytest.fixture(scope="session")
def weights_of_A(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_weights(tmp_path_factory.mktemp("start") / "A.safetensors", "A")


def environment() -> dict[str, str]:
    """For a process of its own: this package, and as many threads as here."""
    return {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONPATH": str(ROOT)}


def torchrun(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in two workers."""
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", module]
    return subprocess.run(
        [*words, *arguments], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture
def clock(monkeypatch):
    """tqdm's clock, which only the test moves."""
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # its thread would look at the bars every ten seconds
    return now


@pytest.fixture
def gate(tmp_path, capsys):
    """Write two tables, compare them: exit code, standard output, standard error."""

    def gate(baseline, new, *more, kinds=("json", "json")):
        paths = []
        for name, rows, kind in zip(("baseline", "new"), (baseline, new), kinds, strict=True):
            if isinstance(rows, list):
                write(rows, tmp_path / name)
                rows = tmp_path / name / f"results.{kind}"
            paths.append(str(rows))
        code = compare([*paths, *more])
        return code, *capsys.readouterr()

    return gate


class Tried(NamedTuple):
    """A kind of fault, the fault, how often it was tried, and what the product did each time."""

    area: str
    fault: str
    times: int
    outcome: str


TRIED = pytest.StashKey[list[Tried]]()
PARTLY = pytest.StashKey[bool]()  # whether some tests of faults are not run
FAULTS = Path(__file__).resolve().parent / "faults"


@pytest.fixture(scope="session")
def every(request: pytest.FixtureRequest) -> bool:
    """Whether to try every case, not a sample."""
    return request.config.getoption("--faults") is not None


@pytest.fixture(scope="session")
def tried(request: pytest.FixtureRequest) -> Record:
    """`tried(area, fault, times, outcome)`, called when all assertions held: nothing was lost."""
    records = request.config.stash.setdefault(TRIED, [])
    return lambda *fields: records.append(Tried(*fields))


def pytest_deselected(items: list[pytest.Item]) -> None:
    items[0].config.stash[PARTLY] = True


def pytest_collection_finish(session: pytest.Session) -> None:
    left_out = {*FAULTS.glob("test_*.py")} - {item.path for item in session.items}
    if left_out or any("::" in word for word in session.config.args):
        session.config.stash[PARTLY] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several processes run the tests, what each of them knows goes to the one that writes the table."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["tried"] = [tuple(each) for each in config.stash.get(TRIED, [])]
        config.workeroutput["partly"] = PARTLY in config.stash


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    told = getattr(node, "workeroutput", {})  # one that was killed has said nothing
    node.config.stash.setdefault(TRIED, []).extend(Tried(*fields) for fields in told.get("tried", []))
    if told.get("partly"):
        node.config.stash[PARTLY] = True


def pytest_terminal_summary(
    terminalreporter: "pytest.TerminalReporter", exitstatus: int, config: pytest.Config
) -> None:
    """The table says what all of tests/faults tried; a part of them would say it too."""
    file = config.getoption("--faults")
    if file and exitstatus == 0 and PARTLY not in config.stash:
        Path(file).write_text(_table(config.stash.get(TRIED, []), file))
    elif file:
        terminalreporter.write_line(f"{file} is not written: all of tests/faults must run, and without a failure")


def _table(records: list[Tried], file: str) -> str:
    times: Counter[tuple[str, str, str]] = Counter()
    for each in records:  # a fault that several tests try is one line
        times[each.area, each.fault, each.outcome] += each.times
    rows = [(area, fault, count, outcome, "nothing") for (area, fault, outcome), count in sorted(times.items())]
    body = tabulate(rows, ("what", "fault", "times", "what happened, each time", "lost"), "github")
    cases = sum(each.times for each in records)
    return f"What `pytest tests/faults --faults {file}` tried, {cases} cases in all:\n\n{body}\n"
