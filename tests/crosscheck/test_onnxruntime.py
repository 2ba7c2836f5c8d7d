"""Nets of ours, exported: ONNX Runtime's posteriors are ours, of crops and of whole images by the dense form."""

import numpy as np
import pytest
import torch
from table import record, versions

import bench
from bench.nets.layers import sharing_copy

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ALLOWED = 1e-4
NETS = ("builtin:A-LRN-256", "builtin:C-256", "builtin:D-256-512", "builtin:E-384")


@pytest.mark.parametrize("dense", [False, True], ids=["crops", "dense"])
@pytest.mark.parametrize("name", NETS)
def test_an_export_computes_the_same(name, dense, views, tmp_path):
    model = bench.load_model(name)
    images = views.tensor[..., :224] if not dense else torch.cat([views.tensor, views.tensor.flip(3)], 3)
    batch = model.pixels.normalise(images).contiguous()
    net = sharing_copy(model.converted if dense else model.net)
    torch.onnx.export(net, (batch,), str(tmp_path / "net.onnx"), dynamo=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: batch.numpy()})
    scores = torch.from_numpy(np.asarray(scores))
    theirs = scores.mean((2, 3)).softmax(1) if dense else scores.softmax(1)
    worst = float((model.posteriors(images, whole=dense) - theirs).abs().max())
    what = f"ONNX Runtime: {name}, {'dense on 448x224' if dense else 'crops'}"
    record(what, versions("onnxruntime"), views.about, worst, ALLOWED)
    assert theirs.std(0).max() > 1e-3
    assert worst < ALLOWED
