"""MatConvNet's files: kernels H x W x in x out, the mean of their images, and classes with descriptions."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import cut_and_altered, read_or_refused, refused

from bench.images.labels.imagenet_names import wnids
from bench.images.pixels import Pixels
from bench.nets import zoo
from bench.nets.reading import read_weights
from protocols.scales import TrainingScale

io = pytest.importorskip("scipy.io")
WIDTH = 1 / 64
MEAN = (123.68, 116.779, 103.939)


def cell(*values: object) -> np.ndarray:
    found = np.empty((1, len(values)), dtype=object)
    found[0] = list(values)
    return found


def layers_of(name: str, classes: int, older: bool = False) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """A net's layers as MatConvNet has them, all convolutions, and its state dict: random."""
    torch.manual_seed(0)
    state = zoo.construct(name, classes, WIDTH).state_dict()
    layers = []
    for key, weight in state.items():
        if key.endswith("weight"):
            if key == "classifier.0.weight":
                weight = weight.unflatten(1, (-1, 7, 7))
            elif weight.ndim == 2:
                weight = weight[..., None, None]
            kernel, bias = weight.permute(2, 3, 1, 0).numpy(), state[key.replace("weight", "bias")].numpy()[None]
            held = {"filters": kernel, "biases": bias} if older else {"weights": cell(kernel, bias)}
            layers += [{"type": "conv", "name": key.removesuffix(".weight"), **held}, {"type": "relu", "name": "relu"}]
    return layers, state


def write(path: Path, layers: list[dict], compressed: bool = True, **more: object) -> Path:
    io.savemat(path, {"layers": cell(*layers), **more}, do_compression=compressed, oned_as="row")
    return path


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("older", [False, True])
def test_a_net_is_read_with_what_belongs_to_it(tmp_path, older, compressed):
    layers, state = layers_of("vgg16", 1000, older)
    about = {
        "classes": {"name": cell(*wnids()), "description": cell(*(f"word {k}" for k in range(1000)))},
        "normalization": {
            "averageImage": np.array(MEAN, np.float32).reshape(1, 1, 3),
            "imageSize": [224, 224, 3],
            "interpolation": "bicubic",
        },
    }
    path = tmp_path / "imagenet-vgg-verydeep-16.mat"
    write(path, layers, compressed, **(about if older else {"meta": about}))
    found = read_weights(str(path))
    assert same(found.state, state)
    assert (found.model, found.width, found.S) == ("vgg16", WIDTH, TrainingScale(256, 512))
    assert found.pixels == Pixels("RGB", 255, MEAN, (1, 1, 1), "bicubic")
    assert found.classes == wnids()


def test_height_and_width_of_kernels_and_of_the_first_linear_layer_are_told_apart(tmp_path):
    layers, state = layers_of("vgg11", 3)
    rows = torch.arange(3.0)[:, None]
    down = rows.expand(3, 3)  # grows down a kernel, not along it
    layers[0]["weights"][0, 0] = np.broadcast_to(down.numpy()[..., None, None], (3, 3, 3, 1)).astype(np.float32)
    fc6 = np.zeros((7, 7, 8, 64), np.float32)
    fc6[2, 5, 3, 11] = 1  # row 2, column 5, input 3, output 11
    next(each for each in layers if each["name"] == "classifier.0")["weights"][0, 0] = fc6
    found = read_weights(str(write(tmp_path / "w.mat", layers)), "vgg11").state
    assert torch.equal(found["features.0.weight"][0, 0], down)
    assert found["classifier.0.weight"].nonzero().tolist() == [[11, 3 * 49 + 2 * 7 + 5]]
    assert found["classifier.6.weight"].shape == state["classifier.6.weight"].shape


def test_of_a_mean_picture_each_channels_mean_is_taken(tmp_path):
    layers, _ = layers_of("vgg11", 3)
    picture = np.random.default_rng(0).uniform(0, 255, (6, 8, 3))
    classes = {"name": cell("a", "b", "c"), "description": cell("cat", "dog", "eel")}
    meta = {"normalization": {"averageImage": picture}, "classes": classes}
    found = read_weights(str(write(tmp_path / "w.mat", layers, meta=meta)), "vgg11")
    assert found.pixels.mean == pytest.approx(picture.mean((0, 1)), abs=1e-3)
    assert found.classes == ("cat", "dog", "eel")
    assert found.S is None


