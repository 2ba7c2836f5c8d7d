"""One part on a few images: cut the views, batch equal ones, and average their posteriors image by image."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import torch

from bench.errors import UserError
from bench.images.loader import Prepared
from bench.images.pixels import cut
from bench.nets.model import Model
from bench.nets.out_of_memory import ERRORS, brief, out_of_memory, release
from protocols.protocol import Part
from protocols.view import Size, View

AUTO_BATCH = {"cpu": 8, "mps": 32}  # on a CPU what stays in the caches, on an Apple what leaves memory to others
ROOMY = 256  # on devices with memory of their own
Advance = Callable[[float], None]
Use = tuple[Model, str]  # a net, and what goes through it: crops, whole images, grids


class Batch:
    """How many views of the net's own size go through it at once, and in which threads.

    Where memory runs out, fewer pixels go through at once from then on, in that use of that net: smaller views may
    still be many.
    """

    def __init__(self, views: int | None, device: torch.device, pool: Executor | None = None) -> None:
        self.views = views or AUTO_BATCH.get(device.type, ROOMY)
        self.device = device
        self.map = pool.map if pool else map
        self.most: dict[Use, int] = {}  # pixels

    def size(self, use: Use, pixels: int) -> int:
        """How many views of this many pixels fit."""
        wanted = self.views * use[0].side ** 2
        return max(1, min(wanted, self.most.get(use, wanted)) // pixels)

    def fits(self, use: Use, pixels: int) -> bool:
        """Whether so many pixels at once have not been too many before."""
        return pixels <= self.most.get(use, pixels)

    def halve(self, use: Use, pixels: int) -> None:
        """After so many pixels at once were too many: half of them, from now on."""
        self.most[use] = min(self.most.get(use, pixels), pixels // 2)


@dataclass(frozen=True)
class Look:
    """One view to be computed: of which image, how often it counts, and the row its posteriors go to."""

    image: int
    view: View
    weight: int
    row: int


def part_posteriors(
    model: Model,
    part: Part,
    block: Sequence[Prepared],
    batch: Batch,
    advance: Advance = lambda _: None,
    cost: float = 0,
) -> np.ndarray:
    """Posteriors (N, K) float32 of N prepared images under one part: the weighted mean over each image's views.

    Views of equal size are batched across images; means are taken in float64, image by image, so that the result
    depends neither on the batch nor on the images beside it.
    """
    looks: list[Look] = []
    for i, image in enumerate(block):
        for view, weight in part.views(image.size, model.side).items():
            looks.append(Look(i, view, weight, len(looks)))
    per_image = np.bincount([look.image for look in looks], minlength=len(block))
    rows = np.empty((len(looks), model.count), np.float32)
    work = Work(model, part, block, batch, rows)
    for done in work.all(looks):
        advance(sum(cost / per_image[look.image] for look in done))
    return _means(rows, looks, len(block))


@dataclass(frozen=True)
class Work:
    """The views of a block under one part, and the rows that their posteriors go to."""

    model: Model
    part: Part
    block: Sequence[Prepared]
    batch: Batch
    rows: np.ndarray

    def all(self, looks: Sequence[Look]) -> Iterator[Sequence[Look]]:
        """Compute everything, in rounds: what did not fit into memory comes again, in smaller batches.

        A view that did not fit alone comes again when nothing else is computed beside it. Raises UserError where that
        does not help.
        """
        shared = self.part.method == "multicrop" and self.model.grid is not None
        todo = _grids(looks) if shared else self.batches(looks)
        attempt, alone = self.as_grid if shared else self.as_batch, False
        while todo:
            failed: list[tuple[Sequence[Look], str]] = []
            for each, why in zip(todo, (map if alone else self.batch.map)(attempt, todo), strict=True):
                if why is None:
                    yield each
                elif alone and len(each) == 1:
                    raise self.too_large(each[0], why)
                else:
                    failed.append((each, why))
            alone = attempt == self.as_batch and any(len(each) == 1 for each, _ in failed)
            todo = self.batches([look for each, _ in failed for look in each])
            attempt = self.as_batch

    def as_batch(self, looks: Sequence[Look]) -> str | None:
        """Views of equal size at once. None, or why they did not fit into memory."""
        size = _view_size(self.block[looks[0].image], looks[0].view)
        use, pixels = self.use(looks[0]), size.width * size.height
        if len(looks) > self.batch.size(use, pixels):
            return "as one before"
        return self.tried(lambda: self.compute(looks), use, len(looks) * pixels)

    def as_grid(self, looks: Sequence[Look]) -> str | None:
        """The crops of a grid at once. None, or why they did not fit into memory."""
        image = self.block[looks[0].image].at[self.part.Q]
        use, pixels = (self.model, "grids"), image[0].numel()
        if not self.batch.fits(use, pixels):
            return "as one before"
        return self.tried(lambda: grid_posteriors(self.model, image, looks, self.rows), use, pixels)

    def tried(self, compute: Callable[[], None], use: Use, pixels: int) -> str | None:
        """Compute; None, or the words for a lack of memory."""
        try:
            compute()
            return None
        except ERRORS as error:
            if not out_of_memory(error):
                raise
            why = brief(error)
        # behind the handler: until it is left, its error holds whatever the attempt had computed
        self.batch.halve(use, pixels)
        release(self.batch.device)
        return why

    def compute(self, looks: Sequence[Look]) -> None:
        views = torch.stack([cut(self.block[look.image].at[self.part.Q], look.view) for look in looks])
        probs = self.model.posteriors(views, whole=looks[0].view.box is None)
        self.rows[[look.row for look in looks]] = probs.numpy()

    def batches(self, looks: Sequence[Look]) -> list[Sequence[Look]]:
        """Views of equal size together, as many as fit."""
        by_size: dict[Size, list[Look]] = defaultdict(list)
        for look in looks:
            by_size[_view_size(self.block[look.image], look.view)].append(look)
        return [
            group[start : start + count]
            for size, group in by_size.items()
            for count in [self.batch.size(self.use(group[0]), size.width * size.height)]
            for start in range(0, len(group), count)
        ]

    def use(self, look: Look) -> Use:
        return self.model, "crops" if look.view.box else "whole images"

    def too_large(self, look: Look, why: str) -> UserError:
        image = self.block[look.image]
        width, height = _view_size(image, look.view)
        return UserError(
            f"out of memory with one view of {image.name!r}, {width}x{height} pixels ({why}); "
            "give smaller Q, a device with more memory, or leave the image out"
        )


def grid_posteriors(model: Model, image: torch.Tensor, looks: Sequence[Look], rows: np.ndarray) -> None:
    """Fill the rows of all crops of one image that are mirrored, or all that are not."""
    if looks[0].view.flip:
        image = image.flip(-1)
    places = {look.row: _place(look.view, image.shape[-1]) for look in looks}
    lefts, tops = (sorted(set(starts)) for starts in zip(*places.values(), strict=True))
    probs = model.posteriors_of_grid(image, tops, lefts).numpy()
    for row, (left, top) in places.items():
        rows[row] = probs[lefts.index(left), tops.index(top)]


def _place(view: View, width: int) -> tuple[int, int]:
    """Left and top of a crop; of a mirrored one, in the mirrored image."""
    assert view.box is not None
    return (width - view.box.right if view.flip else view.box.left), view.box.top


def _grids(looks: Sequence[Look]) -> list[Sequence[Look]]:
    """The crops of one image together, mirrored ones apart."""
    grids: dict[tuple[int, bool], list[Look]] = defaultdict(list)
    for look in looks:
        grids[look.image, look.view.flip].append(look)
    return list(grids.values())


def _view_size(image: Prepared, view: View) -> Size:
    if view.box is None:
        height, width = image.at[view.Q].shape[-2:]
        return Size(width, height)
    return Size(view.box.right - view.box.left, view.box.bottom - view.box.top)


def _means(rows: np.ndarray, looks: Sequence[Look], count: int) -> np.ndarray:
    totals = np.zeros((count, rows.shape[1]), np.float64)
    weights = np.zeros(count)
    for look in looks:
        totals[look.image] += look.weight * rows[look.row].astype(np.float64)
        weights[look.image] += look.weight
    return (totals / weights[:, None]).astype(np.float32)
