"""What goes through a net while it trains, batch by batch: crops of images, or features kept of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import Dataset

from bench.cores import cores
from bench.images.dataset import Images
from bench.progress import progress
from bench.train.crops import CentreCrops, TrainingCrops
from bench.train.feed import Feed
from bench.train.recipe import Recipe
from bench.train.side_stream import made_beside
from protocols.scales import TrainingScale, single_scale

VALIDATION_BATCH = 50


@dataclass(frozen=True)
class Batches:
    """Two sets whose items are what `prepare` makes an input of, on the device, and last a label.

    `training_set` is asked for anew in every epoch; `feed` reads items.
    """

    training_set: Callable[[int], Dataset]
    validation_set: Dataset
    prepare: Callable[..., torch.Tensor]
    batch: int
    feed: Feed
    device: torch.device

    def training(self, epoch: int, seed: int, what: str) -> Iterator[tuple[torch.Tensor, ...]]:
        """Inputs and labels, in an order that seed and epoch decide; `what` is said of the progress."""
        items = self.training_set(epoch)
        torch.manual_seed(seed + 1 + epoch)  # order and dropout
        order = torch.randperm(len(items)).tolist()  # type: ignore[arg-type]
        torch.empty((), dtype=torch.int64).random_()  # as torch's own loader does: dropout stays what it was
        count = len(order) // self.batch
        batches = self.feed.batches(items, order[: count * self.batch], self.batch)
        return progress(self.on_device(batches), count, what, "batch")

    def validation(self, what: str) -> Iterator[tuple[torch.Tensor, ...]]:
        """Inputs and labels in their own order; `what` is said of the progress."""
        count = -(-len(self.validation_set) // VALIDATION_BATCH)  # type: ignore[arg-type]
        return progress(self.on_device(self.validation_parts()), count, what, "batch")

    def validation_parts(self) -> Iterator[list[torch.Tensor]]:
        """What these are made of, which needs less memory, and none of the device's."""
        order = range(len(self.validation_set))  # type: ignore[arg-type]
        return self.feed.batches(self.validation_set, order, VALIDATION_BATCH)

    def on_device(self, batches: Iterable[list[torch.Tensor]]) -> Iterator[tuple[torch.Tensor, ...]]:
        """Inputs and labels made of what the host has prepared, on CUDA ahead of the net."""
        ahead = self.device.type == "cuda"

        def made(parts: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
            *of_inputs, labels = (each.to(self.device, non_blocking=ahead) for each in parts)
            return self.prepare(*of_inputs), labels

        return made_beside(batches, made, self.device) if ahead else map(made, batches)


def feed_of(workers: int | None, threads: int | None, device: torch.device) -> Feed:
    """Threads that prepare images: on a CPU the net has the cores, beside another device nothing else wants them."""
    if workers is None:
        workers = 1 if device.type == "cpu" else threads or cores()
    return Feed(workers, pinned=device.type == "cuda")


def crop_batches(
    train: Images,
    validation: Images,
    S: TrainingScale,
    side: int,
    recipe: Recipe,
    feed: Feed,
    device: torch.device,
) -> Batches:
    """Crops of the images, cut in every epoch anew as `--augment` says; of validation images the centre's."""
    (Q,) = single_scale(S)

    def training_set(epoch: int) -> CentreCrops | TrainingCrops:
        if recipe.augment == "none":
            return CentreCrops(train, Q, side, recipe.pixels.interpolation)
        return TrainingCrops(train, S, side, recipe.seed, epoch, recipe.pixels.interpolation)

    def prepare(images: torch.Tensor, shifts: torch.Tensor | None = None) -> torch.Tensor:
        batch = recipe.pixels.normalise(images)
        if shifts is not None:
            batch += recipe.pixels.normalise_shift(shifts)
        return batch.contiguous(memory_format=torch.channels_last)

    validation_set = CentreCrops(validation, Q, side, recipe.pixels.interpolation)
    return Batches(training_set, validation_set, prepare, recipe.batch, feed, device)
