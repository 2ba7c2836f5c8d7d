"""How many views go through a net at once, as far as is known, and in which threads."""

from collections.abc import Sequence

import torch

from bench.engine.lanes import Here, Lane
from bench.engine.view_batches import ImageView, ViewBatch, by_size
from bench.nets.model import Model

AUTO_BATCH = {"cpu": 8, "mps": 32}  # on a CPU what stays in the caches, on an Apple what leaves memory to others
AUTO_BATCH_ELSE = 256  # on devices with memory of their own


class Capacity:
    """`views` of a net's own size go through it at once, None for what suits the device; `lane` is where they do.

    Where memory runs out, fewer pixels go through at once from then on, in that kind of batch and that net: smaller
    views may still be many.
    """

    def __init__(self, views: int | None, device: torch.device, lane: Lane | None = None) -> None:
        self.views = views or AUTO_BATCH.get(device.type, AUTO_BATCH_ELSE)
        self.device = device
        self.lane = lane or Here(joined=device.type != "cpu")
        self.most: dict[tuple[Model, str], int] = {}  # pixels, by net and kind of batch

    @property
    def at_once(self) -> int:
        """Views of a net's own size that are under way together."""
        return self.views * (1 + self.lane.late)

    def divide(self, model: Model, views: Sequence[ImageView]) -> list[ViewBatch]:
        """Views of equal size together, as many as there is room for, at least one."""
        found: list[ViewBatch] = []
        for group in by_size(views):
            each, wanted = group.pixels // len(group.views), self.views * model.side**2
            count = max(1, min(wanted, self.most.get((model, group.kind), wanted)) // each)
            for start in range(0, len(group.views), count):
                part = group.views[start : start + count]
                found.append(ViewBatch(part, group.kind, len(part) * each))
        return found

    def has_room(self, model: Model, batch: ViewBatch) -> bool:
        """Whether so many pixels have not been too many before. A single view is always worth an attempt."""
        return batch.single or batch.pixels <= self.most.get((model, batch.kind), batch.pixels)

    def reduce(self, model: Model, batch: ViewBatch) -> None:
        """After a batch was too large: half of its pixels, from now on."""
        known = self.most.get((model, batch.kind), batch.pixels)
        self.most[model, batch.kind] = min(known, batch.pixels // 2)
