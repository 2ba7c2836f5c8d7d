"""One part on a few images: cut the views, batch equal ones, and average their posteriors image by image."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import torch

from bench.errors import UserError
from bench.loader import Prepared
from bench.model import Model
from bench.pixels import cut
from protocols.protocol import Part
from protocols.view import Size, View

AUTO_BATCH = {"cpu": 8, "cuda": 256}  # on a CPU what stays in the caches
Advance = Callable[[float], None]


class Batch:
    """How many views of the net's own size go through it at once, halved when memory runs out; and in which threads."""

    def __init__(self, views: int | None, device: torch.device, pool: Executor | None = None) -> None:
        self.views = views or AUTO_BATCH[device.type]
        self.map = pool.map if pool else map

    def size(self, pixels: int, side: int) -> int:
        """How many views of this many pixels fit."""
        return max(1, self.views * side * side // pixels)

    def halve(self, views: int) -> int:
        """After so many were too many: half of it, from now on; batches cut before may find that out after others."""
        half = max(1, views // 2)
        self.views = min(self.views, half)
        return half


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

    def compute(together: Sequence[Look], limit: int = batch.views) -> Sequence[Look]:
        views = torch.stack([cut(block[look.image].at[part.Q], look.view) for look in together])
        try:
            probs = model.posteriors(views, whole=together[0].view.box is None)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if len(together) == 1:
                raise UserError(
                    f"out of memory with one view of {block[together[0].image].name!r}, {views.shape[-1]}x"
                    f"{views.shape[-2]} pixels; give smaller Q, a device with more memory, or leave the image out"
                ) from None
            limit, middle = batch.halve(limit), len(together) // 2
            return [*compute(together[:middle], limit), *compute(together[middle:], limit)]
        rows[[look.row for look in together]] = probs.numpy()
        return together

    def compute_grid(together: Sequence[Look]) -> Sequence[Look]:
        try:
            grid_posteriors(model, block[together[0].image].at[part.Q], together, rows)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            return [look for few in _batches(together, block, batch, model.side) for look in compute(few)]
        return together

    shared = part.method == "multicrop" and model.grid is not None
    work = _grids(looks) if shared else _batches(looks, block, batch, model.side)
    for done in batch.map(compute_grid if shared else compute, work):
        advance(sum(cost / per_image[look.image] for look in done))
    return _means(rows, looks, len(block))


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


def _batches(looks: Sequence[Look], block: Sequence[Prepared], batch: Batch, side: int) -> list[Sequence[Look]]:
    """Views of equal size together, as many as fit."""
    by_size: dict[Size, list[Look]] = defaultdict(list)
    for look in looks:
        by_size[_view_size(block[look.image], look.view)].append(look)
    return [
        group[start : start + count]
        for size, group in by_size.items()
        for count in [batch.size(size.width * size.height, side)]
        for start in range(0, len(group), count)
    ]


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


def out_of_memory(error: RuntimeError) -> bool:
    """Only a genuine lack of memory: CUDA's own type, or the host allocator's message."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator: can't allocate memory" in str(error)
