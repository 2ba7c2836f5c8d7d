"""What 50,000 images cost besides the net, in each layout: a table in Markdown.

    python tests/benchmarks/fifty_thousand.py DIR [--layouts folder,tar] [--workers 1,4] [--count 50000] [--tree DIR]

DIR takes the images in every layout (small JPEGs, made once), and a store. The net has a thousand classes and costs
nothing, so that what is left is listing, digests, blocks and tables. `first block` is without a cache, `known` with
digests in it; `again` is when all of three parts is stored. `--tree` measures another checkout of this project.
"""

import argparse
import io
import json
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from child_runs import NET, run
from PIL import Image

from bench.images.labels.imagenet_names import wnids

PARTS = "centre@48,centre@56,centre@64"
SHARDS = 50
Entry = tuple[str, int, bytes]  # an image's name, label and file


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path, metavar="DIR")
    words.add_argument("--layouts", default=",".join(LAYOUTS))
    words.add_argument("--workers", default="1,4")
    words.add_argument("--count", type=int, default=50_000)
    words.add_argument("--tree", type=Path, default=Path(__file__).parents[2])
    options = words.parse_args()
    options.folder = options.folder.absolute()
    (options.folder / "net.py").parent.mkdir(parents=True, exist_ok=True)
    (options.folder / "net.py").write_text(NET)
    print("| layout | workers | found s | first block s | known s | again s | memory MB | dry run, again, s |")
    print("| --- " * 8 + "|", flush=True)
    for layout in options.layouts.split(","):
        place = options.folder / layout
        if not place.exists():
            LAYOUTS[layout](place, entries(options.count))
        for workers in map(int, options.workers.split(",")):
            print(
                f"| `{layout}` | {workers} | {' | '.join(measured(options.folder, layout, workers, options.tree))} |",
                flush=True,
            )


def measured(place: Path, layout: str, workers: int, tree: Path) -> list[str]:
    """A cell a column."""
    cache = place / "cache"
    rmtree(cache, ignore_errors=True)
    sources = {"folder": "folder:{}", "flat": "imagenet:{}", "list": "list:{}/list.txt", "tar": "tar:{}/all.tar"}
    sources |= {"shards": f"tar:{{}}/{{{{00..{SHARDS - 1:02d}}}}}.tar", "parquet": "parquet:{}"}
    (place / "classes.txt").write_text("\n".join(wnids()))
    words = (
        f"-m bench.run --model {place}/net.py:Net --classes {place}/classes.txt --side 48 --S 48 --pixels torchvision"
    )
    words += f" --protocol {PARTS} --out {place}/out --workers 2 --data {sources[layout].format(place / layout)}"
    several = f"-m torch.distributed.run --standalone --nproc-per-node {workers} " if workers > 1 else ""
    command = [sys.executable, *f"{several}{words}".split(), "--store"]
    first, known = (first_block(command, cache, tree, place / "aside") for _ in range(2))
    complete = [*command, str(place / "store")]
    run(complete, tree, cache)
    again = run(complete, tree, cache)
    plans = [run([*complete, "--dry-run"], tree, cache).total for _ in range(2)]
    texts = [f"{each:.1f}" if each is not None else "–" for each in (*first, known[1], again.total)]
    return [*texts, f"{again.memory / 1e6:.0f}", ", ".join(f"{each:.1f}" for each in plans)]


def first_block(command: list[str], cache: Path, tree: Path, aside: Path) -> tuple[float | None, float | None]:
    """Seconds to the line that says what was found, and to the first block, with which it is over."""
    rmtree(aside, ignore_errors=True)
    ran = run([*command, str(aside)], tree, cache, aside, over=lambda _: next(aside.glob("*/*.npz"), None) is not None)
    time.sleep(1)  # what was killed lets go
    return ran.found, ran.block


def entries(count: int) -> list[Entry]:
    """Images of one size, each another: the same noise with a number behind its end."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)).save(file, "JPEG")
    start = file.getvalue()
    return [
        (f"IMG_{number:08d}.JPEG", number * 1000 // count, start + number.to_bytes(4, "big")) for number in range(count)
    ]


def folder(place: Path, images: list[Entry]) -> None:
    for name, label, content in images:
        (place / wnids()[label]).mkdir(parents=True, exist_ok=True)
        (place / wnids()[label] / name).write_bytes(content)


def flat(place: Path, images: list[Entry]) -> None:
    (place / "val").mkdir(parents=True)
    for name, _, content in images:
        (place / "val" / name).write_bytes(content)
    (place / "val.txt").write_text("".join(f"{name} {wnids()[label]}\n" for name, label, _ in images))


def listed(place: Path, images: list[Entry]) -> None:
    folder(place / "images", images)
    lines = (f"{wnids()[label]}/{name} {wnids()[label]}\n" for name, label, _ in images)
    (place / "list.txt").write_text("".join(lines))


def tar(place: Path, images: list[Entry]) -> None:
    place.mkdir(parents=True)
    with tarfile.open(place / "all.tar", "w") as file:
        for name, label, content in images:
            add(file, f"{wnids()[label]}/{name}", content)


def shards(place: Path, images: list[Entry]) -> None:
    place.mkdir(parents=True)
    for shard in range(SHARDS):
        with tarfile.open(place / f"{shard:02d}.tar", "w") as file:
            for name, label, content in images[shard * len(images) // SHARDS : (shard + 1) * len(images) // SHARDS]:
                add(file, name, content)
                add(file, name.replace("JPEG", "cls"), wnids()[label].encode())


def add(file: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    file.addfile(member, io.BytesIO(content))


def parquet(place: Path, images: list[Entry]) -> None:
    place.mkdir(parents=True)
    names = {"info": {"features": {"label": {"names": list(wnids()), "_type": "ClassLabel"}}}}
    for shard in range(SHARDS):
        rows = images[shard * len(images) // SHARDS : (shard + 1) * len(images) // SHARDS]
        table = pa.table(
            {
                "image": [{"bytes": content, "path": name} for name, _, content in rows],
                "label": [label for _, label, _ in rows],
            }
        ).replace_schema_metadata({b"huggingface": json.dumps(names).encode()})
        pq.write_table(table, place / f"validation-{shard:05d}-of-{SHARDS:05d}.parquet", row_group_size=100)


LAYOUTS: dict[str, Callable[[Path, list[Entry]], None]] = {
    "folder": folder,
    "flat": flat,
    "list": listed,
    "tar": tar,
    "shards": shards,
    "parquet": parquet,
}

if __name__ == "__main__":
    main()
