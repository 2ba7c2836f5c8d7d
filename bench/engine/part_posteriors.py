"""One part on a few images: their views go through the net in batches, and are averaged image by image."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from bench.engine.capacity import Capacity
from bench.engine.view_batches import ImageView, ViewBatch, by_grid, pixels_of, views_of
from bench.errors import UserError
from bench.images.cutting import mirrored
from bench.images.loader import Prepared
from bench.nets.model import Model
from bench.nets.out_of_memory import ERRORS, brief, out_of_memory, release
from protocols.protocol import Part
from protocols.view import View

Advance = Callable[[float], None]


@dataclass(frozen=True)
class NoRoom:
    """A batch did not fit into memory; `why` in torch's words."""

    why: str


def part_posteriors(
    model: Model,
    part: Part,
    block: Sequence[Prepared],
    capacity: Capacity,
    advance: Advance = lambda _: None,
    cost: float = 0,
) -> np.ndarray:
    """Posteriors (N, K) float32 of N prepared images under one part: the weighted mean over each image's views.

    Views of equal size go through the net together, whichever image they are of; where the net shares the early
    features of a grid's crops, those of one image do. `advance` is told of progress, `cost` for an image in all.
    """
    views = views_of(block, part, model.side, model.pixels)
    as_grids = part.grid and model.grid is not None
    batches = by_grid(views) if as_grids else capacity.divide(model, views)
    cost_of_view = cost / np.bincount([view.owner for view in views], minlength=len(block))  # image by image
    rows = np.empty((len(views), model.count), np.float32)
    for batch, posteriors in computed(model, batches, capacity):
        rows[batch.rows] = posteriors
        advance(sum(cost_of_view[batch.owners]))
    return means(rows, views, len(block))


def computed(model: Model, batches: Sequence[ViewBatch], capacity: Capacity) -> Iterator[tuple[ViewBatch, np.ndarray]]:
    """Batches with their views' posteriors, in rounds: what had no room comes again, in smaller ones.

    A single view that had no room comes again when nothing else is computed beside it. Raises UserError where that
    does not help.
    """
    alone = False
    while batches:
        failed: list[ViewBatch] = []
        results = (map if alone else capacity.map)(partial(attempt, model, capacity), batches)
        for batch, result in zip(batches, results, strict=True):
            if not isinstance(result, NoRoom):
                yield batch, result
            elif alone and batch.single:
                raise too_large(batch.views[0], result)
            else:
                failed.append(batch)
        alone = any(batch.single for batch in failed)
        batches = capacity.divide(model, [view for batch in failed for view in batch.views])


def attempt(model: Model, capacity: Capacity, batch: ViewBatch) -> np.ndarray | NoRoom:
    """Posteriors (N, K) of a batch's views, in their order, unless memory runs out or has run out with fewer."""
    if not capacity.has_room(model, batch):
        return NoRoom("as one before")
    try:
        return grid_posteriors(model, batch.views) if batch.kind == "grid" else batch_posteriors(model, batch)
    except ERRORS as error:
        if not out_of_memory(error):
            raise
        why = brief(error)
    # behind the handler: until it is left, its error holds whatever the attempt had computed
    capacity.reduce(model, batch)
    release(capacity.device)
    return NoRoom(why)


def batch_posteriors(model: Model, batch: ViewBatch) -> np.ndarray:
    """Posteriors (N, K) of crops or whole images of equal size."""
    return model.posteriors(pixels_of(batch.views), whole=batch.kind == "whole images").numpy()


def grid_posteriors(model: Model, views: Sequence[ImageView]) -> np.ndarray:
    """Posteriors (N, K) of all crops of one image that are mirrored, or all that are not."""
    image = mirrored(views[0].at_Q) if views[0].view.flip else views[0].at_Q
    corners = [_corner(view.view, image.shape[-1]) for view in views]
    lefts, tops = (sorted(set(starts)) for starts in zip(*corners, strict=True))
    posteriors = model.posteriors_of_grid(image, tops, lefts).numpy()
    return np.stack([posteriors[lefts.index(left), tops.index(top)] for left, top in corners])


def _corner(view: View, width: int) -> tuple[int, int]:
    """Left and top of a crop; of a mirrored one, in the mirrored image."""
    assert view.box is not None
    return (width - view.box.right if view.flip else view.box.left), view.box.top


def means(rows: np.ndarray, views: Sequence[ImageView], count: int) -> np.ndarray:
    """Posteriors (count, K) of images, from those of their views (N, K).

    In float64 and image by image, so that a mean depends neither on the batches nor on the images beside it.
    """
    weights = np.array([view.weight for view in views], np.float64)
    owners = np.array([view.owner for view in views])
    starts = np.searchsorted(owners, np.arange(count + 1))
    found = np.empty((count, rows.shape[1]), np.float32)
    for owner, (start, stop) in enumerate(pairwise(starts)):
        weight = weights[start:stop, None]
        found[owner] = (weight * rows[start:stop]).sum(0) / weight.sum()
    return found


def too_large(view: ImageView, lack: NoRoom) -> UserError:
    """What to say of a view that does not fit into memory by itself."""
    width, height = view.size
    return UserError(
        f"out of memory with one view of {view.image.name!r}, {width}x{height} pixels ({lack.why}); "
        "give smaller Q, a device with more memory, or leave the image out"
    )
