"""ImageNet's size, rehearsed: what images of its sizes cost where the net costs nothing, in tables in Markdown.

    python tests/benchmarks/imagenet_size.py DIR --photographs FOLDER [--counts 5000,10000] [--cores 1,2]

DIR takes the images (`imagenet_images.py`), a cache and stores. The net is an average and a linear layer, so that what
is left is reading, decoding, three rescalings, three cuts of 224 pixels, and three blocks written: `ms` and `CPU ms`
are of an image more, the difference between two counts by that of the images, and hold no start. Beside it the same
steps by themselves. Then a run of two workers of which one is killed, its resumption, the same table again, and
`--dry-run` without a cache and with one.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from shutil import rmtree

import numpy as np
import pandas as pd
from child_runs import NET, Ran, children, kill, run
from imagenet_images import listed, make, path

from bench.images.decoding import encoded, read
from bench.images.labels.imagenet_names import wnids
from bench.images.pixels import decode, tensor_of
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from bench.images.survey import survey
from results.store import BLOCK

SCALES = (256, 384, 512)
TREE = Path(__file__).parents[2]
STEPS = 200  # images whose steps are timed one by one


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path, metavar="DIR")
    words.add_argument("--photographs", type=Path, required=True, metavar="FOLDER")
    words.add_argument("--counts", default="5000,10000")
    words.add_argument("--cores", default="1,2")
    words.add_argument("--what", default="rates,steps,ends,plans")
    options = words.parse_args()
    folder, counts = options.folder.absolute(), sorted(map(int, options.counts.split(",")))
    make(folder / "images", options.photographs, counts[-1])
    (folder / "net.py").write_text(NET)
    (folder / "classes.txt").write_text("\n".join(wnids()))
    tables = {
        "rates": lambda: rates(folder, counts, [int(each) for each in options.cores.split(",")]),
        "steps": lambda: steps(folder),
        "ends": lambda: ends(folder, counts[0]),
        "plans": lambda: plans(folder, counts),
    }
    for name in options.what.split(","):
        print(pd.DataFrame(tables[name]()).to_markdown(index=False, floatfmt=".2f"), end="\n\n", flush=True)


def rates(folder: Path, counts: Sequence[int], cores: Sequence[int]) -> list[dict[str, object]]:
    """Runs from nothing: no digests, no blocks."""
    rows, store = [], folder / "store"
    for some in cores:
        ran = {}
        for count in counts:
            forget(folder)
            words = command(folder, count, store)
            ran[count] = run(words, TREE, folder / "cache", blocks_in=store, cores=range(some))
        for fewer, more in pairwise(counts):
            a, b, images = ran[fewer], ran[more], more - fewer
            rows.append(
                {
                    "cores": some,
                    "images": f"{fewer} to {more}",
                    "images/s": images / (b.total - a.total),
                    "ms": 1000 * (b.total - a.total) / images,
                    "CPU ms": 1000 * (b.cpu - a.cpu) / images,
                    "first block s": f"{a.block:.1f}, {b.block:.1f}",
                    "all s": f"{a.total:.1f}, {b.total:.1f}",
                    "memory MB": f"{a.memory / 1e6:.0f}, {b.memory / 1e6:.0f}",
                }
            )
    return rows


def steps(folder: Path) -> list[dict[str, object]]:
    """Each step by itself, one after the other in one thread."""
    files = [path(folder / "images", number) for number in range(STEPS)]
    pictures = [read(file) for file in files[:50]]
    whole = [tensor_of(picture) for picture in pictures]

    def rescaled(Q: int) -> Callable[[], object]:
        return lambda: [rescale(each, Scaling(Q)) for each in whole]

    timed: dict[str, tuple[int, Callable[[], object]]] = {
        "read its bytes": (STEPS, lambda: [encoded(file).read() for file in files]),
        "digest, from its bytes on": (STEPS, lambda: survey(files, False, anew=True)),
        "decode, to a tensor": (STEPS, lambda: [decode(file) for file in files]),
        "of that, PIL's image to a tensor": (len(whole), lambda: [tensor_of(each) for each in pictures]),
        **{f"rescale to {Q}": (len(whole), rescaled(Q)) for Q in SCALES},
    }
    return [{"step": name, "CPU ms an image": 1000 * seconds(work) / count} for name, (count, work) in timed.items()]


def ends(folder: Path, count: int) -> list[dict[str, object]]:
    """Two workers of which one is killed halfway, the same command again, the table again, and all in one go."""
    forget(folder)
    store, aside = folder / "store", folder / "aside"
    workers = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    halfway = -(-count // BLOCK) * len(SCALES) // 2

    def kill_one(process: int) -> bool:
        """Leaves the rest to those who watch it."""
        if len(blocks(store)) >= halfway and len(alive := list(children(process))) > 1:
            kill(alive[-1])
        return False

    killed = run(command(folder, count, store, workers), TREE, folder / "cache", over=kill_one, fails=True)
    left = len(blocks(store))
    resumed = run(command(folder, count, store, workers), TREE, folder / "cache")
    again = run(command(folder, count, store), TREE, folder / "cache")
    page = run([*command(folder, count, store), "--html"], TREE, folder / "cache")
    straight = run(command(folder, count, aside), TREE, folder / "cache")
    same = blocks(store) == blocks(aside) and all(equal(store / each, aside / each) for each in blocks(store))
    rows = {
        f"one of two workers killed, {left} of {len(blocks(store))} blocks there": killed,
        "the same command again": resumed,
        "the table again, one worker": again,
        "the table again, with a page": page,
        f"one worker in one go; {'the same blocks to the bit' if same else 'OTHER BLOCKS'}": straight,
    }
    return [ran_row(name, ran) for name, ran in rows.items()]


def plans(folder: Path, counts: Sequence[int]) -> list[dict[str, object]]:
    """`--dry-run` without a cache, and with one."""
    rows = []
    for count in counts:
        forget(folder)
        for name in ("nothing", "digests and sizes"):
            ran = run([*command(folder, count, folder / "store"), "--dry-run"], TREE, folder / "cache")
            rows.append(ran_row(f"--dry-run of {count}, {name} in the cache", ran))
    return rows


def ran_row(name: str, ran: Ran) -> dict[str, object]:
    return {"run": name, "s": ran.total, "CPU s": ran.cpu, "memory MB": round(ran.memory / 1e6)}


def command(folder: Path, count: int, store: Path, start: Sequence[str] = ()) -> list[str]:
    words = f"-m bench.run --model {folder}/net.py:Net --classes {folder}/classes.txt --S 256 --pixels torchvision"
    words += f" --protocol {','.join(f'centre@{Q}' for Q in SCALES)} --data list:{listed(folder / 'images', count)}"
    return [sys.executable, *start, *words.split(), "--store", str(store), "--out", str(folder / "out")]


def forget(folder: Path) -> None:
    """Digests, sizes and blocks."""
    for each in ("cache", "store", "aside"):
        rmtree(folder / each, ignore_errors=True)


def blocks(store: Path) -> list[str]:
    return sorted(str(file.relative_to(store)) for file in store.glob("*/*.npz"))


def equal(one: Path, other: Path) -> bool:
    """Whether two blocks hold the same ids, labels and posteriors."""
    with np.load(one) as a, np.load(other) as b:
        return all(np.array_equal(a[name], b[name]) for name in ("ids", "labels", "probs"))


def seconds(work: Callable[[], object]) -> float:
    """Of the CPU, the least of three."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


if __name__ == "__main__":
    main()
