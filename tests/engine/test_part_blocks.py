"""Blocks under parts: their numbers do not depend on what is computed beside them."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image
from test_parts import CPU, Fake

from bench.engine.capacity import Capacity
from bench.engine.fill import blocks_of
from bench.engine.lanes import Here, Threads
from bench.engine.part_blocks import PartBlock, PartBlocks, Wanted
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.loader import Loader
from protocols.protocol import Part

PARTS = [Part("centre", 40), Part("dense", 36), Part("tencrop", 36)]
COUNT = 5 * 32 + 7


class Net(Fake):
    name = "a net"

    def ready(self, part: Part) -> None: ...


class Bar:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.done, self.named = 0.0, []

    def at(self, part: str) -> None:
        self.named.append(part)

    def add(self, cost: float) -> None:
        self.done += cost


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Images:
    folder = tmp_path_factory.mktemp("images")
    paths = tuple(folder / f"{k:03}.png" for k in range(COUNT))
    for k, path in enumerate(paths):
        make_image((50 + k % 3, 41), k).save(path)
    return Images("x", paths, tuple(path.name for path in paths), np.arange(COUNT) % 3, ("a", "b", "c"), COUNT)


def wanted_of(images: Images, parts: dict[int, list[int]] | None = None) -> list[Wanted]:
    """Blocks, by number with the parts that are wanted of each; all of all if nothing is said."""
    blocks = blocks_of(images)
    return [Wanted(b, blocks[b], ts) for b, ts in (parts or dict.fromkeys(range(len(blocks)), (0, 1, 2))).items()]


def computed(images: Images, wanted: list[Wanted], capacity: Capacity, skip: bool = False, net: Fake | None = None):
    loader = Loader(images, 2, bring=capacity.lane.bring)
    pairs = [(net or Net(), part) for part in PARTS]
    try:
        yield from PartBlocks(pairs, images, loader, capacity, Bar()).computed(wanted, skip)
    finally:
        loader.close()


def numbers(found: list[PartBlock]) -> dict[tuple[int, int], np.ndarray]:
    return {(each.block.wanted.number, each.part): each.rows.probs for each in found}


@pytest.fixture(scope="module")
def alone(images) -> dict[tuple[int, int], np.ndarray]:
    """Each block under each part in a computation of its own."""
    return {
        (block, part): next(computed(images, wanted_of(images, {block: [part]}), Capacity(8, CPU))).rows.probs
        for block in range(len(blocks_of(images)))
        for part in range(len(PARTS))
    }


def assert_same(found: dict, alone: dict) -> None:
    assert all(np.array_equal(each, alone[key]) for key, each in found.items())


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_blocks_beside_each_other_are_what_they_are_alone(images, alone, threads):
    with ThreadPoolExecutor(threads) as pool:
        capacity = Capacity(8, CPU, Threads(pool, threads))
        found = list(computed(images, wanted_of(images), capacity))
    assert numbers(found).keys() == alone.keys()
    assert_same(numbers(found), alone)


@pytest.mark.parametrize("lacking", [{0: [0, 1, 2]}, {1: [2], 2: [0], 4: [0, 1], 5: [1]}, {0: [1], 1: [1], 5: [0, 2]}])
@pytest.mark.parametrize("joined", [False, True])
def test_only_what_is_missing_is_computed_and_is_the_same(images, alone, lacking, joined):
    found = numbers(list(computed(images, wanted_of(images, lacking), Capacity(100, CPU, Here(joined)))))
    assert found.keys() == {(block, part) for block, parts in lacking.items() for part in parts}
    assert_same(found, alone)


def test_where_views_are_joined_a_batch_has_those_of_several_blocks(images, alone):
    net = Net()
    found = list(computed(images, wanted_of(images), Capacity(100, CPU, Here(joined=True)), net=net))
    assert max(count for count, *_ in net.seen) == 100
    assert_same(numbers(found), alone)
    assert [each.rows.ids[0] for each in found if each.part == 0] == [images.ids[k] for k in range(0, COUNT, 32)]


def test_without_joining_no_batch_has_views_of_two_blocks(images):
    net = Net()
    list(computed(images, wanted_of(images), Capacity(100, CPU, Here(joined=False)), net=net))
    assert [count for count, *_ in net.seen if count in (7, 32)] == [32] * 5 + [7]  # of the centre's one view


def test_blocks_share_the_time_among_them(images):
    start = time.perf_counter()
    found = list(computed(images, wanted_of(images), Capacity(8, CPU)))
    took = time.perf_counter() - start
    assert all(each.seconds > 0 for each in found)
    assert 0.8 * took < sum(each.seconds for each in found) <= took


@pytest.mark.parametrize("joined", [False, True])
def test_blocks_before_one_that_cannot_be_decoded_are_kept(images, tmp_path, alone, joined):
    broken = tmp_path / "broken.png"
    broken.write_bytes(Path(images.sources[70]).read_bytes()[:100])
    sources = tuple(broken if k == 70 else path for k, path in enumerate(images.sources))
    partly = Images("x", sources, images.ids, images.labels, images.classes, COUNT)
    found = []
    with pytest.raises(UserError, match=r"1 image\(s\) cannot be decoded.*070.png"):
        found.extend(computed(partly, wanted_of(partly), capacity_of(joined)))
    assert numbers(found).keys() == {(block, part) for block in (0, 1) for part in range(3)}
    assert_same(numbers(found), alone)
    skipped = list(computed(partly, wanted_of(partly), capacity_of(joined), skip=True))
    assert {(each.block.wanted.number, *each.block.bad) for each in skipped if each.block.bad} == {(2, 70)}
    for key, probs in numbers(skipped).items():
        assert np.array_equal(probs, np.delete(alone[key], 70 - 64, axis=0) if key[0] == 2 else alone[key])


def capacity_of(joined: bool) -> Capacity:
    return Capacity(100 if joined else 8, CPU, Here(joined))


def test_all_of_a_block_may_be_missing(images, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    none = Images("x", (broken,) * 3, ("a", "b", "c"), images.labels[:3], images.classes, 3)
    for joined in (False, True):
        found = list(computed(none, wanted_of(none), capacity_of(joined), skip=True))
        assert [len(each.rows.probs) for each in found] == [0] * 3
