import threading
import time
from contextlib import ExitStack, closing

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from bench.errors import UserError
from bench.train.batches import feed_of as feed_of_device
from bench.train.feed import Feed


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


def preparing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "prepare" in thread.name]


@pytest.fixture
def feed_of():
    """Feeds that end with the test."""
    with ExitStack() as made:
        yield lambda threads: made.enter_context(closing(Feed(threads)))
    assert not preparing()


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("batch", [1, 4, 11, 50])
def test_batches_are_those_of_torchs_own_loader(feed_of, threads, batch):
    order = [*torch.randperm(11).tolist(), 3]
    theirs = DataLoader(Subset(Numbers(11), order), batch)
    ours = list(feed_of(threads).batches(Numbers(11), order, batch))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert [each.dtype for each in one] == [each.dtype for each in other]
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("threads", [0, 2])
def test_what_an_item_raises_is_raised_and_nothing_goes_on(feed_of, threads):
    items = Numbers(1000, broken=9)
    batches = feed_of(threads).batches(items, range(1000), 4)
    assert len([next(batches), next(batches)]) == 2
    with pytest.raises(UserError, match=r"^image 9 cannot be read$"):
        next(batches)
    assert len(items.made) < 20


@pytest.mark.parametrize(("threads", "prepared"), [(2, 20), (25, 35)])
def test_a_batch_is_prepared_ahead_or_an_item_for_each_thread_and_no_more(feed_of, threads, prepared):
    items = Numbers(1000)
    batches = feed_of(threads).batches(items, range(1000), 10)
    next(batches)
    until = time.monotonic() + 10
    while len(items.made) < prepared and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.05)
    assert sorted(index for index, *_ in items.made) == list(range(prepared))


def test_the_next_epochs_threads_are_those_of_the_first(feed_of):
    feed, items = feed_of(2), Numbers(40)
    seen = set()
    for _ in range(3):
        list(feed.batches(items, range(40), 8))
        seen.add(frozenset(thread.ident for thread in preparing()))
    assert len(seen) == 1
    assert len(*seen) == 2


def test_what_is_left_unread_is_not_prepared_beside_what_is_read_next(feed_of):
    feed, left, wanted = feed_of(1), Numbers(1000), Numbers(4)
    batches = feed.batches(left, range(1000), 100)
    next(batches)
    batches.close()
    list(feed.batches(wanted, range(4), 4))
    assert len(left.made) < 150  # of 200: those that it began before it was told


def test_threads_that_prepare_compute_with_one_thread_each_and_leave_ours_alone(feed_of):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        items = Numbers(12)
        assert len(list(feed_of(2).batches(items, range(12), 4))) == 3
        assert {threads for *_, threads in items.made} == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_cpu_shares_its_cores_with_the_net_and_another_device_leaves_them_all_to_loading(monkeypatch):
    monkeypatch.setattr("bench.train.batches.cores", lambda: 16)
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert [feed_of_device(None, None, each).threads for each in (cpu, cuda)] == [1, 16]
    assert feed_of_device(None, 4, cuda).threads == 4  # of several trainings at once each has its share
    assert [feed_of_device(0, None, each).threads for each in (cpu, cuda)] == [0, 0]
