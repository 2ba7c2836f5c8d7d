"""Images of ImageNet's sizes, as many as are wanted, made of a few hundred photographs: a folder for `list:`.

    python tests/benchmarks/imagenet_images.py DIR --photographs FOLDER [--count 50000]

Every image is a crop of a photograph, brought back to that photograph's size and mode and encoded as JPEG, so that with
250 of ImageNet's own the sizes are ImageNet's: most 500x375 and 375x500, 110 kB a file. Every hundredth is enlarged
threefold, since validation images have up to some thousands of pixels a side. What is there already is not made again;
a call that was interrupted goes on.
"""

import argparse
import os
import random
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from io import BytesIO
from pathlib import Path

from PIL import Image

from bench.images.labels.imagenet_names import wnids
from bench.progress import progress
from results.atomic_files import write_atomically

QUALITY = 97
LARGE, ENLARGED = 100, 3  # every so manieth, by so much
LEAST_SHOWN = 0.8  # of a photograph's sides


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path, metavar="DIR")
    words.add_argument("--photographs", type=Path, required=True, metavar="FOLDER")
    words.add_argument("--count", type=int, default=50_000)
    options = words.parse_args()
    make(options.folder, options.photographs, options.count)
    print(f"{options.count} images in {options.folder}, {kilobytes(options.folder, options.count):.0f} kB each")


def make(folder: Path, photographs: Path, count: int) -> None:
    """Write the first `count` images."""
    lacking = [number for number in range(count) if not path(folder, number).exists()]
    for number in lacking:
        path(folder, number).parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(partial(_make, folder, photographs), lacking, chunksize=16)
        list(progress(made, len(lacking), "making images"))


def listed(folder: Path, count: int) -> Path:
    """The file that lists the first `count` images for `list:`, evenly spread over a thousand classes."""
    file = folder / f"{count}.txt"
    file.write_text("".join(f"{path(Path(), k)} {wnids()[k * 1000 // count]}\n" for k in range(count)))
    return file


def path(folder: Path, number: int) -> Path:
    """Where an image is, a thousand in a folder."""
    return folder / f"{number // 1000:03d}" / f"IMG_{number:08d}.JPEG"


def kilobytes(folder: Path, count: int) -> float:
    """The mean of the files."""
    return sum(path(folder, number).stat().st_size for number in range(count)) / count / 1000


def _make(folder: Path, photographs: Path, number: int) -> None:
    files = _files(photographs)
    source = _photograph(files[number % len(files)])
    chance = random.Random(number)
    share = chance.uniform(LEAST_SHOWN, 1)
    width, height = (share * side for side in source.size)
    left, top = chance.uniform(0, source.width - width), chance.uniform(0, source.height - height)
    times = ENLARGED if number % LARGE == LARGE - 1 else 1
    size = (source.width * times, source.height * times)
    image = source.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
    content = BytesIO()
    image.save(content, "JPEG", quality=QUALITY)
    write_atomically(path(folder, number), content.getbuffer())


@cache
def _files(photographs: Path) -> list[Path]:
    return sorted(each for each in photographs.iterdir() if each.is_file())


@cache
def _photograph(file: Path) -> Image.Image:
    """Decoded once by each process."""
    with Image.open(file) as image:
        return image.convert("L" if image.mode == "L" else "RGB")


if __name__ == "__main__":
    main()
