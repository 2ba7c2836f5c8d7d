"""One part on a few images: what its views give, whatever room there is for them."""

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from bench.engine.capacity import Capacity
from bench.engine.lanes import Threads
from bench.engine.part_posteriors import part_posteriors
from bench.errors import UserError
from bench.images.loader import Prepared
from bench.images.pixels import NAMED
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from bench.nets.out_of_memory import out_of_memory
from protocols.protocol import Part
from protocols.view import Size

CPU = torch.device("cpu")
SIDE, Q = 32, 37
LACKING = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    MemoryError(),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    RuntimeError("could not create a primitive"),  # so oneDNN, where torch's own allocator is not asked
    RuntimeError("std::bad_alloc"),
    RuntimeError("[ONNXRuntimeError] : 6 : bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 9"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB)."),
    RuntimeError("Native API failed. Native API returns: 40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)"),
    RuntimeError("level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"),
]
OTHERS = [
    RuntimeError("shapes do not fit"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"),
    ValueError("out of memory"),
]


class Activation:
    """Takes room for as long as anything refers to it."""

    def __init__(self, device: "Device", size: int) -> None:
        device.take(size)
        weakref.finalize(self, device.take, -size)


class Device:
    """Memory for so many pixels; what is held is held, by a traceback too."""

    def __init__(self, room: float, error: Exception | None = None) -> None:
        self.room, self.used = room, 0
        self.error = error or torch.OutOfMemoryError("CUDA out of memory")
        self.lock = threading.RLock()

    def take(self, size: int) -> None:
        with self.lock:
            if self.used + size > self.room:
                raise type(self.error)(*self.error.args)  # one of its own: an error holds where it was raised
            self.used += size


class Fake:
    """Stands in for a model: two layers, whose activations take as many pixels each as its views have."""

    side, count, grid, pixels = SIDE, 3, None, NAMED["torchvision"]

    def __init__(self, room: float = float("inf"), error: Exception | None = None) -> None:
        self.device, self.seen = Device(room, error), []

    posteriors_of = staticmethod(lambda views: views.float().mean((2, 3)).softmax(1))

    def begun(self, views: torch.Tensor, whole: bool) -> torch.Tensor:
        first = Activation(self.device, views[:, 0].numel())
        second = Activation(self.device, views[:, 0].numel())
        self.seen.append(tuple(views.shape[:1] + views.shape[2:]))
        del first, second
        return self.posteriors_of(views)


class FakeGrid(Fake):
    """One that also takes all crops of a grid at once, in the room of the image's pixels ten times over."""

    grid = True

    def begun_grid(self, image: torch.Tensor, tops: list[int], lefts: list[int]) -> torch.Tensor:
        held = Activation(self.device, 10 * image[0].numel())
        self.seen.append("grid")
        del held
        crops = [torch.stack([image[:, top : top + SIDE, left : left + SIDE] for top in tops]) for left in lefts]
        return torch.stack([self.posteriors_of(each) for each in crops])


def room_for(views: int) -> int:
    return 2 * views * SIDE**2


def block_of(*sides: int, Q: int = Q) -> list[Prepared]:
    torch.manual_seed(0)
    images = [torch.randint(0, 256, (3, side, side * 4 // 3), dtype=torch.uint8) for side in sides]
    return [
        Prepared(Size(side * 4 // 3, side), {Scaling(Q): rescale(x, Scaling(Q))})
        for side, x in zip(sides, images, strict=True)
    ]


@pytest.fixture
def block() -> list[Prepared]:
    return block_of(43, 43, 43)


def views(fake: Fake) -> int:
    return sum(count for count, *_ in fake.seen)


def test_room_for_30_views_is_enough_for_a_batch_of_50(block):
    """A failed attempt's activations are gone before the next one."""
    capacity, tight = Capacity(50, CPU), Fake(room_for(30))
    found = part_posteriors(tight, Part("multicrop", Q), block, capacity)
    assert [count for count, *_ in tight.seen] == [25] * 6
    assert tight.device.used == 0
    assert np.array_equal(found, part_posteriors(Fake(), Part("multicrop", Q), block, Capacity(64, CPU)))


@pytest.mark.parametrize("room", [1, 2, 7, 20, 49])
def test_running_out_of_memory_loses_nothing(block, room):
    tight = Fake(room_for(room))
    found = part_posteriors(tight, Part("multicrop", Q), block, Capacity(64, CPU))
    assert views(tight) == 150
    assert max(tight.seen)[0] <= room
    assert np.array_equal(found, part_posteriors(Fake(), Part("multicrop", Q), block, Capacity(64, CPU)))


@pytest.mark.parametrize("room", [1, 4, 8, 40])
def test_batches_in_several_threads_change_nothing_not_even_when_memory_runs_out(block, room):
    """With room for one view three threads are in each other's way: what fails alone is computed alone."""
    with ThreadPoolExecutor(3) as pool:
        tight = Fake(room_for(room))
        found = part_posteriors(tight, Part("multicrop", Q), block, Capacity(30, CPU, Threads(pool, 3)))
    assert views(tight) == 150
    assert np.array_equal(found, part_posteriors(Fake(), Part("multicrop", Q), block, Capacity(64, CPU)))


def test_a_batch_grows_again_for_smaller_images():
    """Large images went through one by one; small ones must not."""
    capacity, tight = Capacity(64, CPU), Fake(room_for(12))
    part_posteriors(tight, Part("dense", 86), block_of(*[86] * 4, Q=86), capacity)
    assert {count for count, *_ in tight.seen} == {1}
    tight.seen.clear()
    part_posteriors(tight, Part("dense", 32), block_of(*[32] * 4, Q=32), capacity)
    assert max(tight.seen)[0] >= 7


def test_one_nets_lack_of_memory_is_not_anothers(block):
    capacity = Capacity(50, CPU)
    part_posteriors(Fake(room_for(2)), Part("multicrop", Q), block, capacity)
    other = Fake()
    part_posteriors(other, Part("multicrop", Q), block, capacity)
    assert [count for count, *_ in other.seen] == [50] * 3


def test_a_grid_that_does_not_fit_is_computed_crop_by_crop_and_not_tried_again(block):
    tight, roomy = FakeGrid(room_for(8)), FakeGrid()
    capacity = Capacity(64, CPU)
    found = part_posteriors(tight, Part("multicrop", Q), block, capacity)
    assert "grid" not in tight.seen
    assert views(tight) == 150
    assert np.array_equal(found, part_posteriors(roomy, Part("multicrop", Q), block, Capacity(64, CPU)))
    assert set(roomy.seen) == {"grid"}


def test_out_of_memory_with_one_view_ends_with_one_line(block):
    with pytest.raises(UserError, match=r"one view of '', 49x37 pixels \(CUDA out of memory\); give smaller Q"):
        part_posteriors(Fake(0), Part("dense", Q), block, Capacity(4, CPU))


@pytest.mark.parametrize("error", LACKING, ids=str)
def test_every_word_for_lack_of_memory_is_known(block, error):
    assert out_of_memory(error)
    tight = Fake(room_for(3), error)
    part_posteriors(tight, Part("multicrop", Q), block, Capacity(4, CPU))
    assert views(tight) == 150


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_another_error_is_not_taken_for_lack_of_memory(block, error):
    assert not out_of_memory(error)
    with pytest.raises(type(error), match=str(error)[:9]):
        part_posteriors(Fake(0, error), Part("dense", Q), block, Capacity(4, CPU))


def test_coinciding_views_are_computed_once_and_weighted():
    torch.manual_seed(0)
    image = torch.randint(0, 256, (3, 36, 46), dtype=torch.uint8)
    fake = Fake()
    prepared = [Prepared(Size(46, 36), {Scaling(36): image})]
    found = part_posteriors(fake, Part("multicrop", 36), prepared, Capacity(64, CPU))
    assert views(fake) == 50
    prepared = [Prepared(Size(46, 32), {Scaling(32): image[:, :32]})]
    fake = Fake()
    found = part_posteriors(fake, Part("multicrop", 32), prepared, Capacity(64, CPU))
    assert views(fake) == 10
    lefts = [0, 4, 7, 11, 14]  # round half up of k * 14 / 4
    crops = torch.stack([image[:, :32, left : left + 32] for left in lefts for _ in range(10)])
    assert np.allclose(found[0], Fake.posteriors_of(crops).mean(0).numpy(), atol=1e-6)
