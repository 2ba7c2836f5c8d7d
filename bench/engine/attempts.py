"""A batch goes through its net, unless memory runs out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from bench.engine.capacity import Capacity
from bench.engine.view_batches import ImageView, ViewBatch, pixels_of
from bench.errors import UserError
from bench.images.cutting import mirrored
from bench.nets.model import Model
from bench.nets.out_of_memory import ERRORS, brief, out_of_memory, release
from protocols.view import View

T = TypeVar("T")


@dataclass(frozen=True)
class NoRoom:
    """A batch did not fit into memory; `why` in torch's words."""

    why: str


def attempt(model: Model, capacity: Capacity, batch: ViewBatch) -> torch.Tensor | NoRoom:
    """Posteriors (N, K) of a batch's views, in their order, where the net is.

    NoRoom where memory runs out, or has run out with fewer.
    """
    if not capacity.has_room(model, batch):
        return NoRoom("as one before")
    compute = grid_posteriors if batch.kind == "grid" else batch_posteriors
    return unless_no_room(model, capacity, batch, lambda: compute(model, batch))


def unless_no_room(model: Model, capacity: Capacity, batch: ViewBatch, call: Callable[[], T]) -> T | NoRoom:
    """What a call for a batch gives; where memory runs out in it, smaller ones are made from then on."""
    try:
        return call()
    except ERRORS as error:
        if not out_of_memory(error):
            raise
        why = brief(error)
    # behind the handler: until it is left, its error holds whatever the attempt had computed
    capacity.reduce(model, batch)
    release(capacity.device)
    return NoRoom(why)


def batch_posteriors(model: Model, batch: ViewBatch) -> torch.Tensor:
    """Posteriors (N, K) of crops or whole images of equal size."""
    return model.begun(pixels_of(batch.views), whole=batch.kind == "whole images")


def grid_posteriors(model: Model, batch: ViewBatch) -> torch.Tensor:
    """Posteriors (N, K) of all crops of one image that are mirrored, or all that are not."""
    first = batch.views[0]
    image = mirrored(first.nearest) if first.view.flip else first.nearest
    corners = [_corner(view.view, image.shape[-1]) for view in batch.views]
    lefts, tops = (sorted(set(starts)) for starts in zip(*corners, strict=True))
    posteriors = model.begun_grid(image, tops, lefts)
    return posteriors[[lefts.index(left) for left, _ in corners], [tops.index(top) for _, top in corners]]


def _corner(view: View, width: int) -> tuple[int, int]:
    """Left and top of a crop; of a mirrored one, in the mirrored image."""
    assert view.box is not None
    return (width - view.box.right if view.flip else view.box.left), view.box.top


def too_large(view: ImageView, lack: NoRoom) -> UserError:
    """What to say of a view that does not fit into memory by itself."""
    width, height = view.size
    return UserError(
        f"out of memory with one view of {view.image.name!r}, {width}x{height} pixels ({lack.why}); "
        "give smaller Q, a device with more memory, or leave the image out"
    )


def views_in(batches: Sequence[ViewBatch]) -> list[ImageView]:
    return [view for batch in batches for view in batch.views]
