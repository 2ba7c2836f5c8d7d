"""Finished blocks are written beside the work: the disk takes milliseconds for each until it is safe."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from results.store import Block, Store

WAITING = 4  # blocks that are not on the disk yet


class Writer:
    """Writes blocks in one thread, in the order in which they come."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.waiting: deque[Future[None]] = deque()

    def write(self, store: Store, number: int, block: Block) -> None:
        """Have a block written soon. Raises StoreError where one before could not be."""
        self.waiting.append(self.pool.submit(store.write, number, block))
        while len(self.waiting) > WAITING or (self.waiting and self.waiting[0].done()):
            self.waiting.popleft().result()

    def finish(self) -> None:
        """Wait until all are written. Raises StoreError."""
        while self.waiting:
            self.waiting.popleft().result()


@contextmanager
def writing() -> Iterator[Writer]:
    """What was handed over is written in any case, also where the body fails. Raises StoreError."""
    with ThreadPoolExecutor(1, thread_name_prefix="write") as pool:
        writer = Writer(pool)
        yield writer
        writer.finish()
