"""One part on a few images: cut the views, batch equal ones, and average their posteriors image by image."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bench.errors import UserError
from bench.loader import Prepared
from bench.model import Model
from bench.pixels import cut
from protocols.protocol import Part
from protocols.view import Size, View

AUTO_BATCH = {"cpu": 32, "cuda": 256}
Advance = Callable[[float], None]


class Batch:
    """How many views of the net's own size go through it at once; halved when memory runs out."""

    def __init__(self, views: int | None, device: torch.device) -> None:
        self.views = views or AUTO_BATCH[device.type]

    def size(self, pixels: int, side: int) -> int:
        """How many views of this many pixels fit."""
        return max(1, self.views * side * side // pixels)

    def halve(self, views: int) -> None:
        """After so many views were too many. Raises UserError where there is nothing left to halve."""
        if views == 1:
            raise UserError("out of memory with one view at a time; give smaller Q, or a device with more memory")
        self.views = max(1, self.views // 2)


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
    by_size: dict[Size, list[Look]] = defaultdict(list)
    for look in looks:
        by_size[_view_size(block[look.image], look.view)].append(look)
    rows = np.empty((len(looks), model.count), np.float32)
    for size, group in by_size.items():
        todo = group
        while todo:
            now = todo[: batch.size(size.width * size.height, model.side)]
            views = torch.stack([cut(block[look.image].at[part.Q], look.view) for look in now])
            try:
                probs = model.posteriors(views, whole=now[0].view.box is None)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
                batch.halve(len(now))
                continue
            rows[[look.row for look in now]] = probs.numpy()
            todo = todo[len(now) :]
            advance(sum(cost / per_image[look.image] for look in now))
    return _means(rows, looks, len(block))


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


def _out_of_memory(error: RuntimeError) -> bool:
    """Only a genuine lack of memory: CUDA's own type, or the host allocator's message."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator: can't allocate memory" in str(error)
