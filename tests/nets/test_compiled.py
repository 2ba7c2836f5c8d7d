"""Nets that torch compiles: as they are else, once for all batches, and layer by layer where that fails."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from conftest import PIXELS
from torch import fx, nn

from bench.nets import compiled as module
from bench.nets.compiled import uncompilable
from bench.nets.device import Precision
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.vgg import VGG
from bench.nets.weights import Weights
from bench.progress import BenchWarning, called_from_python
from protocols.scales import JITTERED

CPU = torch.device("cpu")


def model_of(net: nn.Module, dtype: str = "fp32", side: int = 224) -> Model:
    return Model("it", Weights("none", {}, "it"), net, 5, PIXELS, JITTERED, CPU, Precision(dtype), side=side)


def vgg() -> VGG:
    torch.manual_seed(0)
    net = VGG("A", 5, 1 / 32, batch_norm=True).eval()
    randomise(net)
    return net


def small() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 4 * 4, 5)).eval()


def views(count: int, height: int, width: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=torch.manual_seed(0))


@pytest.fixture
def graphs(monkeypatch) -> list[fx.GraphModule]:
    """What is compiled, which runs as it was found: quick, and all but the machine's own code."""
    found: list[fx.GraphModule] = []

    def backend(graph: fx.GraphModule, _: Any) -> Callable:
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(module, "BACKEND", backend)
    torch._dynamo.reset()
    return found


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("whole", [False, True])
def test_one_graph_serves_batches_of_every_length_and_images_of_every_size(graphs, whole, dtype):
    model = model_of(vgg(), dtype)
    with model.precision.settings():
        model.compile(whole)
        assert len(graphs) == 1
        sizes = [(256, 256), (256, 341), (288, 256)] if whole else [(224, 224)]
        for batch in (views(count, *size) for size in sizes for count in (1, 3, 2)):
            found, own = model.posteriors(batch, whole), replace(model).posteriors(batch, whole)
            assert found.shape == own.shape
            assert (found - own).abs().max() < (1e-5 if dtype == "fp32" else 0.02)
    assert len(graphs) <= 1 + whole  # torch 2.4 tells odd widths from even ones


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_batch_normalisations_are_folded_before(graphs, dtype):
    model_of(vgg(), dtype).compile(whole=False)
    (graph,) = graphs  # of functions, in torch 2.4 of layers
    assert "batch_norm" not in graph.code
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in graph.modules())


class Branching(nn.Module):
    """What it does depends on what it sees, which is in no graph."""

    def __init__(self) -> None:
        super().__init__()
        self.net = small()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images if images.sum().item() > 0 else -images)


def broken(*_: Any) -> None:
    raise RuntimeError("Cannot find a working triton installation")


@pytest.mark.parametrize(("net", "backend"), [(small(), broken), (Branching(), "eager")])
def test_a_net_that_cannot_be_compiled_runs_layer_by_layer_and_one_line_says_so(net, backend, monkeypatch, capfd):
    monkeypatch.setattr(module, "BACKEND", backend)
    torch._dynamo.reset()
    model, batch = model_of(net, side=8), views(3, 8, 8)
    own = model.posteriors(batch, whole=False)
    model.compile(whole=False)
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "it is not compiled, and runs layer by layer: " in err
    assert model.compiled == {}
    assert torch.equal(model.posteriors(batch, whole=False), own)


def test_python_is_told_of_it_too(monkeypatch):
    monkeypatch.setattr(module, "BACKEND", broken)
    torch._dynamo.reset()
    model = model_of(small(), side=8)
    with (
        called_from_python(bars=False),
        pytest.warns(BenchWarning, match="it is not compiled, and runs layer by layer: "),
    ):
        model.compile(whole=False)


def test_what_is_the_nets_own_fault_and_lack_of_memory_are_raised_as_ever(graphs, monkeypatch):
    model = model_of(small(), side=8)
    model.compile(whole=False)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        model.posteriors(views(2, 10, 10), whole=False)

    def lacking(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model.compiled[False], "run", lacking)
    with pytest.raises(torch.OutOfMemoryError):
        model.posteriors(views(2, 8, 8), whole=False)
    assert not model.compiled[False].given_up


class Plain(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer, self.last = nn.Conv2d(3, width, 8), nn.Linear(width, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.layer(images).flatten(1))


def test_many_nets_of_one_class_are_compiled_in_one_process(graphs):
    """torch's own limit is 8 for one piece of code, and what comes after runs layer by layer."""
    for width in range(1, 11):
        torch.manual_seed(0)
        model = model_of(Plain(width), side=8)
        model.compile(whole=False)
        assert False in model.compiled
    assert len(graphs) == 10


def test_what_goes_on_between_layers_is_not_compiled():
    net = small()
    assert uncompilable(net, Precision("fp32")) is uncompilable(net, Precision("bf16")) is None
    assert uncompilable(net, Precision("fp16")) == "fp16 is watched layer by layer for what leaves its range"
    assert uncompilable(net, Precision("tf32")) == "its last layer is kept out of tf32"
    with torch.no_grad():
        assert uncompilable(torch.jit.trace(net, torch.zeros(1, 3, 8, 8)), Precision("fp32")) == (
            "torch.jit made layers of it"
        )
    net[0].register_forward_hook(lambda *_: None)
    assert uncompilable(net, Precision("fp32")) == "its layers have hooks"


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
def test_compiled_code_gives_the_same_posteriors_and_nothing_is_said(capfd):
    torch._dynamo.reset()
    model, batch = model_of(Plain(4), side=8), views(3, 8, 8)
    own = model.posteriors(batch, whole=False)
    with model.precision.settings():
        model.compile(whole=False)
        assert False in model.compiled
        assert (model.posteriors(batch, whole=False) - own).abs().max() < 1e-5
        assert (model.posteriors(batch[:1], whole=False) - own[:1]).abs().max() < 1e-5
    assert capfd.readouterr() == ("", "")
