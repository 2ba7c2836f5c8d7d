"""Ctrl-C at any moment: one line, exit code 130, and no process left."""

import random
import time
from functools import partial
from pathlib import Path

import pytest
from conftest import training_words
from mishaps import interrupt_after
from victims import start

pytest_plugins = ("victims",)


def is_stopped(command: str, words: list[str], folder: Path, times: int, seconds: float) -> None:
    """Press Ctrl-C at so many random moments of the command's work, which takes about so long."""
    chance, pressed = random.Random(command), 0
    for k in range(6 * times):
        out = folder / str(k)
        out.mkdir()
        longest = seconds / 2 ** (k // times)  # at last surely before the end
        fault = partial(interrupt_after, chance.uniform(0, longest), out)
        (victim,) = start([word.replace("OUT", f"{out}/out") for word in words], faults={0: fault}, command=command)
        ended = victim.end()
        if (out / "pressed").exists():
            pressed += 1
            assert ended.code == 130, ended.said
            assert ended.said.splitlines()[-1].startswith(f"{command}: stopped; "), ended.said
            assert "Traceback" not in ended.said
            if pressed == times:
                return
        else:
            assert ended.code == 0, ended.said
    pytest.fail("it was never at work")


def undisturbed(command: str, words: list[str], folder: Path) -> float:
    """Seconds that a command's work takes."""
    begin = time.monotonic()
    (victim,) = start([word.replace("OUT", f"{folder}/out") for word in words], command=command)
    ended = victim.end()
    assert ended.code == 0, ended.said
    return time.monotonic() - begin


def test_a_rendering_ends(tmp_path, every, tried):
    """Its processes get the same Ctrl-C, and leave it to the first."""
    out = ["--out", "OUT", "--store", "OUT-store"]
    words = ["--limit", "64", "--protocol", "centre", "--model", "A", "--dry-run", *out]
    times = 30 if every else 1
    is_stopped("bench.run", words, tmp_path, times, 1.5)
    tried("Ctrl-C", "a run that renders its images, at a random time", times, "one line, code 130")


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_training_ends(folder, tmp_path, every, tried, workers):
    words = [*training_words(folder, Path("OUT")), "--workers", str(workers)]
    seconds, times = undisturbed("bench.train", words, tmp_path), 30 if every else 1
    is_stopped("bench.train", words, tmp_path, times, seconds)
    tried("Ctrl-C", f"a training with {workers} threads that prepare, at a random time", times, "one line, code 130")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_evaluation_ends(small, tmp_path, every, tried, workers):
    words = [*small.words.split(), *f"--out OUT --store OUT-store --workers {workers}".split()]
    times = 30 if every else 1
    is_stopped("bench.run", words, tmp_path, times, small.seconds)
    tried("Ctrl-C", f"a run with {workers} threads that prepare, at a random time", times, "one line, code 130")


def test_predictions_end(small, tmp_path, every, tried):
    thirty = [str(path) for path in sorted(small.folder.glob("[0-2]?.png"))]
    words = [*thirty, *f"--model digitnet --weights {small.folder}/net.pth --out OUT.csv".split()]
    times = 30 if every else 1
    is_stopped("bench.predict", words, tmp_path, times, undisturbed("bench.predict", words, tmp_path))
    tried("Ctrl-C", "predictions, at a random time", times, "one line, code 130")
