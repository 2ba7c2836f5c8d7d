"""The loop: fill the missing blocks of the wanted parts, decoding each image once for all of them."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from bench.engine.agreement import appears, check_same, check_shared
from bench.engine.capacity import Capacity
from bench.engine.compiling import compile_nets
from bench.engine.part_posteriors import Advance, part_posteriors
from bench.engine.request import Computation
from bench.engine.view_batches import scaling_of
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.limits import LIMITS
from bench.images.loader import Loader, Prepared
from bench.nets.device import device_name
from bench.nets.model import Model
from bench.nets.torch_settings import single_threads
from bench.progress import Meter, progress, warn
from bench.provenance import computing
from protocols.protocol import Part
from results.formatting import shown
from results.posteriors import Posteriors
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
) -> None:
    """Compute every block that a task's store lacks, this process's share of them, and wait for the other processes.

    With `skip`, images that cannot be decoded are left out of the blocks; else a UserError lists them all, and blocks
    without such images are kept. Raises StoreError where a block cannot be kept.
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
        "evaluating" + f" (worker {shard.rank + 1} of {shard.world})" * (shard.world > 1),
        sum(len(blocks[b]) for b, _ in mine),
        "image",
    )
    with engine(images, tasks[0].model, how.batch, how.loading) as (loader, capacity):
        try:
            work = ((tasks[t].model, tasks[t].part, costs[t] * len(blocks[b])) for b, ts in mine for t in ts)
            compile_nets(work, how.compile)
            scalings = [scaling_of(task.part, task.model.pixels) for task in tasks]
            wanted = [(blocks[b], sorted({scalings[t] for t in ts})) for b, ts in mine]
            prepared = loader.blocks(wanted)
            for number, needed in mine:
                start = time.perf_counter()
                block = next(prepared)
                waited = (time.perf_counter() - start) / len(needed)
                corrupt = tuple(images.ids[i] for i, image in zip(blocks[number], block, strict=True) if image is None)
                if corrupt and not skip:
                    raise _undecodable(loader.undecodable())
                for t in needed:
                    meter.at(f"{tasks[t].model.name} {tasks[t].part}")
                    start = time.perf_counter()
                    posteriors = compute(
                        tasks[t].model, tasks[t].part, images, blocks[number], block, capacity, meter.add
                    )
                    seconds = time.perf_counter() - start + waited
                    tasks[t].store.write(
                        number, Block(posteriors, seconds, name, corrupt, computing() | tasks[t].model.engine.made)
                    )
                del block
        finally:
            meter.close()
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
        loader = Loader(images, loading, forgiving)
        one = partial(torch.set_num_threads, 1)  # one may begin when another evaluation has put back more
        pool = ThreadPoolExecutor(threads, thread_name_prefix="net", initializer=one)
        try:
            yield loader, Capacity(batch_size, model.device, pool if threads > 1 else None)
        finally:
            pool.shutdown(cancel_futures=True)
            loader.close()


def cost(model: Model, part: Part) -> float:
    """Pixels that the net sees per image, as for a 4:3 one: what the progress bar counts in."""
    if part.whole:
        return part.nominal_views * part.Q**2 * 4 / 3
    return part.nominal_views * model.side**2


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


def _undecodable(names: Sequence[str]) -> UserError:
    return UserError(
        f"{len(names)} image(s) cannot be decoded, or are too large ({LIMITS}): {', '.join(map(shown, names))}; "
        "mend or remove them, or give --skip-corrupt"
    )


def compute(
    model: Model,
    part: Part,
    images: Images,
    indices: range,
    block: Sequence[Prepared | None],
    capacity: Capacity,
    advance: Advance,
) -> Posteriors:
    """One part on those images of a block that can be decoded. Raises UserError for posteriors that are not finite."""
    model.ready(part)
    good = [(i, image) for i, image in zip(indices, block, strict=True) if image is not None]
    probs = part_posteriors(model, part, [image for _, image in good], capacity, advance, cost(model, part))
    ids = np.array([images.ids[i] for i, _ in good], dtype=str)
    _refuse_nonfinite(probs, ids, model, part)
    return Posteriors(probs, images.labels[[i for i, _ in good]], ids)


def _refuse_nonfinite(probs: np.ndarray, ids: np.ndarray, model: Model, part: Part) -> None:
    bad = ~np.isfinite(probs).all(1)
    if bad.any():
        raise UserError(
            f"{model.name} gives a posterior that is not finite for {shown(ids[bad.argmax()])} under {part}; "
            "check weights and --pixels, or give --dtype fp32"
        )
