"""Keras's own nets, with random weights, in each format that Keras writes: its posteriors are ours."""

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np
import pytest
import torch
from table import record, versions

from bench.nets.device import Precision
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from bench.nets.weights import Weights

pytest.importorskip("tensorflow")
h5py = pytest.importorskip("h5py")

ALLOWED = 1e-4
SPREAD = 2  # standard deviation of the scores
NETS = {  # ours, Keras's, and the module that prepares its pixels
    "vgg16": ("VGG16", "vgg16"),
    "vgg19": ("VGG19", "vgg19"),
    "resnet50-keras": ("ResNet50", "resnet50"),
    "mobilenet_v2-keras": ("MobileNetV2", "mobilenet_v2"),
}


def write_older(net: Any, path: str) -> None:
    """Weights alone as Keras 2 wrote them, by the function that Keras 3 keeps for it."""
    legacy = import_module("keras.src.legacy.saving.legacy_h5_format")
    with h5py.File(path, "w") as file:
        legacy.save_weights_to_hdf5_group(file, net)


WRITERS: dict[str, dict[str, Callable[[Any, str], None]]] = {
    "keras": {
        "whole net.h5": lambda net, path: net.save(path),
        "weights.h5": write_older,
        ".weights.h5": lambda net, path: net.save_weights(path),
        ".keras": lambda net, path: net.save(path),
    },
    "tf_keras": {
        "whole net.h5": lambda net, path: net.save(path),
        "weights.h5": lambda net, path: net.save_weights(path),
        ".weights.h5": lambda net, path: net.save_weights(path),
        ".keras": lambda net, path: net.save(path),
    },
}


class Known(NamedTuple):
    """A net of Keras's with its posteriors (N, K), and what it is called by each side."""

    library: str
    ours: str
    title: str
    net: Any
    posteriors: np.ndarray
    worst: dict[str, float]  # difference of our posteriors, by the weights' digest


@pytest.fixture(scope="module", params=[(library, ours) for library in WRITERS for ours in NETS], ids="-".join)
def known(request, views) -> Known:
    library, ours = request.param
    title, module = NETS[ours]
    keras = pytest.importorskip(library)
    keras.backend.clear_session()
    net = getattr(keras.applications, title)(weights=None)
    images = getattr(keras.applications, module).preprocess_input(views.pixels.astype(np.float32))
    randomise(keras, net, images)
    return Known(library, ours, title, net, net.predict(images, verbose=0), {})


def randomise(keras: Any, net: Any, images: np.ndarray) -> None:
    """Random weights; statistics near those of the images, so that these stay apart; scores that differ among them."""
    random = np.random.default_rng(0)
    first = True
    for variable in net.weights:
        role = re.split(r"[/:]", getattr(variable, "path", variable.name).removesuffix(":0"))[-1]
        shape = tuple(variable.shape)
        value = 0.1 * random.standard_normal(shape, np.float32)
        if role.endswith("kernel"):
            inputs = np.prod(shape[:2]) if role == "depthwise_kernel" else np.prod(shape[:-1])
            value *= 10 * np.sqrt(2 / inputs) / (images.std() if first else 1)
            first = False
        elif role == "gamma":
            value += 1
        variable.assign(value)
    norms = [layer for layer in net.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0  # then one pass leaves the images' own statistics
    net(images, training=True)
    for layer in norms:
        for variable in (layer.moving_mean, layer.moving_variance):
            variable.assign(np.asarray(variable) * random.uniform(0.8, 1.2, tuple(variable.shape)))
    features = keras.Model(net.inputs, net.layers[-2].output).predict(images, verbose=0)
    last = net.layers[-1].kernel
    kernel = random.standard_normal(tuple(last.shape)) / np.sqrt(((features - features.mean(0)) ** 2).sum(1).mean())
    last.assign(SPREAD * kernel)
    net.layers[-1].bias.assign(-SPREAD * features.mean(0) @ kernel)


def worst_of(known: Known, weights: Weights, views: Any) -> float:
    """How far posteriors are from Keras's, of the net and of its fully-convolutional form."""
    model = make_model(known.ours, weights, None, None, torch.device("cpu"), Precision("fp32"), "scores")
    theirs = torch.from_numpy(known.posteriors)
    assert theirs.max() > 10 / theirs.shape[1]
    assert len(theirs.argmax(1).unique()) > 1
    return max(float((model.posteriors(views.tensor, whole) - theirs).abs().max()) for whole in (False, True))


@pytest.mark.parametrize("layout", WRITERS["keras"])
def test_posteriors_are_kerass(known, views, layout, tmp_path):
    path = Path(tmp_path) / f"net{layout if layout.startswith('.') else '.h5'}"
    WRITERS[known.library][layout](known.net, str(path))
    weights = read_weights(str(path), known.ours)
    path.unlink()  # half a gigabyte
    if weights.digest not in known.worst:
        known.worst[weights.digest] = worst_of(known, weights, views)
    worst = known.worst[weights.digest]
    library = "Keras 3" if known.library == "keras" else "Keras 2"
    against = versions(known.library, "tensorflow-cpu")
    record(f"{library}: {known.title}, {layout}", against, views.about, worst, ALLOWED)
    assert worst < ALLOWED
