"""Items of a set stacked into batches, prepared ahead of the net on threads: no process to start, no shared memory."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import torch
from torch.utils.data import Dataset, default_collate

from bench.interrupt import heed


def batches_of(items: Dataset, order: Sequence[int], batch: int, workers: int) -> Iterator[list[torch.Tensor]]:
    """The items at these indices, so many at a time, each field of theirs stacked; the last batch may be smaller.

    `workers` threads prepare up to a batch beside the one at work; with none it is done when a batch is wanted.
    Decoding and rescaling leave Python's lock to others: threads are as fast as processes. Raises what an item raises.
    """
    if not workers:
        for start in range(0, len(order), batch):
            heed()
            yield default_collate([items[i] for i in order[start : start + batch]])
        return
    torch.get_num_threads()  # settles how many threads compute, before those that prepare get one each
    pool = ThreadPoolExecutor(workers, thread_name_prefix="prepare", initializer=partial(torch.set_num_threads, 1))
    try:
        ahead: deque[Future[tuple]] = deque()
        for start in range(0, len(order), batch):
            heed()
            for i in order[start + len(ahead) : start + 2 * batch]:
                ahead.append(pool.submit(items.__getitem__, i))
            yield default_collate([ahead.popleft().result() for _ in order[start : start + batch]])
    finally:
        pool.shutdown(cancel_futures=True)
