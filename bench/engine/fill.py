"""The loop: fill the missing blocks of the wanted parts, decoding each image once for all of them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

import torch

from bench.engine.agreement import appears, check_same, check_shared
from bench.engine.capacity import Capacity
from bench.engine.compiling import compile_nets
from bench.engine.lanes import lane_of
from bench.engine.part_blocks import PartBlocks, Wanted, cost
from bench.engine.request import Computation
from bench.engine.workers import Shard
from bench.engine.writer import writing
from bench.images.dataset import Images
from bench.images.loader import Loader
from bench.nets.device import device_name
from bench.nets.model import Model
from bench.nets.torch_settings import single_threads
from bench.progress import Meter, busy, progress, warn
from bench.provenance import computing
from protocols.protocol import Part
from results.store import BLOCK, Block, Expected, Store


@dataclass(frozen=True)
class Task:
    """A part of a model's evaluation and where its blocks are kept."""

    model: Model
    part: Part
    store: Store


def fill(
    tasks: Sequence[Task],
    images: Images,
    shard: Shard,
    how: Computation,
    fresh: bool,
    skip: bool,
    doing: str = "evaluating",
) -> None:
    """Compute every block that a task's store lacks, this process's share of them, and wait for the other processes.

    With `skip`, images that cannot be decoded are left out of the blocks; else a UserError lists them all, and blocks
    without such images are kept. `doing` is said of it meanwhile. Raises StoreError where a block cannot be kept.
    """
    blocks = blocks_of(images)
    stores = [task.store for task in tasks]
    check_same(stores, shard)
    missing = shard.agreed(_missing(stores, images, fresh, skip) if shard.first else [])
    if missing and shard.world > 1:
        check_shared(stores[0].folder.parent, shard)
    mine = shard.share(missing)
    device = tasks[0].model.device
    name = device_name(device)
    costs = [cost(task.model, task.part) for task in tasks]
    meter = Meter(
        sum(costs[t] * len(blocks[b]) for b, ts in mine for t in ts),
        doing + f" (worker {shard.rank + 1} of {shard.world})" * (shard.world > 1),
        sum(len(blocks[b]) for b, _ in mine),
        "image",
    )
    wanted = [Wanted(b, blocks[b], ts) for b, ts in mine]
    with (
        engine(images, tasks[0].model, how.batch, how.loading) as (loader, capacity),
        closing(meter),
        writing() as writer,
    ):
        work = ((tasks[t].model, tasks[t].part, costs[t] * len(blocks[b])) for b, ts in mine for t in ts)
        compile_nets(work, how.compile)
        part_blocks = PartBlocks([(task.model, task.part) for task in tasks], images, loader, capacity, meter)
        for found in part_blocks.computed(wanted, skip):
            task, corrupt = tasks[found.part], tuple(images.ids[i] for i in found.block.bad)
            made = computing() | task.model.engine.made
            block = Block(found.rows, found.seconds, name, corrupt, made)
            writer.write(task.store, found.block.wanted.number, block)
    with busy("waiting for the other workers"):
        shard.gathered(())
    if shard.first:  # a block that never appears is for the tally to say
        all(appears(stores[t].path(number)) for number, ts in missing for t in ts)


def blocks_of(images: Images) -> list[range]:
    """The indices of the images in each block."""
    return [range(start, min(start + BLOCK, len(images))) for start in range(0, len(images), BLOCK)]


@contextmanager
def engine(
    images: Images, model: Model, batch_size: int | None, loading: int, forgiving: bool = False
) -> Iterator[tuple[Loader, Capacity]]:
    """Threads that prepare images and threads that run nets on them, as long as they are needed."""
    with model.precision.settings(), single_threads(model.device) as threads:
        one = partial(torch.set_num_threads, 1)  # one may begin when another evaluation has put back more
        pool = ThreadPoolExecutor(threads, thread_name_prefix="net", initializer=one)
        lane = lane_of(model.device, pool, threads)
        loader = Loader(images, loading, forgiving, lane.bring)
        try:
            yield loader, Capacity(batch_size, model.device, lane)
        finally:
            pool.shutdown(cancel_futures=True)
            loader.close()


def expected_of(images: Images) -> list[Expected]:
    """What each block is to hold."""
    right = images.right.classes if images.right else None
    return [
        Expected(images.ids[each.start : each.stop], images.labels[each], right and right[each.start : each.stop])
        for each in blocks_of(images)
    ]


def _missing(stores: Sequence[Store], images: Images, fresh: bool, skip: bool) -> list[tuple[int, list[int]]]:
    """(block, tasks that lack it), by number. A stored block counts if it reads back whole and holds these images."""
    found = []
    blocks = expected_of(images)
    for number, expected in enumerate(progress(blocks, len(blocks), "looking for stored blocks", "block")):
        lacking = [t for t, store in enumerate(stores) if fresh or not _holds(store, number, expected, skip)]
        if lacking:
            found.append((number, lacking))
    for store in stores if found else ():
        store.tidy()
    return found


def _holds(store: Store, number: int, expected: Expected, skip: bool) -> bool:
    if not store.has(number):
        return False
    block = store.read(number)
    if block is None or not block.holds(expected):
        what = "is damaged" if block is None else "holds other images or labels"
        warn(f"stored block {store.path(number)} {what}; it is computed again")
        return False
    return skip or not block.corrupt
