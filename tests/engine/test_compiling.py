"""Which nets are compiled, and that the numbers stay."""

import numpy as np
import pytest
import torch

import bench
from bench.engine.compiling import compiling_pays
from bench.nets import compiled as module
from protocols.protocol import Part

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


def pixels(images: int, *parts: Part) -> float:
    return float(images * sum(part.nominal_views * (part.Q**2 * 4 / 3 if part.whole else 224**2) for part in parts))


def test_compiling_pays_for_all_crops_of_many_images_on_cuda_and_never_on_a_cpu():
    crops = [Part("multicrop", Q) for Q in (256, 384, 512)]
    assert compiling_pays(CUDA, pixels(50_000, *crops))
    assert not compiling_pays(CPU, pixels(50_000, *crops))
    assert not compiling_pays(CUDA, pixels(50_000, Part("centre", 256)))
    assert not compiling_pays(CUDA, pixels(1_000, *crops))


@pytest.fixture
def counted(monkeypatch) -> list:
    found = []

    def backend(graph, _):
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(module, "BACKEND", backend)
    torch._dynamo.reset()
    return found


def test_an_evaluation_compiles_each_form_once_and_its_numbers_stay(weights, photographs, tmp_path, counted):
    how = {"weights": str(weights), "device": "cpu", "progress": False, "limit": 4}
    protocols = "dense@256,dense@288,centre@256"
    rows = [
        bench.evaluate("vgg16", f"list:{photographs}", protocols, store=tmp_path / str(each), compile=each, **how)
        for each in ("on", "off", "auto")
    ]
    assert len(counted) == 2
    on, off, auto = ([row.posteriors.probs for row in each] for each in rows)
    for one, other, third in zip(on, off, auto, strict=True):
        assert np.abs(one - other).max() < 1e-5
        assert np.array_equal(other, third)


def test_predictions_are_compiled_too(weights, photographs, counted, tmp_path):
    path = next(photographs.parent.glob("*.*g"))
    how = {"weights": str(weights), "device": "cpu", "progress": False, "protocol": "centre@256"}
    on, off = (bench.predict("vgg16", path, compile=each, **how)[0].posteriors for each in ("on", "off"))
    assert len(counted) == 1
    assert np.abs(on - off).max() < 1e-5


def test_what_cannot_be_had_is_said(weights, photographs, tmp_path, capsys):
    from bench.run.__main__ import main

    words = f"--weights {weights} --data list:{photographs} --protocol centre@256 --limit 1 --dtype fp16 --device cpu"
    assert main([*words.split(), "--compile", "on", "--store", str(tmp_path / "s"), "--out", str(tmp_path / "o")]) == 0
    assert "--compile on: vgg16 is not compiled: fp16 is watched layer by layer" in capsys.readouterr().err


def test_another_word_is_refused():
    with pytest.raises(bench.UserError, match="--compile 'yes': give auto, on or off"):
        bench.evaluate("vgg16", "shapes", compile="yes")
