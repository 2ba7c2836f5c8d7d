"""The loops that we are compared with give our posteriors: else a comparison of their speed would say nothing."""

from itertools import product
from pathlib import Path

import pytest
import torch
from conftest import make_image
from torch import nn

import bench

ROOM = Path(__file__).parents[1] / "benchmarks"
METHODS = ("multicrop", "dense", "tencrop")
PEERS = ("torch", "channels-last", "onnxruntime", "openvino")  # torch.compile would take a minute
NET = "builtin:A-LRN-256"
SIZE = (300, 256)  # in pixels; at Q = 256 nothing is rescaled, which PIL does in its own way
AGREE = 1e-5


class MeanOfMap(nn.Module):
    """Scores (N, K) of the dense form, as nets give them that pool over the whole image."""

    def __init__(self, converted: nn.Module) -> None:
        super().__init__()
        self.converted = converted

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.converted(images).mean((2, 3))


@pytest.fixture
def loops(monkeypatch):
    for library in ("timm", "ttach"):
        pytest.importorskip(library)
    monkeypatch.syspath_prepend(str(ROOM))
    import peer_loops

    monkeypatch.setattr(peer_loops, "MEAN", (128 / 255,) * 3)  # the built-in nets' own
    monkeypatch.setattr(peer_loops, "STD", (64 / 255,) * 3)
    return peer_loops


@pytest.mark.parametrize(("method", "peer"), [*product(METHODS, PEERS), ("tencrop", "ttach")])
def test_a_peers_loop_gives_our_posteriors(loops, tmp_path, method, peer):
    if peer in ("onnxruntime", "openvino"):
        pytest.importorskip(peer)
        pytest.importorskip("onnxscript")
    path = tmp_path / "image.png"
    make_image(SIZE, 0).save(path)
    model = bench.load_model(NET)
    net = MeanOfMap(model.converted) if method == "dense" else model.net
    loop = loops.made(method, peer, net.eval())
    with torch.inference_mode():
        theirs = loop(path, 256).mean(0)
    (ours,) = bench.evaluate(model, [(path, 0)], f"{method}@256", store=tmp_path / "store", progress=False)
    assert theirs.std() > 1e-3
    assert float((theirs - torch.from_numpy(ours.posteriors.probs[0])).abs().max()) < AGREE
