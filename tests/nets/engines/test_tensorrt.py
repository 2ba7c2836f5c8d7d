"""TensorRT where there is no CUDA device: what is asked of its library, a stand-in, and what is refused."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench.errors import UserError
from bench.nets.device import Precision
from bench.nets.engines.engine import Engine
from bench.nets.engines.tensorrt import BESIDE, OURS, TF32, TensorRt

GRAPH = SimpleNamespace(weighted=lambda elsewhere: b"" if elsewhere else b"with weights")
CUDA, FP32 = torch.device("cuda:1"), Precision("fp32")


class Session:
    """Doubles what is bound to it."""

    loaded = (OURS, BESIDE, "CPUExecutionProvider")

    def __init__(self, graph: bytes, providers: list) -> None:
        self.graph, self.asked = graph, providers
        self.bound: dict[str, Any] = {}
        self.made.append(self)

    def get_providers(self) -> list[str]:
        return list(self.loaded)

    def io_binding(self) -> "Session":
        return self

    def bind_input(self, name: str, *where: Any) -> None:
        self.bound[name] = where

    def bind_output(self, name: str, device: str) -> None:
        self.bound[name] = (device,)

    def run_with_iobinding(self, binding: "Session") -> None:
        assert binding is self

    def copy_outputs_to_cpu(self) -> list[np.ndarray]:
        shape = self.bound["images"][3]
        return [np.full((shape[0], 5), 2.0, np.float32)]


@pytest.fixture
def library(monkeypatch):
    monkeypatch.setattr(Session, "made", [], raising=False)
    found = SimpleNamespace(
        __version__="1.32.0", InferenceSession=Session, get_available_providers=lambda: [OURS, BESIDE]
    )
    for name, module in (("onnx", found), ("onnxruntime", found), ("tensorrt", SimpleNamespace(__version__="10.9"))):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv(TF32, "0")
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: SimpleNamespace(synchronize=lambda: None))
    return found


def test_its_provider_is_asked_for_on_the_device_and_takes_what_lies_there(library):
    Engine("tensorrt").check(CUDA, FP32)
    assert Engine("tensorrt").made == {"engine": "tensorrt 10.9 in onnxruntime 1.32.0"}
    images = torch.zeros(3, 3, 8, 8)
    scores = TensorRt().opened(GRAPH, CUDA, at_once=1)(images)
    (session,) = Session.made
    assert session.graph == b"with weights"
    assert session.asked == [(OURS, {"device_id": "1"}), (BESIDE, {"device_id": "1"})]
    assert session.bound["images"] == ("cuda", 1, np.float32, (3, 3, 8, 8), images.data_ptr())
    assert torch.equal(scores, torch.full((3, 5), 2.0))


def test_what_is_lacking_is_one_line(library, monkeypatch):
    engine = Engine("tensorrt")

    def refused(why: str) -> None:
        with pytest.raises(UserError, match=why) as found:
            engine.check(CUDA, FP32)
        assert "\n" not in str(found.value)

    with pytest.raises(UserError, match="it computes on cuda, this is cpu; give --device cuda, or --engine torch"):
        engine.check(torch.device("cpu"), FP32)
    with pytest.raises(UserError, match="dtype 'fp16': engine tensorrt computes in fp32 alone"):
        engine.check(CUDA, Precision("fp16"))
    monkeypatch.setenv(TF32, "1")
    refused("it would compute fp32 in TF32; set NVIDIA_TF32_OVERRIDE=0 before the command")
    library.get_available_providers = lambda: [BESIDE]
    refused("the installed onnxruntime is without it; pip uninstall onnxruntime, then pip install")
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    refused(re.escape("this needs tensorrt; pip install 'vgg-protocols[tensorrt]'"))


def test_a_library_that_goes_on_without_it_is_refused(library, monkeypatch):
    monkeypatch.setattr(Session, "loaded", ("CPUExecutionProvider",))
    with pytest.raises(UserError, match="its libraries cannot be loaded"):
        TensorRt().opened(GRAPH, CUDA, at_once=1)
