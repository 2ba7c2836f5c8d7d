"""Images a second that a host decodes and rescales to the paper's three scales, by threads.

python tests/benchmarks/gpu_host.py DATA --out FILE [--most 400]
"""

import argparse
import json
import time
from pathlib import Path

import torch

from bench.cores import cores
from bench.images.dataset import Images
from bench.images.loader import Loader
from bench.images.scaling import Scaling
from bench.images.sources import DataSpec, open_data
from results.store import BLOCK

SCALES = tuple(Scaling(Q) for Q in (256, 384, 512))


def main(arguments: list[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("data")
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--most", type=int, default=400)
    options = words.parse_args(arguments)
    images = open_data(DataSpec(options.data)).limit(options.most)
    torch.set_num_threads(1)
    rate(images.limit(BLOCK), 1)  # the first use of a library is none of theirs
    counts = [2**k for k in range(cores().bit_length())]
    options.out.write_text(json.dumps([{"threads": n, "images_per_second": rate(images, n)} for n in counts]))


def rate(images: Images, threads: int) -> float:
    """As an evaluation has them prepared, block by block."""
    loader = Loader(images, threads)
    start = time.perf_counter()
    for _ in loader.blocks([(range(k, min(k + BLOCK, len(images))), SCALES) for k in range(0, len(images), BLOCK)]):
        pass
    seconds = time.perf_counter() - start
    loader.close()
    return len(images) / seconds


if __name__ == "__main__":
    main()
