"""Views that are computed at once, and the host's memory."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import pytest
import torch
from conftest import PIXELS
from torch import nn

from bench.images.memory_budget import Room
from bench.nets import host_memory as module
from bench.nets.device import Precision
from bench.nets.host_memory import PER_PIXEL, room_for
from bench.nets.model import Model
from bench.nets.weights import Weights
from protocols.scales import JITTERED

CPU = torch.device("cpu")
SIDE = 8


class Meeting(nn.Module):
    """Notes whether two batches are in it at once."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self.barrier, self.met = Barrier(2, timeout=patience), list[bool]()
        self.last = nn.Linear(3 * SIDE * SIDE, 5)

    def __deepcopy__(self, _: object) -> "Meeting":
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        try:
            self.barrier.wait()
            self.met.append(True)
        except BrokenBarrierError:
            self.barrier.reset()
            self.met.append(False)
        return self.last(images.flatten(1))


@pytest.mark.parametrize(("views", "together"), [(4, True), (3, False), (1, False)])
def test_two_batches_are_computed_at_once_where_both_find_room(monkeypatch, views, together):
    room = Room(PER_PIXEL * views * SIDE**2)
    monkeypatch.setattr(module, "_maps", lambda: room)
    net = Meeting(patience=20 if together else 0.2)
    model = Model("it", Weights("none", {}, "it"), net, 5, PIXELS, JITTERED, CPU, Precision("fp32"), side=SIDE)
    batch = torch.zeros(2, 3, SIDE, SIDE, dtype=torch.uint8)
    _ = model.crop_net
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: model.posteriors(batch, whole=False), range(2)))
    assert net.met == [together] * 2
    assert torch.equal(*found)


def test_other_devices_have_their_own_memory(monkeypatch):
    monkeypatch.setattr(module, "_maps", lambda: pytest.fail("the host's is asked for"))
    with room_for(1 << 40, torch.device("cuda")):
        pass