def test_a_net_in_a_variable_is_found_and_what_is_not_said_stays_open(tmp_path):
    layers, state = layers_of("vgg11", 3)
    io.savemat(tmp_path / "w.mat", {"net": {"layers": cell(*layers)}})
    found = read_weights(str(tmp_path / "w.mat"), "vgg11")
    assert same(found.state, state)
    assert (found.pixels, found.classes, found.S, found.model) == (None, None, None, None)
    assert read_weights(str(tmp_path / "w.mat")).state.keys() == state.keys()


def test_another_net_is_refused(tmp_path):
    layers, _ = layers_of("vgg11", 3)
    path = write(tmp_path / "w.mat", layers)
    assert "11 layers with weights, features.0 to classifier.6, and vgg16 has 16" in refused(path, "vgg16")
    layers[0]["type"] = "bnorm"
    assert "features.0 is of kind 'bnorm' and has weights" in refused(write(path, layers), "vgg11")
    layers[0] |= {"type": "conv", "weights": cell(np.array([["x"]]), np.array([[1.0]]))}
    assert "features.0 holds no numbers" in refused(write(path, layers), "vgg11")
    io.savemat(path, {"params": cell({"value": np.zeros((3, 3))})})
    assert "give a SimpleNN" in refused(path, "vgg11")


HEAD = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)


def element(kind: int, content: bytes, length: int | None = None) -> bytes:
    """A tag with a length, which may lie, and what it is of."""
    padding = b"" if kind == 15 else bytes(-len(content) % 8)
    return struct.pack("<II", kind, len(content) if length is None else length) + content + padding


def matrix(dims: tuple[int, ...], values: bytes, kind: int = 7, length: int | None = None) -> bytes:
    about = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(dims)}i", *dims))
    return element(14, about + element(1, b"layers") + values, length)


def nested(depth: int) -> bytes:
    about = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<ii", 1, 1)) + element(1, b"layers")
    step = 8 + len(about)
    return b"".join(struct.pack("<II", 14, (depth - k) * step - 8) + about for k in range(depth))


SINGLE = element(7, bytes(16))
LIES = {
    "a matrix of a terabyte": HEAD + matrix((2**20, 2**20), SINGLE),
    "sides that overflow": HEAD + matrix((2**31 - 1,) * 4, SINGLE),
    "a negative side": HEAD + matrix((-2, -2), SINGLE),
    "values of four gigabytes": HEAD + matrix((2, 2), element(7, bytes(16), 2**32 - 1)),
    "a length of four gigabytes": HEAD + matrix((2, 2), SINGLE, length=2**32 - 1),
    "cells without end": HEAD + matrix((2**31 - 1, 1), b"", kind=1),
    "cells in cells": HEAD + nested(100_000),
    "cells in cells, packed": HEAD + element(15, zlib.compress(nested(100_000))),
    "gigabytes of zeros": HEAD + element(15, zlib.compress(matrix((2**28, 1), element(7, bytes(2**28))), 1)),
    "no zlib": HEAD + element(15, b"nonsense"),
    "a function": HEAD + matrix((1, 1), SINGLE, kind=16),
    "version 7.3": b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n",
    "version 4": struct.pack("<IIIII", 0, 2, 2, 0, 7) + b"layers\0" + bytes(32),
    "a head alone": HEAD,
    "nothing": b"",
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES)
def test_a_file_that_lies_is_refused(tmp_path, content):
    (tmp_path / "w.mat").write_bytes(content)
    assert "w.mat': " in refused(tmp_path / "w.mat", "vgg11")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_or_altered_is_refused_or_reads_finite_tensors(tmp_path, compressed):
    kernel, bias = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2), np.zeros((1, 2), np.float32)
    path = write(tmp_path / "w.mat", [{"type": "conv", "name": "a", "weights": cell(kernel, bias)}], compressed)
    for content in cut_and_altered(path.read_bytes(), 120):
        path.write_bytes(content)
        read_or_refused(path)
