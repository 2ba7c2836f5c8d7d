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


class Times(Net):
    """One number, which each child brings into the graph in another way."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number
        self.register_buffer("three", torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1))


class OfBuffer(Times):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images * (self.three * self.number))


class OfNewTensor(Times):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images * torch.tensor([1.0, self.number, 1.0]).view(1, 3, 1, 1))


class OfList(Times):
    def __init__(self, number: float) -> None:
        super().__init__(number)
        self.kept = [torch.tensor([1.0, number, 1.0]).view(1, 3, 1, 1)]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images * self.kept[0])


class OfAutocast(Times):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.number > 2):
            return super().forward(images).float()


class OfGraphWithin(Times):
    """Exported, since it looks at the size of its images."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape[2] < 2:
            return images
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().forward(images * self.number).float()


class OfGradients(Times):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape[2] < 2:
            return images
        with torch.enable_grad():
            return super().forward(images * self.number)


class OfCall(Times):
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return super().__call__(images) * self.number


@pytest.mark.parametrize("kind", [OfBuffer, OfNewTensor, OfList, OfAutocast, OfGraphWithin, OfGradients, OfCall])
def test_a_number_that_changes_scores_changes_the_digest_or_there_is_none(kind):
    one, other = kind(2.0).eval(), kind(3.0).eval()
    with torch.no_grad():
        assert not torch.equal(one(IMAGES), other(IMAGES))
    assert digest(one) != digest(other) or digest(one) is digest(other) is None


@pytest.mark.parametrize("kind", [OfBuffer, OfNewTensor, OfList])
def test_constants_of_a_graph_are_told(kind):
    assert digest(kind(2.0)) == digest(kind(2.0)) is not None


def test_hooks_of_all_modules_leave_no_digest():
    hook = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        assert digest(Net()) is None
    finally:
        hook.remove()
    assert digest(Net()) is not None


@pytest.mark.parametrize("value", [torch.eye(3).to_sparse(), (torch.ones(3) + 1j).conj(), torch.empty(0, 3)])
def test_tensors_of_other_kinds_are_told(value):
    def held(by: float) -> str | None:
        return digest(changed(lambda net: net.register_buffer("mine", value * by)))

    assert held(1) == held(1) is not None
    assert held(1) != held(2) or value.numel() == 0


class Asking(nn.Module):
    """Tracing shows no tensor, so that it goes another way through this."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.factor = nn.Conv2d(3, 4, 32), factor

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if isinstance(images, torch.Tensor):
            images = images * self.factor
        return self.layer(images).flatten(1)


def test_what_tracing_does_not_see_is_told_by_numbers():
    images = torch.rand(3, 3, 32, 32)
    digests = [net_digest(Asking(factor).eval(), None, images) for factor in (1.0, 0.2)]
    assert digests[0] != digests[1]


def test_layers_of_torchs_that_were_changed_are_others(monkeypatch):
    images, net = torch.rand(3, 3, 32, 32), nn.Sequential(nn.Conv2d(3, 4, 32), nn.ReLU(), nn.Flatten()).eval()
    digests = {net_digest(net, None, images)}
    for most in (1, 2):
        monkeypatch.setattr(nn.ReLU, "forward", lambda self, values, most=most: values.clamp(-1, most))
        digests.add(net_digest(net, None, images))
    assert len(digests) == 3


def test_a_persons_own_operator_is_not_told():
    @torch.library.custom_op("mine_of_tests::halved", mutates_args=())
    def halved(values: torch.Tensor) -> torch.Tensor:
        return values / 2

    halved.register_fake(torch.empty_like)

    class Halving(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.ops.mine_of_tests.halved(images).mean((2, 3))

    assert net_digest(Halving().eval(), None, torch.rand(3, 3, 8, 8)) is None
