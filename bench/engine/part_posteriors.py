"""One part on a few images: their views go through the net in batches, and are averaged image by image."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from bench.engine.batch_stream import finished
from bench.engine.capacity import Capacity
from bench.engine.view_batches import ImageView, ViewBatch, by_grid, scaling_of, views_of
from bench.images.loader import Prepared
from bench.nets.model import Model
from protocols.protocol import Part

Advance = Callable[[float], None]


class PartWork:
    """One part on prepared images: the batches of their views, and the views' posteriors as they come.

    Views of equal size go through the net together, whichever image they are of; where the net shares the early
    features of a grid's crops, those of one image do. `advance` is told of progress, `cost` for an image in all.
    """

    def __init__(
        self,
        model: Model,
        part: Part,
        images: Sequence[Prepared],
        capacity: Capacity,
        advance: Advance = lambda _: None,
        cost: float = 0,
    ) -> None:
        self.model, self.advance, self.count = model, advance, len(images)
        self.views = views_of(images, part, model.side, model.pixels)
        as_grids = part.grid and model.grid is not None
        self.batches: Sequence[ViewBatch] = by_grid(self.views) if as_grids else capacity.divide(model, self.views)
        self.cost_of_view = cost / np.bincount([view.owner for view in self.views], minlength=self.count)
        self.rows = np.empty((len(self.views), model.count), np.float32)
        scaling = scaling_of(part, model.pixels)
        self.weight = sum(image.at[scaling].nbytes for image in images)

    def take(self, batch: ViewBatch, posteriors: np.ndarray) -> None:
        """Keep the posteriors (N, K) of a batch's views."""
        self.rows[batch.rows] = posteriors
        self.advance(sum(self.cost_of_view[batch.owners]))

    def averages(self) -> np.ndarray:
        """Posteriors (N, K) float32 of the images, or their descriptors (N, D), when all batches were taken."""
        return means(self.rows, self.views, self.count)


def part_posteriors(model: Model, part: Part, block: Sequence[Prepared], capacity: Capacity) -> np.ndarray:
    """Posteriors (N, K) float32 of N prepared images under one part: the weighted mean over each image's views."""
    (work,) = finished([PartWork(model, part, block, capacity)], capacity)
    return work.averages()


def means(rows: np.ndarray, views: Sequence[ImageView], count: int) -> np.ndarray:
    """Posteriors (count, K) of images, from those of their views (N, K), which come image by image.

    In float64 and image by image, so that a mean depends neither on the batches nor on the images beside it.
    """
    weights = np.array([view.weight for view in views], np.float64)
    starts = np.searchsorted([view.owner for view in views], np.arange(count + 1))
    found = np.empty((count, rows.shape[1]), np.float32)
    for owner, (start, stop) in enumerate(pairwise(starts)):
        weight = weights[start:stop, None]
        found[owner] = (weight * rows[start:stop]).sum(0) / weight.sum()
    return found
