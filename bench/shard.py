"""Rank and world size where `torchrun` started several processes; one process otherwise."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypeVar

import torch.distributed

T = TypeVar("T")
PATIENCE = timedelta(days=7)  # workers wait for the slowest; one that dies is found by torchrun


class Shard(AbstractContextManager):
    """This process's place among the workers; `with` joins them and leaves them again."""

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", 0))
        self.world = int(os.environ.get("WORLD_SIZE", 1))
        self.local_rank = int(os.environ.get("LOCAL_RANK", 0))

    @property
    def first(self) -> bool:
        """Whether this is the process that prints."""
        return self.rank == 0

    def __enter__(self) -> "Shard":
        if self.world > 1:
            torch.distributed.init_process_group("gloo", timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        if self.world > 1:
            torch.distributed.destroy_process_group()

    def agreed(self, value: T) -> T:
        """The first process's value, in all of them."""
        if self.world == 1:
            return value
        box: list[Any] = [value]
        torch.distributed.broadcast_object_list(box, src=0)
        return box[0]

    def gathered(self, value: Sequence[T]) -> list[T]:
        """All processes' items, in all of them, once each has come here."""
        if self.world == 1:
            return list(value)
        boxes: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(boxes, list(value))
        return [item for box in boxes for item in box]

    def in_turn(self, make: Callable[[], T]) -> T:
        """Made by the first process before the others, so that a download or a rendering happens once.

        Where that fails, the first process raises the error and the others leave quietly.
        """
        made, error = None, None
        if self.first:
            try:
                made = make()
            except Exception as caught:
                error = caught
        if not self.agreed(error is None):
            raise error or SystemExit(2)
        return made if self.first else make()  # type: ignore[return-value]

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Every world-th item, beginning with this process's rank."""
        return items[self.rank :: self.world]
