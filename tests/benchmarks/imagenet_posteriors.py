"""What the store, the tally and the tables cost at ImageNet's size, by posteriors that no net has computed.

    python tests/benchmarks/imagenet_posteriors.py DIR [--counts 12500,25000,50000] [--parts 4]

DIR takes as many small JPEGs of a thousand classes, and a store of one block of synthetic posteriors for each 32 of
them and each part, which is removed when it is measured: 200 MB a part at 50,000. Rows are each part alone and all of
them together. Every count is measured in a process of its own: seconds, and those of the CPU.
"""

import argparse
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pandas as pd
from child_runs import NET
from fifty_thousand import entries, listed

from bench.engine.dry_run import plan
from bench.engine.evaluated import Evaluated
from bench.engine.fill import blocks_of
from bench.engine.job import Job, complete, job_of
from bench.engine.request import Evaluation
from bench.engine.workers import Shard
from bench.images.labels.imagenet_names import wnids
from bench.images.sources import DataSpec
from bench.inspect.__main__ import main as inspect
from bench.provenance import computing
from bench.requests import evaluation
from bench.run.__main__ import parser as run_options
from results.posteriors import Posteriors
from results.store import BLOCK, Block

SMALLEST = 48  # pixels: the net's side, and the first part's Q


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path, metavar="DIR")
    words.add_argument("--counts", default="12500,25000,50000")
    words.add_argument("--parts", type=int, default=4)
    options = words.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    columns = {}
    for count in map(int, options.counts.split(",")):
        with ProcessPoolExecutor(1, get_context("spawn")) as one:
            columns[f"{count} images"] = one.submit(measured, options.folder.absolute(), count, options.parts).result()
        print(pd.DataFrame(columns).to_markdown(), end="\n\n", flush=True)


def measured(folder: Path, count: int, parts: int) -> dict[str, str]:
    """Seconds by what is done, those of the CPU in brackets."""
    place, store = folder / f"images-{count}", folder / "store"
    if not place.exists():
        listed(place, entries(count))
    rmtree(store, ignore_errors=True)
    found: dict[str, str] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start, used = time.perf_counter(), time.process_time()
        with redirect_stdout(StringIO()):
            done = work()
        found[name] = f"{time.perf_counter() - start:.2f} ({time.process_time() - used:.2f})"
        return done

    request = request_of(folder, place, store, parts)
    with Shard.alone() as shard:
        job = timed("open, digests included", lambda: job_of(request, shard))
        timed("store written", lambda: write(job))
        timed("stored blocks looked for", lambda: complete(job, request, shard))
        evaluated = Evaluated(job)
        timed("counted", lambda: evaluated.tallies)
        timed("rows", lambda: evaluated.results)
        timed("tables written", lambda: evaluated.write(folder / "out"))
        found["memory MB"] = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f}"
        timed("dry run", lambda: plan(job.distinct_tasks, job.images))
        timed("a row inspected", lambda: inspect([str(folder / "out"), "--row", "1", "--mistakes", "0"]))
        timed("a row's posteriors saved", lambda: evaluated._saved(job.rows[0], folder / "out" / "posteriors"))
    rmtree(store)
    return found


def request_of(folder: Path, place: Path, store: Path, parts: int) -> Evaluation:
    (folder / "net.py").write_text(NET)
    (folder / "classes.txt").write_text("\n".join(wnids()))
    scales = [str(SMALLEST + part) for part in range(parts)]
    words = f"--model {folder}/net.py:Net --classes {folder}/classes.txt --side {SMALLEST} --S {SMALLEST}"
    words += f" --pixels torchvision --data list:{place}/list.txt --store {store}"
    words += f" --protocol {','.join(f'centre@{Q}' for Q in scales)},centre@{'/'.join(scales)}"
    options = run_options().parse_args(words.split())
    return evaluation(options, DataSpec(options.data))


def write(job: Job) -> None:
    """Every block of every part, through the store."""
    chance = np.random.default_rng(0).random((BLOCK, len(wnids())), dtype=np.float32)
    rows = chance / chance.sum(1, keepdims=True)
    for part, task in enumerate(job.distinct_tasks):
        for number, each in enumerate(blocks_of(job.images)):
            probs = np.roll(rows[: len(each)], 7 * number + part, 1)
            ids = np.array(job.images.ids[each.start : each.stop])
            posteriors = Posteriors(probs, job.images.labels[each.start : each.stop], ids)
            task.store.write(number, Block(posteriors, 1.0, "none", made=computing()))


if __name__ == "__main__":
    main()
