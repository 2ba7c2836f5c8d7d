"""The loops that people write today against this package, side by side: `python tests/benchmarks/peers.py --data SPEC`.

Same photographs, same weights, same number of threads, alternating runs; theirs in a process of its own, since what
speeds up ours must not be theirs too. The posteriors of each pair are compared in the same run. Needs
`pip install -e '.[peers]'`.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import peer_loops
import torch
from safetensors.torch import save_file
from torchvision.transforms import functional as F

from bench.engine.fill import fill
from bench.engine.keys import tasks_of
from bench.engine.rows import Row
from bench.engine.workers import Shard
from bench.images.dataset import Images
from bench.images.pixels import NAMED
from bench.images.sources import DataSpec, open_data
from bench.nets.device import Precision
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.vgg import VGG
from bench.nets.weights import Weights
from protocols.protocol import Protocol, parse
from results.posteriors import average, join

AGREE = 1e-4  # the largest difference between two posteriors of one image and class


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    images = open_data(DataSpec(options.data)).limit(options.limit)
    state = random_state(images)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "vgg16.safetensors")
        save_file(state, weights)
        with ProcessPoolExecutor(1, get_context("spawn"), peer_loops.prepare, (weights, options.threads)) as process:
            rows = [
                compare(loop, process, make_ours(state), parse(name), images, options.rounds)
                for name in options.protocols
                for loop in peer_loops.LOOPS[name]
            ]
    print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="photographs, as for bench.run")
    parser.add_argument("--limit", type=int, default=4, help="images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    names = list(peer_loops.LOOPS)
    parser.add_argument("--protocols", nargs="+", choices=names, default=names, help="which to compare")
    return parser


def compare(
    loop: str, process: ProcessPoolExecutor, model: Model, protocol: Protocol, images: Images, rounds: int
) -> dict[str, str]:
    """Run both in turn, after one run each to warm up; ratios are taken round by round."""
    theirs, ours = [], []
    difference = 0.0
    for _ in range(rounds + 1):
        start = time.perf_counter()
        expected = process.submit(partial(peer_loops.posteriors, loop, images.sources)).result()
        between = time.perf_counter()
        found = our_posteriors(model, protocol, images)
        stop = time.perf_counter()
        theirs.append(between - start)
        ours.append(stop - between)
        difference = max(difference, float(np.abs(found - expected.numpy()).max()))
    assert difference < AGREE, f"{protocol}: posteriors differ by {difference}"
    ratios = [a / b for a, b in zip(theirs[1:], ours[1:], strict=True)]
    return {
        "protocol": str(protocol),
        "peer": loop,
        "peer, images/s": f"{len(images) / median(theirs[1:]):.3g}",
        "ours, images/s": f"{len(images) / median(ours[1:]):.3g}",
        "ratio [least, most]": f"{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]",
        "largest difference": f"{difference:.1e}",
    }


def make_ours(state: dict[str, torch.Tensor]) -> Model:
    device, precision = torch.device("cpu"), Precision("fp32")
    return make_model(
        "vgg16", Weights("random", state, "vgg16"), NAMED["torchvision"], None, device, precision, "scores"
    )


def our_posteriors(model: Model, protocol: Protocol, images: Images) -> np.ndarray:
    """As `bench.run` computes them, files and all, into a store of its own."""
    with tempfile.TemporaryDirectory() as folder, Shard() as shard:
        tasks = tasks_of([Row(((model, protocol),))], images, Path(folder))
        fill(list(tasks.values()), images, shard, None, torch.get_num_threads(), fresh=True, skip=False)
        blocks = range(-(-len(images) // 32))
        parts = [join([task.store.read(k).posteriors for k in blocks]) for task in tasks.values()]
    return average(parts, protocol.weights.values()).probs


@torch.no_grad()
def random_state(images: Images) -> dict[str, torch.Tensor]:
    """Random weights whose posteriors differ from class to class: a random net's are nearly uniform."""
    torch.manual_seed(0)
    net = VGG("D", peer_loops.CLASSES)
    randomise(net)
    crops = torch.stack([F.center_crop(peer_loops.opened(path, 256), 224) for path in images.sources[:4]])
    net.eval().classifier[-1].weight /= net(crops).std() / 2
    return net.state_dict()


if __name__ == "__main__":
    main()
