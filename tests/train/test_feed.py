import threading
import time

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from bench.errors import UserError
from bench.train.feed import batches_of


class Numbers(Dataset):
    """Items that say who made them and when, after the first are slower to make than the last."""

    def __init__(self, count, broken=None):
        self.count, self.broken, self.made = count, broken, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == self.broken:
            raise UserError(f"image {index} cannot be read")
        time.sleep(0.001 * (index % 3 == 0))
        self.made.append((index, threading.current_thread().name, torch.get_num_threads()))
        return torch.full((3, 4), index, dtype=torch.uint8), torch.tensor([0.5 * index]), index


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("batch", [1, 4, 11, 50])
def test_batches_are_those_of_torchs_own_loader(workers, batch):
    order = [*torch.randperm(11).tolist(), 3]
    theirs = DataLoader(Subset(Numbers(11), order), batch)
    ours = list(batches_of(Numbers(11), order, batch, workers))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert [each.dtype for each in one] == [each.dtype for each in other]
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_what_an_item_raises_is_raised_and_nothing_goes_on(workers):
    items = Numbers(1000, broken=9)
    batches = batches_of(items, range(1000), 4, workers)
    assert len([next(batches), next(batches)]) == 2
    with pytest.raises(UserError, match=r"^image 9 cannot be read$"):
        next(batches)
    assert len(items.made) < 20
    assert not any("prepare" in thread.name for thread in threading.enumerate())


def test_a_batch_is_prepared_ahead_and_no_more():
    items = Numbers(1000)
    batches = batches_of(items, range(1000), 10, 2)
    next(batches)
    until = time.monotonic() + 10
    while len(items.made) < 20 and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.05)
    assert sorted(index for index, *_ in items.made) == list(range(20))
    batches.close()
    assert not any("prepare" in thread.name for thread in threading.enumerate())


def test_threads_that_prepare_compute_with_one_thread_each_and_leave_ours_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        items = Numbers(12)
        assert len(list(batches_of(items, range(12), 4, 2))) == 3
        assert {threads for *_, threads in items.made} == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
