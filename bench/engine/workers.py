"""Rank and world size where `torchrun` started several processes; one process otherwise."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import torch.distributed
from torch.distributed.rendezvous import rendezvous

from bench.engine.heartbeat import Watch
from bench.errors import UserError

T = TypeVar("T")
JOINING = timedelta(minutes=10)  # until all workers are there
MOMENT = 0.2  # s, in which torch's threads let go of what was sent, under Python's lock: a group's end holds it
PATIENCE = timedelta(days=7)  # workers wait for the slowest; one that dies is found by torchrun or the watch


class Shard(AbstractContextManager):
    """This process's place among the workers; `with` joins them and leaves them again."""

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", 0))
        self.world = int(os.environ.get("WORLD_SIZE", 1))
        self.local_rank = int(os.environ.get("LOCAL_RANK", 0))
        self.watch: Watch | None = None
        self.group: Any = None  # of workers that have met
        self.handed: Any = None  # by the first, in its turn, to the others

    @classmethod
    def alone(cls) -> "Shard":
        """One process that does all, whatever the environment says."""
        shard = cls()
        shard.rank, shard.world, shard.local_rank = 0, 1, 0
        return shard

    @property
    def first(self) -> bool:
        """Whether this is the process that prints."""
        return self.rank == 0

    def __enter__(self) -> "Shard":
        """Raises UserError where the others cannot be met."""
        if self.world > 1:
            try:
                store, rank, world = next(rendezvous("env://", timeout=JOINING))
                torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=JOINING)
            except (RuntimeError, ValueError) as error:
                why = str(error).splitlines()[0][:200]
                raise UserError(
                    f"worker {self.rank} of {self.world} did not meet the others ({why}); start all with torchrun"
                ) from None
            mine = torch.distributed.PrefixStore(self.agreed(uuid4().hex), store)  # torchrun's may be of an earlier try
            self.watch = Watch(mine, rank, world)
            self.group = torch.distributed.new_group(timeout=PATIENCE)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.watch and kind is None:
            self.gathered(())  # the first may have tables to write yet: where it fails, all do
            self.watch.stop(failed=False)
            time.sleep(MOMENT)
            torch.distributed.destroy_process_group()
        elif self.watch:
            self.watch.stop(failed=True)  # connections last until the error is said, so that it is said once

    def agreed(self, value: T) -> T:
        """The first process's value, in all of them."""
        if self.world == 1:
            return value
        box: list[Any] = [value]
        with self._together():
            torch.distributed.broadcast_object_list(box, src=0, group=self.group)
        return box[0]

    def gathered(self, value: Sequence[T]) -> list[T]:
        """All processes' items, in all of them, once each has come here."""
        if self.world == 1:
            return list(value)
        boxes: list[Any] = [None] * self.world
        with self._together():
            torch.distributed.all_gather_object(boxes, list(value), group=self.group)
        return [item for box in boxes for item in box]

    def in_turn(self, make: Callable[[], T]) -> T:
        """Made by the first process before the others, so that a download or a rendering happens once.

        What `make` leaves in `handed` the others have in theirs. Where that fails, the first process raises the error
        and the others leave quietly.
        """
        made, error = None, None
        if self.first:
            try:
                made = make()
            except Exception as caught:
                error = caught
        made_well, self.handed = self.agreed((error is None, self.handed))
        if not made_well:
            raise error or SystemExit(2)
        return made if self.first else make()  # type: ignore[return-value]

    def failure(self, error: Exception) -> BaseException:
        """What to raise for an error that all processes know of: the first says it, the others leave quietly."""
        return error if self.first else SystemExit(2)

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Every world-th item, beginning with this process's rank."""
        return items[self.rank :: self.world]

    @contextmanager
    def _together(self) -> Iterator[None]:
        """For what all processes do at the same time: a connection that breaks off is a worker that ended."""
        try:
            yield
        except RuntimeError:
            if self.watch and self.watch.failed():
                raise SystemExit(2) from None  # who failed has said why
            raise UserError(
                "another worker ended before its work was done; what is finished is kept, run the same command again"
            ) from None
