"""Runtimes in torch's place: the same posteriors in every form, and one line where there are none."""

import gc
import signal
import sys
from dataclasses import replace

import pytest
import torch
from conftest import PIXELS
from torch import nn

from bench.choices import ENGINES
from bench.engine.request import Computation
from bench.errors import UserError
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.engines import engine as engines
from bench.nets.engines.engine import RUNTIMES, Engine
from bench.nets.initial import randomise
from bench.nets.model import Model
from bench.nets.named import fitting
from bench.nets.torch_settings import threads
from bench.nets.weights import Weights
from protocols.scales import JITTERED

CPU, FP32 = torch.device("cpu"), Precision("fp32")
NETS = ("vgg11", "vgg11-lrn", "simplecnn", "squeezenet1_1", "mobilenet_v2")
LIBRARIES = ("onnxruntime", "openvino")


def needs(name: str) -> None:
    pytest.importorskip(name)


def model_of(name: str, net: nn.Module | None = None, engine: str = "torch") -> Model:
    torch.manual_seed(0)
    if net is None:
        net = zoo.construct(name, 5, 1 / 16 if name in zoo.OWN else 1).eval()
        if name in zoo.OWN:
            randomise(net)
        _spread(net, torch.randn(2, zoo.channels_of(name), zoo.side_of(name), zoo.side_of(name)))
    weights = Weights("none", {}, name)
    pixels = PIXELS if name == "mine" else fitting(name, None)
    return Model(
        name,
        weights,
        net,
        5,
        pixels,
        JITTERED,
        CPU,
        FP32,
        side=zoo.side_of(name) if name != "mine" else 224,
        engine=Engine(engine),
    )


@torch.no_grad()
def _spread(net: nn.Module, noise: torch.Tensor) -> None:
    """Give scores the spread of a trained net's, by its last layer."""
    last = [each for each in net.parameters() if each.ndim > 1][-1]
    last /= net(noise).std()


def images(count: int, height: int, width: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=torch.manual_seed(height))


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("engine", LIBRARIES)
def test_crops_and_maps_of_any_size_have_torchs_posteriors(engine, name):
    needs(engine)
    ours = model_of(name)
    theirs, side = replace(ours, engine=Engine(engine)), ours.side
    for count, height, width, whole in (
        *((1, side, side, False), (3, side, side, False)),
        *((2, side, side, True), (1, side + 70, side + 3, True), (1, side + 11, side + 129, True)),
    ):
        views = images(count, height, width)
        one, other = (model.posteriors(views, whole) for model in (ours, theirs))
        assert other.dtype == torch.float32
        assert (one - other).abs().max() <= engines.AGREE
        assert one.std(1).max() > 0


@pytest.mark.parametrize("engine", LIBRARIES)
def test_a_class_score_map_and_an_image_beside_others_are_the_same(engine):
    needs(engine)
    ours = model_of("vgg11")
    theirs = replace(ours, engine=Engine(engine))
    (image,) = images(1, 288, 320)
    one, other = (model.posterior_map(image, [1, 3]) for model in (ours, theirs))
    assert one.shape == other.shape == (2, 3, 4)
    assert (one - other).abs().max() <= engines.AGREE
    views = images(3, 224, 224)
    together, alone = theirs.posteriors(views, False)[1], theirs.posteriors(views[1:2], False)[0]
    assert (together - alone).abs().max() <= engines.AGREE


@pytest.mark.parametrize("engine", LIBRARIES)
def test_an_interrupt_after_an_engine_was_let_go_is_only_an_interrupt(engine):
    """OpenVINO's last core takes the stack with it on which signals are handled: Python would end in a crash."""
    needs(engine)
    theirs = replace(model_of("vgg11"), engine=Engine(engine))
    theirs.posterior_map(images(1, 288, 320)[0], [1, 3])
    theirs.posteriors(images(2, 224, 224), False)
    del theirs
    gc.collect()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


class Cut(nn.Module):
    """Its graph holds for as many images as it was made from."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3))[:, :1] * torch.arange(5.0) * int(images.shape[0])


class Untraceable(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.special.bessel_j0(images.mean((2, 3))[:, :1]) * torch.arange(5.0)


class Deciding(nn.Module):
    """On noise it goes one way, and would go the other on images as bright as no noise is."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = images.mean((2, 3))[:, :1] * torch.arange(5.0)
        return -found if images.mean() > 100 else found


class AskingForSizes(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3))[:, :1] * torch.arange(5.0) if images.shape[-1] > 8 else images.flatten(1)


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (Cut(), r"its (posteriors|scores) differ from torch's by .*; give --engine torch$"),
        (Deciding(), r"\(its Python decides by what images show.*\); give --engine torch$"),
        (Untraceable(), r"\(.*bessel_j0.*\); give --engine torch$"),
    ],
)
@pytest.mark.parametrize("engine", LIBRARIES)
def test_a_net_that_it_computes_otherwise_or_not_at_all_is_refused_in_one_line(engine, net, why, capfd):
    needs(engine)
    with pytest.raises(UserError, match=rf"^engine '{engine}': it does not take mine's net.*{why}"):
        model_of("mine", net, engine).posteriors(images(1, 224, 224), whole=False)
    assert not any(capfd.readouterr())


@pytest.mark.parametrize("engine", LIBRARIES)
def test_a_net_that_asks_for_sizes_alone_is_taken(engine):
    needs(engine)
    theirs, own = model_of("mine", AskingForSizes(), engine), model_of("mine", AskingForSizes())
    views = images(2, 224, 224)
    assert (theirs.posteriors(views, False) - own.posteriors(views, False)).abs().max() <= engines.AGREE


def test_what_no_engine_takes_is_refused_before_any_work(monkeypatch):
    with pytest.raises(UserError, match=r"--engine 'tvm': give torch, onnxruntime"):
        Computation(engine="tvm")
    with pytest.raises(UserError, match="computes on cpu, this is meta; give --device cpu, or --engine torch"):
        Engine("onnxruntime").check(torch.device("meta"), FP32)
    with pytest.raises(UserError, match="dtype 'bf16': engine onnxruntime computes in fp32 alone; give --dtype fp32"):
        Engine("onnxruntime").check(CPU, Precision("bf16"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"this needs onnxruntime; pip install 'vgg-protocols\[onnxruntime\]'"):
        Engine("onnxruntime").check(CPU, FP32)
    Engine().check(torch.device("meta"), Precision("bf16"))


def test_float32_is_asked_for_where_a_processor_would_take_less(monkeypatch):
    """OpenVINO reads back what it will compute in, whatever the processor has."""
    openvino = pytest.importorskip("openvino")
    made = []
    compile_model = openvino.Core.compile_model
    monkeypatch.setattr(
        openvino.Core, "compile_model", lambda *words: made.append(compile_model(*words)) or made[-1], raising=True
    )
    model_of("simplecnn", engine="openvino").posteriors(images(1, 56, 56), whole=False)
    (compiled,) = made
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32
    assert compiled.get_property("NUM_STREAMS") == threads()


def test_every_engine_that_can_be_asked_for_is_there():
    assert set(ENGINES) == {"torch", *RUNTIMES}
