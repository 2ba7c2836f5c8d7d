"""What is a caller's is given back as it was: modules, and all that is global; and it changes no number."""

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from small_nets import ASKED, Small, Squashed
from torch import nn

import bench

pytest_plugins = ("five_photographs",)


def state_of(net: nn.Module) -> list[object]:
    """All that a caller could find changed."""
    return [
        [(name, layer.training, id(layer), dict(layer._forward_hooks)) for name, layer in net.named_modules()],
        [
            (name, id(each), each.data_ptr(), each.dtype, each.device, each.stride(), each.requires_grad, id(each.grad))
            for name, each in net.named_parameters()
        ],
        [(name, id(each), each.clone().tolist()) for name, each in net.named_buffers()],
    ]


def in_training(net: nn.Module) -> nn.Module:
    net.train()
    net.norm.eval()
    net.convolution.weight.requires_grad_(False)
    net(torch.rand(2, 3, 64, 64)).sum().backward()
    return net


@pytest.mark.parametrize("interrupted", [None, KeyboardInterrupt, RuntimeError])
def test_a_module_is_given_back_as_it_was(images, tmp_path, interrupted, monkeypatch):
    net = in_training(Small().to(memory_format=torch.channels_last))
    before = state_of(net)

    def ask() -> None:
        bench.evaluate(net, images, "centre@256,dense@256", store=tmp_path, fresh=True, **ASKED)

    if interrupted is None:
        ask()
    else:
        monkeypatch.setattr("bench.engine.part_blocks.GroupWork", lambda *_: (_ for _ in ()).throw(interrupted()))
        with pytest.raises(interrupted):
            ask()
    assert state_of(net) == before
    net(torch.rand(2, 3, 64, 64)).sum().backward()


GLOBALS: dict[str, Callable[[], object]] = {
    "threads": torch.get_num_threads,
    "products": torch.get_float32_matmul_precision,
    "convolutions": lambda: torch.backends.cudnn.allow_tf32,
    "gradients": torch.is_grad_enabled,
    "type": torch.get_default_dtype,
    "random numbers": lambda: torch.get_rng_state().tolist(),
    "numpy's": lambda: json.dumps(np.random.get_state()[1].tolist()),
    "filters": lambda: list(warnings.filters),
}


@pytest.mark.parametrize("interrupted", [None, KeyboardInterrupt])
def test_what_is_global_is_put_back(images, tmp_path, interrupted, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.set_float32_matmul_precision("medium")
    try:
        before = {name: ask() for name, ask in GLOBALS.items()}
        net = Small()
        torch.manual_seed(7)
        before["random numbers"] = GLOBALS["random numbers"]()
        if interrupted:
            monkeypatch.setattr("bench.engine.part_blocks.GroupWork", lambda *_: (_ for _ in ()).throw(interrupted()))
            with pytest.raises(interrupted):
                bench.evaluate(net, images, "centre@256,dense@256", store=tmp_path, **ASKED)
        else:
            bench.evaluate(net, images, "centre@256,dense@256", store=tmp_path, **ASKED)
        assert {name: ask() for name, ask in GLOBALS.items()} == before
    finally:
        torch.set_float32_matmul_precision("highest")


@contextmanager
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


CALLERS = {
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "default device": lambda: torch.device("meta"),
    "default type": in_float64,
}


@pytest.mark.parametrize("around", CALLERS.values(), ids=CALLERS)
def test_the_callers_settings_change_no_number(images, tmp_path, around):
    net = Small()
    plain = bench.evaluate(net, images, "centre@256,dense@256", store=tmp_path / "plain", **ASKED)
    with around():
        within = bench.evaluate(net, images, "centre@256,dense@256", store=tmp_path / "within", **ASKED)
    for one, other in zip(plain, within, strict=True):
        assert np.array_equal(one.posteriors.probs, other.posteriors.probs)
        assert one.signature == other.signature


def test_two_threads_may_evaluate_at_once(images, tmp_path):
    nets = [Small(), Squashed()]
    alone = [bench.evaluate(net, images, "dense@256", store=tmp_path / "alone", **ASKED)[0] for net in nets]
    threads_before = torch.get_num_threads()
    found: dict[int, np.ndarray] = {}

    def work(k: int) -> None:
        row = bench.evaluate(nets[k], images, "dense@256", store=tmp_path / "together", **ASKED)[0]
        found[k] = row.posteriors.probs

    workers = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for k in range(2):
        assert np.array_equal(found[k], alone[k].posteriors.probs)
    assert torch.get_num_threads() == threads_before


def test_what_a_net_counts_in_its_buffers_is_left_alone(images, tmp_path):
    class Counting(Small):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward(images)

    net = Counting()
    bench.evaluate(net, images, "centre@256", store=tmp_path, **ASKED)
    assert net.calls == 0
