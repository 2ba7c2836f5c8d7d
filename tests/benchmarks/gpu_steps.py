"""What is measured on a GPU: commands, each of which ends by itself or is ended."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

Kind = Literal["tests", "nets", "protocols", "training", "descriptors", "host"]
ROOT = Path(__file__).parents[2]
CROPS, DENSE = "multicrop@256/384/512", "dense@256/384/512"
GOALS = {CROPS: 170, DENSE: 560}  # images/s on one H100 in bf16
# Images that take some ten seconds on an H100, by protocol and format
IMAGES = {
    (CROPS, "bf16"): 1500,
    (CROPS, "tf32"): 700,
    (CROPS, "fp32"): 120,
    (DENSE, "bf16"): 3000,
    (DENSE, "tf32"): 2000,
    (DENSE, "fp32"): 400,
}
DESCRIBED = {"bf16": 600, "tf32": 300, "fp32": 100}  # training images, at all of VOC_SCALES, that take as long
VOC_SCALES = "256/384/512/640/768"
ROOMS = (
    *("engine", "nets", "speed", "api", "run", "predict", "train", "images", "compare", "tables", "systems"),
    *("linear", "transfer"),
)


@dataclass(frozen=True)
class Size:
    """How much is measured: on a GPU in earnest, or anywhere as a trial of the script alone.

    `made` images, of which `most` are evaluated; nets from a batch of 1 to `largest`, compiled ones at `alone`, for
    `seconds` each; `learning` images at once in training; `built_in` options of descriptors of the built-in set.
    """

    device: str
    width: float = 1.0
    dtypes: tuple[str, ...] = ("fp32", "tf32", "bf16")
    modes: tuple[str, ...] = ("eager", "compiled")
    largest: int = 512
    alone: int = 256
    seconds: float = 0.5
    made: int = 3000
    most: int = 3000
    batches: tuple[str, ...] = ("64", "1024")
    workers: tuple[str, ...] = ("4", "8")
    learning: int = 128
    built_in: str = "--limit 200"
    agreement: str = "tests/engine/test_devices_agree.py"
    tests: tuple[str, ...] = tuple(f"tests/{room}" for room in ROOMS)


DEVICES = "tests/nets/test_device.py"
FEW = "--limit 24 --Q 224"
SMOKE = Size("cpu", 1 / 32, ("fp32",), ("eager",), 2, 2, 0.01, 16, 2, ("4",), ("1",), 4, FEW, DEVICES, (DEVICES,))


@dataclass(frozen=True)
class Inputs:
    """Images as --data takes them; those to train on, and how many; weights of VGG-16."""

    data: str
    training: str
    learnt: int
    weights: Path


@dataclass(frozen=True)
class Step:
    """A command that writes into a folder; `limit` in seconds; `said` stands in its rows of the table."""

    kind: Kind
    name: str
    words: tuple[str, ...]
    limit: float
    said: Mapping[str, str] = field(default_factory=dict)

    def command(self, out: Path) -> list[str]:
        return [sys.executable, *(word.replace("OUT", str(out)) for word in self.words)]


def tests(size: Size) -> Iterator[Step]:
    """First whether a GPU gives what a CPU gives, then all rooms where something is computed."""
    for name, paths, limit in (("devices agree", (size.agreement,), 150), ("all that compute", size.tests, 400)):
        words = f"-m pytest --device {size.device} --junitxml OUT/junit.xml {' '.join(paths)}"
        yield Step("tests", name, tuple(words.split()), limit, {"tests": name})


def speed(size: Size, inputs: Inputs) -> Iterator[Step]:
    """A net alone in every format, layout and mode; training; descriptors; what the host can decode."""
    yield Step("host", "host", ("tests/benchmarks/gpu_host.py", inputs.data, "--out", "OUT/host.json"), 60)
    for mode in size.modes:
        smallest, largest = (1, size.largest) if mode == "eager" else (size.alone, size.alone)
        for dtype in size.dtypes:
            words = f"-m bench.speed --model vgg16 --width {size.width} --device {size.device} --dtypes {dtype}"
            words += f" --modes {mode} --smallest {smallest} --largest {largest} --seconds {size.seconds} --out OUT"
            yield Step("nets", f"{mode} {dtype}", tuple(words.split()), 100)
    for dtype in size.dtypes:
        words = f"-m bench.train --model D --width {size.width} --data {inputs.training} --epochs 2 --out OUT"
        words += f" --batch {size.learning} --workers 16 --device {size.device} --dtype {dtype}"
        said = {"dtype": dtype, "images": str(inputs.learnt)}
        yield Step("training", f"training {dtype}", tuple(words.split()), 90, said)
    yield from descriptors(size, inputs)


def descriptors(size: Size, inputs: Inputs) -> Iterator[Step]:
    """What classifiers learn of the built-in set in full precision; photographs at the paper's Q for VOC in each."""
    given = ["--weights", str(inputs.weights), "--data", inputs.training, "--Q", VOC_SCALES]
    works = [("built-in set", "fp32", ["--data", "shapes", *size.built_in.split()])]
    works += [
        ("photographs", dtype, [*given, "--limit", str(min(DESCRIBED[dtype], size.most))]) for dtype in size.dtypes
    ]
    for name, dtype, own in works:
        words = ["-m", "bench.transfer", "--model", "vgg16", *own, "--dtype", dtype, "--device", size.device]
        said = {"images": name, "dtype": dtype}
        yield Step("descriptors", f"{name} {dtype}", (*words, "--store", "OUT/store", "--out", "OUT"), 90, said)


def protocols(size: Size, inputs: Inputs) -> Iterator[Step]:
    """150 crops and dense at three Q, end to end; then in the lowest format what else may be chosen."""
    for protocol, dtype in product((CROPS, DENSE), reversed(size.dtypes)):
        yield _protocol(size, inputs, protocol, dtype)
    lowest = size.dtypes[-1]
    for protocol in (CROPS, DENSE):
        if "compiled" in size.modes:
            yield _protocol(size, inputs, protocol, lowest, compile="on")
        for batch in size.batches:
            yield _protocol(size, inputs, protocol, lowest, batch_size=batch)
        for workers in size.workers:
            yield _protocol(size, inputs, protocol, lowest, workers=workers)
    for dtype in size.dtypes:
        yield _protocol(size, inputs, CROPS, dtype, sharing="on")


def _protocol(size: Size, inputs: Inputs, protocol: str, dtype: str, **chosen: str) -> Step:
    count = min(IMAGES[protocol, dtype], size.most)
    said = {"protocol": protocol, "dtype": dtype, "sharing": "off", "compile": "off", "batch_size": "auto"}
    said |= {"workers": "auto", **chosen}
    words = ["-m", "bench.speed", "--model", "vgg16", "--weights", str(inputs.weights), "--data", inputs.data]
    words += ["--limit", str(count), "--protocol", protocol, "--dtypes", dtype, "--device", size.device]
    words += ["--sharing", said["sharing"], "--compile", said["compile"], "--out", "OUT"]
    for option in ("batch-size", "workers"):
        value = said[option.replace("-", "_")]
        words += [f"--{option}", value] if value != "auto" else []
    name = " ".join([protocol, dtype, *(f"{key} {value}" for key, value in chosen.items())])
    return Step("protocols", name, tuple(words), 120, said)
