"""A store that several workers share, perhaps on several machines: what they must agree on, and what they see of it."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from bench.engine.workers import Shard
from bench.errors import UserError
from results.store import Store, StoreError

PATIENCE = 75.0  # seconds; NFS may show a new file on another machine only after a minute


def check_same(stores: Sequence[Store], shard: Shard) -> None:
    """Raise UserError unless all workers have the same weights, images and options, by the keys of their parts."""
    first, *others = shard.gathered([[store.folder.name for store in stores]])
    for worker, theirs in enumerate(others, 1):
        if theirs != first:
            raise shard.failure(
                UserError(
                    f"worker {worker} has other weights, images or options than the first; "
                    "give all machines the same files and command, and for another --dtype than fp32 the same device"
                )
            )


def check_shared(root: Path, shard: Shard) -> None:
    """Raise UserError unless what the first worker writes into the store is seen by all, StoreError if it cannot."""
    mark = root / shard.agreed(f".{uuid4().hex}")
    if shard.first:
        try:
            mark.touch()
        except OSError as error:
            raise StoreError(f"cannot write to the store {root}: {error.strerror}; give --store DIR") from None
    shard.gathered(())
    blind = shard.gathered([] if appears(mark) else [shard.rank])
    if shard.first:
        mark.unlink(missing_ok=True)
    if blind:
        raise shard.failure(
            UserError(
                f"worker {blind[0]} does not see what the first one writes into the store {root}; "
                "give --store DIR on a file system that all machines share"
            )
        )


def appears(path: Path) -> bool:
    """Wait until a file that another worker wrote is seen here; False where that takes longer than PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            return False
        with suppress(OSError):
            os.listdir(path.parent)  # has a network's file system look again
        time.sleep(0.2)
    return True
