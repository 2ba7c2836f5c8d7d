"""What goes through a net while it trains, batch by batch: crops of images, or features kept of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import Dataset

from bench.images.dataset import Images
from bench.progress import progress
from bench.train.crops import CentreCrops, TrainingCrops
from bench.train.feed import batches_of
from bench.train.recipe import Recipe
from protocols.scales import TrainingScale, single_scale

VALIDATION_BATCH = 50


@dataclass(frozen=True)
class Batches:
    """Two sets whose items are what `prepare` makes an input of, and last a label.

    `training_set` is asked for anew in every epoch; `workers` threads read items.
    """

    training_set: Callable[[int], Dataset]
    validation_set: Dataset
    prepare: Callable[..., torch.Tensor]
    batch: int
    workers: int
    device: torch.device

    def training(self, epoch: int, seed: int, what: str) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Inputs and labels, in an order that seed and epoch decide; `what` is said of the progress."""
        items = self.training_set(epoch)
        torch.manual_seed(seed + 1 + epoch)  # order and dropout
        order = torch.randperm(len(items)).tolist()  # type: ignore[arg-type]
        torch.empty((), dtype=torch.int64).random_()  # as torch's own loader does: dropout stays what it was
        count = len(order) // self.batch
        batches = batches_of(items, order[: count * self.batch], self.batch, self.workers)
        for *parts, labels in progress(batches, count, what, "batch"):
            yield self.prepare(*parts), labels.to(self.device)

    def validation(self) -> Iterator[torch.Tensor]:
        """Inputs in their own order."""
        return (self.prepare(*parts) for parts in self.validation_parts())

    def validation_parts(self) -> Iterator[list[torch.Tensor]]:
        """What `prepare` makes these inputs of, which needs less memory."""
        order = range(len(self.validation_set))  # type: ignore[arg-type]
        for *parts, _ in batches_of(self.validation_set, order, VALIDATION_BATCH, self.workers):
            yield parts


def crop_batches(
    train: Images,
    validation: Images,
    S: TrainingScale,
    side: int,
    recipe: Recipe,
    workers: int,
    device: torch.device,
) -> Batches:
    """Crops of the images, cut in every epoch anew as `--augment` says; of validation images the centre's."""
    (Q,) = single_scale(S)

    def training_set(epoch: int) -> CentreCrops | TrainingCrops:
        if recipe.augment == "none":
            return CentreCrops(train, Q, side, recipe.pixels.interpolation)
        return TrainingCrops(train, S, side, recipe.seed, epoch, recipe.pixels.interpolation)

    def prepare(images: torch.Tensor, shifts: torch.Tensor | None = None) -> torch.Tensor:
        batch = recipe.pixels.normalise(images.to(device))
        if shifts is not None:
            batch += recipe.pixels.normalise_shift(shifts).to(device)
        return batch.contiguous(memory_format=torch.channels_last)

    validation_set = CentreCrops(validation, Q, side, recipe.pixels.interpolation)
    return Batches(training_set, validation_set, prepare, recipe.batch, workers, device)
