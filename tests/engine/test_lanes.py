"""Where batches are computed changes nothing, not even where memory runs out only as a result is asked for."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from test_parts import CPU, SIDE, Fake, Q, block_of, room_for

from bench.engine.batch_stream import finished
from bench.engine.capacity import Capacity
from bench.engine.lanes import Cuda, Done, Here, Lane, Late, Threads
from bench.engine.part_posteriors import PartWork, part_posteriors
from bench.engine.view_batches import pixels_of, views_of
from bench.errors import UserError
from bench.images.loader import Prepared
from bench.images.pixels import NAMED
from protocols.protocol import Part

PARTS = [Part("multicrop", Q), Part("dense", Q), Part("tencrop", Q)]


class Lagging(Here):
    """Begins in this thread and hands over `late` batches later; every third result finds no room on its way."""

    def __init__(self, late: int, lacking: bool = False) -> None:
        super().__init__(joined=True)
        self.late, self.lacking, self.order = late, lacking, []

    def begin(self, compute):
        value = super().begin(compute).result()
        number = len(self.order) // 2
        self.order.append(("begun", number))
        lane = self

        class Result(Done):
            def result(self):
                lane.order.append(("taken", number))
                if lane.lacking and number % 3 == 1 and isinstance(value, np.ndarray) and len(value) > 2:
                    raise torch.OutOfMemoryError("CUDA out of memory")
                return value

        return Result(value)


@pytest.fixture
def block() -> list[Prepared]:
    return block_of(43, 43, 50)


@pytest.fixture(params=["here", "threads", "late", "later than there are batches"])
def lane(request) -> Iterator[Lane]:
    with ThreadPoolExecutor(3) as pool:
        lanes = {"here": Here(joined=False), "threads": Threads(pool, 3), "late": Lagging(1)}
        yield lanes.get(request.param, Lagging(1000))


def expected(block: list[Prepared], part: Part) -> np.ndarray:
    return part_posteriors(Fake(), part, block, Capacity(7, CPU))


def test_works_come_in_order_with_the_same_numbers_in_every_lane(block, lane):
    capacity = Capacity(7, CPU, lane)
    works = [PartWork(Fake(), part, block, capacity) for part in PARTS]
    assert [id(each) for each in finished(iter(works), capacity)] == [id(each) for each in works]
    for work, part in zip(works, PARTS, strict=True):
        assert np.array_equal(work.averages(), expected(block, part))


def test_results_are_taken_while_the_next_batch_is_begun(block):
    lane = Lagging(1)
    part_posteriors(Fake(), PARTS[0], block, Capacity(50, CPU, lane))
    assert [what for what, _ in lane.order] == ["begun", "begun", "taken", "begun", "taken", "taken"]


def test_the_next_work_begins_while_the_last_batch_of_one_is_under_way(block):
    begun = []

    def works() -> Iterator[PartWork]:
        for part in PARTS:
            begun.append(part)
            yield PartWork(Fake(), part, block, capacity)

    capacity = Capacity(1000, CPU, Lagging(1))
    next(finished(works(), capacity))
    assert len(begun) == 2


@pytest.mark.parametrize("room", [1, 2, 7, 30])
def test_a_lack_of_memory_loses_nothing_in_any_lane(block, lane, room):
    tight = Fake(room_for(room))
    found = part_posteriors(tight, PARTS[0], block, Capacity(50, CPU, lane))
    assert np.array_equal(found, expected(block, PARTS[0]))
    assert tight.device.used == 0


@pytest.mark.parametrize("late", [0, 1, 5])
def test_a_lack_of_memory_that_shows_with_a_late_result_loses_nothing(block, late):
    capacity = Capacity(7, CPU, Lagging(late, lacking=True))
    works = [PartWork(Fake(), part, block, capacity) for part in PARTS]
    for work, part in zip(finished(works, capacity), PARTS, strict=True):
        assert np.array_equal(work.averages(), expected(block, part))
    assert capacity.divide(works[0].model, works[0].views)[0].pixels < 7 * SIDE**2  # it was noticed


def test_one_view_without_room_is_an_error_in_every_lane(block, lane):
    with pytest.raises(UserError, match="out of memory with one view"):
        part_posteriors(Fake(0), PARTS[1], block, Capacity(4, CPU, lane))


def test_what_was_begun_before_an_error_comes_first(block, lane):
    capacity = Capacity(7, CPU, lane)

    def works() -> Iterator[PartWork]:
        yield PartWork(Fake(), PARTS[0], block, capacity)
        yield PartWork(Fake(), PARTS[1], block, capacity)
        raise UserError("a disk fails")

    found = finished(works(), capacity)
    assert [len(next(found).views) for _ in range(2)] == [150, 6]
    with pytest.raises(UserError, match="a disk fails"):
        next(found)


def test_large_images_are_not_held_beside_others(block, lane, monkeypatch):
    monkeypatch.setattr("bench.engine.batch_stream.HELD", 1)
    capacity, held = Capacity(1000, CPU, lane), 0

    def works() -> Iterator[PartWork]:
        nonlocal held
        for part in PARTS:
            assert held == 0
            held += 1
            yield PartWork(Fake(), part, block, capacity)

    for _ in finished(works(), capacity):
        held -= 1


def test_threads_compute_at_once(block):
    """Three batches that wait for one another come to an end."""
    together = threading.Barrier(3, timeout=60)

    class Waiting(Fake):
        def begun(self, views, whole):
            together.wait()
            return super().begun(views, whole)

    with ThreadPoolExecutor(3) as pool:
        found = part_posteriors(Waiting(), PARTS[0], block, Capacity(50, CPU, Threads(pool, 3)))
    assert np.array_equal(found, expected(block, PARTS[0]))


def test_a_device_gets_each_image_once_and_cuts_it_there(block, accelerator):
    lane = Cuda(accelerator)
    brought = [lane.bring(image) for image in block]
    for image, there in zip(block, brought, strict=True):
        assert there.at == image.at  # stays where it was, for what is drawn of it
        for scaling, pixels in there.there.items():
            assert pixels.device.type == accelerator.type
            assert torch.equal(pixels.cpu(), image.at[scaling])
    for part in PARTS:
        near, far = (views_of(images, part, SIDE, NAMED["torchvision"])[:2] for images in (block, brought))
        found = pixels_of(far)
        assert found.device.type == accelerator.type
        assert torch.equal(found.cpu(), pixels_of(near))


def test_an_image_without_room_on_the_device_is_cut_on_the_host(block, accelerator, monkeypatch):
    lane = Cuda(accelerator)
    brought = [lane.bring(image) for image in block[:1]]

    def lacking(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(lane, "_copied", lacking)
    brought += [lane.bring(image) for image in block[1:]]
    assert [bool(image.there) for image in brought] == [True, False, False]
    centre = Part("centre", Q)
    found = pixels_of(views_of(brought, centre, SIDE, NAMED["torchvision"]))
    assert torch.equal(found, pixels_of(views_of(block, centre, SIDE, NAMED["torchvision"])))


def test_a_devices_results_are_on_their_way_until_asked_for(accelerator):
    lane = Cuda(accelerator)
    values = torch.arange(6.0).view(2, 3)
    first, second = (lane.begin(lambda k=k: values.to(accelerator) + k) for k in range(2))
    assert isinstance(first, Late)
    assert np.array_equal(second.result(), values.numpy() + 1)
    assert np.array_equal(first.result(), values.numpy())
    assert lane.begin(lambda: "no tensor").result() == "no tensor"
    lane.settle()


@pytest.mark.parametrize("room", [3, float("inf")])
def test_a_device_computes_what_the_host_does(block, accelerator, room):
    lane = Cuda(accelerator)
    brought = [lane.bring(image) for image in block]
    for part in PARTS:
        tight = Fake(room_for(room) if room < 1000 else room)
        found = part_posteriors(tight, part, brought, Capacity(7, accelerator, lane))
        assert np.allclose(found, expected(block, part), atol=1e-5)
