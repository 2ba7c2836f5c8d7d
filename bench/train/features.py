"""Features of images, computed once and kept on disk while a head trains on them."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from bench.errors import UserError
from bench.folders import writing_to
from bench.nets.head import inputs_of_head
from bench.nets.torch_settings import without_tf32
from bench.progress import note, progress
from bench.train.batches import Batches
from bench.train.crops import CentreCrops
from bench.train.feed import Feed
from results.atomic_files import write_text_atomically

FILES = "features-{}.npy"
OF_FEATURES = ("model", "width", "S", "side", "pixels", "batch", "dtype", "init", "data", "validation")  # of a recipe


@dataclass(frozen=True)
class Features(Dataset):
    """What the head sees of every image of a set, float32 (N, ...), and its label."""

    rows: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(np.array(self.rows[index])), int(self.labels[index])


class FeatureStore:
    """The features of the sets of one training in its folder.

    What an earlier run has computed is taken over where its recipe for them was the same.
    """

    def __init__(self, folder: Path, recipe: Mapping[str, str]) -> None:
        self.folder = folder
        self.recipe = {name: recipe[name] for name in OF_FEATURES if name in recipe}  # what changes them

    def batches(
        self, net: nn.Module, images: Batches, learning: Callable[[], AbstractContextManager] = nullcontext
    ) -> Batches:
        """The batches of features that stand for batches of images, those to learn from computed under `learning`.

        Raises UserError where they have no room.
        """
        with learning():
            train = self._features(net, images.training_set(0), images, "train")
        with without_tf32():
            validation = self._features(net, images.validation_set, images, "val")

        def prepare(features: torch.Tensor) -> torch.Tensor:
            return features.contiguous(memory_format=torch.channels_last) if features.ndim == 4 else features

        own = Feed(0, pinned=images.device.type == "cuda")  # rows are read sooner than threads are told to
        return Batches(lambda _: train, validation, prepare, images.batch, own, images.device)

    def remove(self) -> None:
        """Free the disk when the head is trained."""
        for path in self.folder.glob(FILES.format("*")):
            path.unlink()
            _note_of(path).unlink(missing_ok=True)

    @torch.inference_mode()
    def _features(self, net: nn.Module, crops: Dataset, images: Batches, split: str) -> Features:
        assert isinstance(crops, CentreCrops)  # without augmentation they are
        path = self.folder / FILES.format(split)
        count = len(crops)
        done = self._done(path)
        rows = np.load(path, mmap_mode="r+") if done else None
        left = range(done, count)
        batches = images.on_device(images.feed.batches(crops, left, images.batch))
        net.eval()
        with inputs_of_head(net) as caught:
            for inputs, _ in progress(batches, -(-len(left) // images.batch), f"features of {split}", "batch"):
                net(inputs)
                values = caught.pop().float().cpu().numpy()
                if rows is None:
                    rows = _room(path, (count, *values.shape[1:]))
                rows[done : done + len(values)] = values
                rows.flush()
                done += len(values)
                self._note(path, done)
        return Features(np.load(path, mmap_mode="r"), crops.images.labels)

    def _done(self, path: Path) -> int:
        """How many rows an earlier run has computed."""
        try:
            note = json.loads(_note_of(path).read_text())
            np.load(path, mmap_mode="r")  # raises for a file that is not whole
            return note["done"] if note["recipe"] == self.recipe else 0
        except (OSError, ValueError, KeyError):
            return 0

    def _note(self, path: Path, done: int) -> None:
        note = json.dumps({"recipe": self.recipe, "done": done})
        writing_to(self.folder, lambda: write_text_atomically(_note_of(path), note))


def _note_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _room(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """An empty file, its room taken. Raises UserError: a disk that fills up would end the process without a word."""
    size = 4 * int(np.prod(shape))
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise UserError(
            f"--cache-features: {path} needs {_megabytes(size)} and {_megabytes(free)} are free; "
            "free some, give another --out, or leave --cache-features out"
        )
    note(f"features of {shape[0]} images, {_megabytes(size)}, go to {path} until the head is trained")
    _note_of(path).unlink(missing_ok=True)  # of other features
    return writing_to(path.parent, lambda: _taken(path, shape))


def _taken(path: Path, shape: tuple[int, ...]) -> np.memmap:
    rows = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    if hasattr(os, "posix_fallocate"):  # else others may fill the disk before the rows do
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return rows


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
