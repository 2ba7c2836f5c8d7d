"""The loops that people write today against this package, side by side: `python tests/benchmarks/peers.py --data SPEC`.

Same photographs, same weights, same number of threads, alternating runs; each peer in a process of its own, since what
speeds up ours or another must not be its too. The posteriors of each pair are compared in the same run. With `--out`,
rounds are added to those of earlier runs of the same commit, so that a comparison can be made in pieces. Needs
`pip install -e '.[peers]'`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import peer_loops
import torch
from peer_loops import LOOPS, PEERS, Ran
from safetensors.torch import save_file
from torchvision.transforms import functional as F

import bench
from bench.choices import ENGINES
from bench.images.dataset import Images
from bench.memory import keep_freed_memory
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.vgg import VGG
from bench.provenance import provenance
from protocols.protocol import Protocol, parse

AGREE = 1e-4  # the largest difference between two posteriors of one image and class
SLACK = 1.1  # times the CPU time that its threads can have used: the clocks are not read at the same moment
CLASSES = 1000
WARM = {"multicrop": "multicrop@256"}  # enough to warm up with; of the others every size has to be met
ROW = ["protocol", "loop", "by", "engine", "commit"]  # rounds of which are pooled

Record = dict[str, Any]  # a round of one peer, as JSON has it


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as commands do
    images = bench.open_images(options.data, limit=options.limit)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "vgg16.safetensors")
        save_file(random_state(images), weights)
        model = bench.load_model("vgg16", str(weights), pixels="torchvision", device="cpu", engine=options.engine)
        out = options.out or Path(folder, "rounds.jsonl")
        with out.open("a") as file:
            for method in options.protocols:
                peers = [peer for peer in PEERS[method] if peer in options.peers]
                for record in compare(method, peers, model, weights, images, options.rounds, options.threads):
                    print(json.dumps(record), file=file, flush=True)  # a run that is cut off keeps its rounds
        records = [json.loads(line) for line in out.read_text().splitlines()]
    print(pd.DataFrame(rows(records)).to_markdown(index=False, disable_numparse=True))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="photographs, as for bench.run")
    parser.add_argument("--limit", type=int, default=4, help="images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--protocols", nargs="+", choices=LOOPS, default=list(LOOPS), help="which to compare")
    names = PEERS["tencrop"]
    parser.add_argument("--peers", nargs="+", choices=names, default=names, help="with whom")
    parser.add_argument("--engine", choices=ENGINES, default="torch", help="what computes ours")
    parser.add_argument(
        "--out", type=Path, help="a file of JSON lines to which rounds are added; the table is of all in it"
    )
    return parser


def compare(
    method: str,
    peers: Sequence[str],
    model: Model,
    weights: Path,
    images: Images,
    rounds: int,
    threads: int,
) -> Iterator[Record]:
    """Run all peers and ours in turn, after each has warmed up."""
    protocol = parse(method)
    warm = parse(WARM.get(method, method))
    with ExitStack() as stack:
        processes = {}
        made = {}
        for peer in peers:
            start = time.perf_counter()
            arguments = weights, threads, method, peer
            process = ProcessPoolExecutor(1, get_context("spawn"), peer_loops.prepare, arguments)
            processes[peer] = stack.enter_context(process)
            process.submit(peer_loops.ran, images.sources, warm).result()
            made[peer] = time.perf_counter() - start
        our_run(model, warm, images)
        for _ in range(rounds):
            theirs = [
                process.submit(peer_loops.ran, images.sources, protocol).result() for process in processes.values()
            ]
            ours = our_run(model, protocol, images)
            for peer, run in zip(processes, theirs, strict=True):
                yield {
                    "protocol": str(protocol),
                    "loop": LOOPS[method],
                    "by": peer,
                    "images": len(images),
                    "made": made[peer],
                    "theirs": run.seconds,
                    "ours": ours.seconds,
                    "engine": model.engine.name,
                    "cores": used(run, threads),
                    "our_cores": used(ours, threads),
                    "difference": difference(run, ours),
                    **provenance(),
                }


def used(run: Ran, threads: int) -> float:
    """How many cores' time a run took, which is no more than that of its threads."""
    cores = run.cpu_seconds / run.seconds
    assert cores < SLACK * threads, f"{cores:.1f} cores were busy, with {threads} threads"
    return cores


def difference(theirs: Ran, ours: Ran) -> float:
    largest = float((theirs.posteriors - ours.posteriors).abs().max())
    assert largest < AGREE, f"posteriors differ by {largest}"
    return largest


def rows(records: Sequence[Record]) -> Iterator[dict[str, str]]:
    """A row for each peer: medians of all its rounds, by the image; ratios are taken round by round."""
    for (protocol, loop, by, engine, commit), some in pd.DataFrame(records).groupby(ROW, sort=False):
        ratios = some.theirs / some.ours
        yield {
            "protocol": protocol,
            "loop": loop,
            "by": by,
            "ours by": engine,
            "theirs, s": f"{(some.theirs / some.images).median():.2f}",
            "ours, s": f"{(some.ours / some.images).median():.2f}",
            "ratio [least, most]": f"{ratios.median():.2f} [{ratios.min():.2f}, {ratios.max():.2f}]",
            "rounds": str(len(some)),
            "cores busy": f"{some.cores.median():.2f}, {some.our_cores.median():.2f}",
            "made and warmed up, s": f"{some.made.median():.0f}",
            "largest difference": f"{some.difference.max():.1e}",
            "commit": commit,
        }


def our_run(model: Model, protocol: Protocol, images: Images) -> Ran:
    """As `bench.run` computes them, files and all, into a store of its own."""
    start, cpu_start = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as store:
        (row,) = bench.evaluate(model, images, protocol, store=store, progress=False)
        posteriors = torch.from_numpy(row.posteriors.probs)
    return Ran(posteriors, time.perf_counter() - start, time.process_time() - cpu_start)


@torch.no_grad()
def random_state(images: Images) -> dict[str, torch.Tensor]:
    """Random weights whose posteriors differ from class to class: a random net's are nearly uniform."""
    torch.manual_seed(0)
    net = VGG("D", CLASSES)
    randomise(net)
    crops = torch.stack([F.center_crop(peer_loops.opened(path, 256), peer_loops.SIDE) for path in images.sources[:4]])
    net.eval().classifier[-1].weight /= net(crops).std() / 2
    return net.state_dict()


if __name__ == "__main__":
    main()
