"""A net that only Python knows is told by its tensors and by what it computes with them."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from bench.nets.identity import net_digest

IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """Each subclass is this one with one thing else."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.AvgPool2d(3, padding=1)
        self.leaky = nn.LeakyReLU(0.1)
        self.last = nn.Linear(4, 5)
        self.by = 2.0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.leaky(self.norm(self.convolution(images))) * self.by
        return self.last(self.pool(features).mean((2, 3)))


class OtherOrder(Net):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.norm(self.leaky(self.convolution(images))) * self.by
        return self.last(self.pool(features).mean((2, 3)))


class OtherFunction(Net):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.leaky(self.norm(self.convolution(images))) * self.by
        return self.last(self.pool(features).amax((2, 3)))


class Branching(Net):
    """torch.fx cannot trace what depends on a value; torch.export can where the value is no image's."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not isinstance(images, torch.Tensor) or images.shape[1] != 3:
            raise ValueError("images of three channels")
        return super().forward(images)


class ByValue(Net):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images * 2 if images.mean() > 9 else images)


def digest(net: nn.Module, said: str | None = None) -> str | None:
    return net_digest(net.eval(), said, IMAGES)


def changed(change: Callable[[Net], object], make: Callable[[], Net] = Net) -> Net:
    net = make()
    change(net)
    return net


def test_equal_nets_have_equal_digests_and_keep_them():
    net = Net()
    before = digest(net)
    assert before is not None
    assert digest(net) == digest(Net()) == before


OTHERS: dict[str, Callable[[], nn.Module]] = {
    "order of layers": OtherOrder,
    "function": OtherFunction,
    "constant": lambda: changed(lambda net: setattr(net, "by", 3.0)),
    "parameter": lambda: changed(lambda net: net.last.bias.data.add_(1)),
    "buffer": lambda: changed(lambda net: net.norm.running_mean.add_(1)),
    "buffer of no state dict": lambda: changed(lambda net: net.register_buffer("mine", IMAGES, persistent=False)),
    "plain tensor": lambda: changed(lambda net: setattr(net, "mine", IMAGES)),
    "epsilon": lambda: changed(lambda net: setattr(net.norm, "eps", 1e-3)),
    "slope": lambda: changed(lambda net: setattr(net.leaky, "negative_slope", 0.2)),
    "what its repr does not show": lambda: changed(lambda net: setattr(net.pool, "count_include_pad", False)),
    "stride": lambda: changed(lambda net: setattr(net.convolution, "stride", (2, 2))),
    "parametrisation": lambda: changed(lambda net: weight_norm(net.last)),
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_one_thing_else_is_another_digest(make):
    assert digest(make()) not in (digest(Net()), None)


def test_equal_state_dicts_do_not_make_equal_nets():
    one, other = Net(), OtherOrder()
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    assert digest(one) != digest(other)


def test_what_torch_fx_cannot_trace_is_exported():
    assert digest(Branching()) == digest(Branching())
    assert digest(Branching()) not in (digest(Net()), None)
    assert digest(changed(lambda net: setattr(net, "by", 3.0), Branching)) != digest(Branching())


UNTOLD: dict[str, Callable[[], nn.Module]] = {
    "what depends on the image's values": ByValue,
    "a hook": lambda: changed(lambda net: net.last.register_forward_hook(lambda *_: None)),
    "a hook before": lambda: changed(lambda net: net.last.register_forward_pre_hook(lambda *_: None)),
}


@pytest.mark.parametrize("make", UNTOLD.values(), ids=UNTOLD)
def test_what_nobody_can_tell_has_no_digest_unless_the_caller_says_what_it_is(make, capfd):
    assert digest(make()) is None
    assert digest(make(), "mine") == digest(make(), "mine") != digest(make(), "mine, changed")
    assert digest(changed(lambda net: net.last.bias.data.add_(1), make), "mine") != digest(make(), "mine")
    assert capfd.readouterr() == ("", "")


def test_tracing_leaves_the_net_alone():
    net = Net().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net_digest(net.eval(), None, IMAGES)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert F.mse_loss(net(IMAGES), net(IMAGES)) == 0
