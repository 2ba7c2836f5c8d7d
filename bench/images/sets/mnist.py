"""MNIST, as torchvision downloads and reads it, unpacked once into lossless files: every data set is files."""

import hashlib
from collections.abc import Iterator
from functools import partial
from http.client import HTTPException
from pathlib import Path

import numpy as np
from PIL import Image

from bench.errors import UserError
from bench.folders import made_to_fill
from bench.images.dataset import Images
from bench.images.sets.rendered import line, make_folder, read_made
from bench.progress import downloading, progress

FILES = tuple(f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1"))


def read_mnist(folder: Path, split: str, cache: Path) -> Images:
    """The split of the MNIST in a folder, downloaded where it is not there; its test images are the split `val`.

    The unpacked images are kept in the cache under their own digest. Raises UserError and OSError.
    """
    from torchvision.datasets import MNIST

    pixels, labels = _arrays(folder, split)
    digest = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()[:12]
    unpacked = cache / "mnist" / f"{split}-{digest}"
    make_folder(unpacked, partial(_unpack, pixels, labels, f"unpacking mnist/{split}"))
    return read_made(unpacked, f"mnist/{split}", tuple(MNIST.classes))


def _arrays(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, uint8 (N, 28, 28), and labels, int64 (N,)."""
    from torchvision.datasets import MNIST

    raw = folder / "MNIST" / "raw"
    if not all((raw / name).is_file() for name in FILES):
        _download(folder, raw)
    try:
        found = MNIST(str(folder), train=split == "train")
    except (AssertionError, RuntimeError, ValueError, LookupError, TypeError):  # whatever torchvision meets in them
        raise _broken(raw) from None
    pixels, labels = found.data.numpy(), found.targets.numpy()
    if not len(labels) or len(pixels) != len(labels) or labels.max() >= len(MNIST.classes):
        raise _broken(raw)
    return pixels, labels


def _download(folder: Path, raw: Path) -> None:
    from torchvision.datasets import MNIST

    try:
        with made_to_fill(raw), downloading():
            MNIST(str(folder), download=True)
    except (RuntimeError, OSError, HTTPException) as error:
        (*_, why) = str(error).strip().splitlines() or ["no reason given"]
        raise UserError(
            f"data 'mnist': download failed ({why}); put {', '.join(FILES)}, unpacked or as the published .gz, "
            f"into {str(raw)!r}"
        ) from None


def _broken(raw: Path) -> UserError:
    return UserError(f"data {str(raw)!r}: these are not MNIST's files, or not whole; remove them to download them anew")


def _unpack(pixels: np.ndarray, labels: np.ndarray, what: str, folder: Path) -> Iterator[str]:
    for index, image in enumerate(progress(map(Image.fromarray, pixels), len(pixels), what)):
        name = f"{index:05d}.png"
        image.save(folder / name)
        yield line(name, int(labels[index]), image)
