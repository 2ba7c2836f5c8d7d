"""Items of a set stacked into batches, prepared ahead of the net on threads: no process to start, no shared memory."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import torch
from torch.utils.data import Dataset

from bench.interrupt import heed


class Feed:
    """Threads that prepare items, the same ones from epoch to epoch; with none it is done when a batch is wanted.

    Decoding and rescaling leave Python's lock to others: threads are as fast as processes. Batches lie in `pinned`
    memory where a device is to fetch them by itself.
    """

    def __init__(self, threads: int, pinned: bool = False) -> None:
        self.threads = threads
        self.room = partial(torch.empty, pin_memory=pinned)
        self._pool: ThreadPoolExecutor | None = None

    def batches(self, items: Dataset, order: Sequence[int], batch: int) -> Iterator[list[torch.Tensor]]:
        """The items at these indices, so many at a time, each field of theirs stacked; the last batch may be smaller.

        Up to a batch is prepared beside the one at work. Raises what an item raises.
        """
        ahead: deque[Future[tuple]] = deque()
        try:
            for start in range(0, len(order), batch):
                heed()
                if self.threads:
                    for i in order[start + len(ahead) : start + batch + max(batch, self.threads)]:
                        ahead.append(self._begun().submit(items.__getitem__, i))
                    found = [ahead.popleft().result() for _ in order[start : start + batch]]
                else:
                    found = [items[i] for i in order[start : start + batch]]
                yield [self._stacked(field) for field in zip(*found, strict=True)]
        finally:
            for future in ahead:
                future.cancel()

    def close(self) -> None:
        """End the threads; they begin anew where more batches are asked for."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _begun(self) -> ThreadPoolExecutor:
        if self._pool is None:
            torch.get_num_threads()  # settles how many threads compute, before those that prepare get one each
            one = partial(torch.set_num_threads, 1)
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="prepare", initializer=one)
        return self._pool

    def _stacked(self, field: Sequence[torch.Tensor | int]) -> torch.Tensor:
        values = [torch.as_tensor(each) for each in field]
        return torch.stack(values, out=self.room((len(values), *values[0].shape), dtype=values[0].dtype))
