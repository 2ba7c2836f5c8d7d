"""What a page about 50,000 images of a thousand classes costs: its size, the seconds to make it and to open it.

    python tests/benchmarks/report_of_fifty_thousand.py DIR [--count 50000] [--rows 2]

DIR takes pictures and a run with synthetic posteriors, made once. `opened` is from the start of the navigation to the
end of the load event, behind which every script has run, in headless Chromium.
"""

import argparse
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from bench.images.labels.imagenet_names import nouns, wnids
from bench.report.__main__ import main as report
from results.metrics import standings
from results.origin import Origin
from results.posteriors import Posteriors
from results.result import Result, signature_id
from results.table import write

CLASSES = len(wnids())
PICTURES = 100  # distinct ones, linked under all names
CHUNK = 5000  # images
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
SAY = f"document.body.textContent = `loaded after ${{{LOADED}}} ms`"
TIMED = f"<script>addEventListener('load', () => setTimeout(() => {{ {SAY} }}))</script>"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path, metavar="DIR")
    words.add_argument("--count", type=int, default=50_000)
    words.add_argument("--rows", type=int, default=2)
    options = words.parse_args()
    folder = options.folder.absolute() / f"{options.count}x{options.rows}"
    if not (folder / "run/results.json").exists():
        make_run(folder, options.count, options.rows)
    page = folder / "report.html"
    start = time.perf_counter()
    assert report([str(folder / "run"), "--out", str(page)]) == 0
    made = time.perf_counter() - start
    print("| rows | images | MB | made s | opened s |\n| --- | --- | --- | --- | --- |")
    size = page.stat().st_size / 1e6
    print(f"| {options.rows} | {options.count} | {size:.1f} | {made:.1f} | {opened(page):.2f} |")


def opened(page: Path) -> float:
    """Seconds, the median of five times. Not under a debugger, such as drivers of browsers are: it makes Chromium read
    the plotting library anew for every error that that catches.
    """
    program = next(filter(None, map(shutil.which, ("google-chrome", "chromium", "chromium-browser"))))
    timed = page.with_name("timed.html")
    timed.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{TIMED}</body>"), encoding="utf-8")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", timed.as_uri()]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(5)]
    return median(float(re.findall(r"loaded after ([\d.]+) ms", text)[0]) / 1000 for text in said)


def make_run(folder: Path, count: int, rows: int) -> None:
    """A folder as bench.run writes it, and images for it."""
    labels = np.sort(np.arange(count) % CLASSES)
    ids = [f"{wnids()[label]}/ILSVRC2012_val_{k:08d}.JPEG" for k, label in enumerate(labels)]
    make_images(folder / "images", ids, labels)
    results = []
    for number in range(rows):
        signature = f"model=net{number} data={count}"
        found = posteriors(number, ids, labels)
        path = folder / "run/posteriors" / f"{signature_id(signature)}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, ids=found.ids, labels=found.labels, posteriors=found.probs)
        ranks = standings(found)
        said = (f"net{number}", "-", "none", "256", "256", "centre@256", "synthetic", count, 0)
        results.append(Result(*said, ranks.wrong(1), ranks.wrong(5), 1, 1.0, (), signature))
    data = f"list:{folder}/images/labels.txt"
    origin = Origin(data, None, 0, count, folder, tuple(nouns()), None, {each.signature: [] for each in results})
    origin.write(folder / "run")
    write(results, folder / "run")


def make_images(folder: Path, ids: list[str], labels: np.ndarray) -> None:
    """Pictures of photographs' size with as much detail in small, and the list that names them."""
    (folder / "distinct").mkdir(parents=True, exist_ok=True)
    for k in range(PICTURES):
        noise = np.random.default_rng(k).integers(0, 256, (48, 64, 3), np.uint8)
        picture = Image.fromarray(noise).resize((500, 375), Image.Resampling.BICUBIC)
        picture.save(folder / f"distinct/{k}.jpg", quality=90)
    for k, name in enumerate(ids):
        (folder / name).parent.mkdir(exist_ok=True)
        if not (folder / name).exists():
            os.link(folder / f"distinct/{k % PICTURES}.jpg", folder / name)
    lines = (f"{name} {label}\n" for name, label in zip(ids, labels, strict=True))
    (folder / "labels.txt").write_text("".join(lines))


def posteriors(number: int, ids: list[str], labels: np.ndarray) -> Posteriors:
    """Of a net that is wrong on about a third; images are hard for all nets alike."""
    hard, own = np.random.default_rng(0), np.random.default_rng(number + 1)
    chunks = []
    for start in range(0, len(labels), CHUNK):
        these = labels[start : start + CHUNK]
        shape = (len(these), CLASSES)
        scores = 2.5 * hard.standard_normal(shape, np.float32) + 0.8 * own.standard_normal(shape, np.float32)
        scores[np.arange(len(these)), these] += 9.5
        powers = np.exp(scores - scores.max(1, keepdims=True))
        chunks.append(powers / powers.sum(1, keepdims=True))
    return Posteriors(np.concatenate(chunks), labels.astype(np.int64), np.array(ids))


if __name__ == "__main__":
    main()
