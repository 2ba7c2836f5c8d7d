"""In which order work is given to a CUDA device; what it computes, a GPU's own tests say."""

from contextlib import contextmanager

import pytest
import torch

from bench.train.side_stream import made_beside


class Streams:
    """Stands for torch.cuda; says what is asked of it in `said`."""

    def __init__(self):
        self.said, self.current, self.events = [], "own", 0

    def Stream(self, _):
        return Stream(self, "beside")

    def current_stream(self, _):
        return Stream(self, self.current)

    @contextmanager
    def stream(self, stream):
        self.current, before = stream.name, self.current
        yield
        self.current = before


class Stream:
    def __init__(self, streams, name):
        self.streams, self.name = streams, name

    def wait_stream(self, other):
        self.streams.said.append(f"{self.name} waits for {other.name}")

    def record_event(self):
        self.streams.events += 1
        return Event(self.streams, self.streams.events)


class Event:
    def __init__(self, streams, number):
        self.streams, self.number = streams, number

    def synchronize(self):
        self.streams.said.append(f"host waits for {self.number}")


class Made:
    """Stands for a tensor on the device."""

    def __init__(self, streams, number):
        self.streams, self.number = streams, number

    def record_stream(self, stream):
        self.streams.said.append(f"{self.number} is kept for {stream.name}")


@pytest.fixture
def streams(monkeypatch):
    streams = Streams()
    for name in ("Stream", "current_stream", "stream"):
        monkeypatch.setattr(torch.cuda, name, getattr(streams, name))
    return streams


def test_batches_are_made_beside_the_net_and_never_two_ahead_of_it(streams):
    def make(number):
        streams.said.append(f"{number} is made on {streams.current}")
        return (Made(streams, number),)

    for (made,) in made_beside(range(1, 5), make, torch.device("cuda")):
        assert streams.current == "own"
        streams.said.append(f"{made.number} is at work")
    each = [
        [f"{n} is made on beside", "own waits for beside", f"{n} is kept for own", f"{n} is at work"]
        for n in range(1, 5)
    ]
    assert streams.said == [*each[0], *each[1], "host waits for 1", *each[2], "host waits for 2", *each[3]]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gets_what_the_host_has():
    batches = [torch.full((1 << 20,), i, dtype=torch.uint8, pin_memory=True) for i in range(8)]
    device = torch.device("cuda")
    on_device = made_beside(batches, lambda each: (each.to(device, non_blocking=True).float() * 2,), device)
    sums = [made.sum().item() for (made,) in on_device]
    assert sums == [2.0 * i * (1 << 20) for i in range(8)]
