"""Keras's files: the nets that they were made for, told by their layers, compute the same."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest
import torch
from keras_reference import (
    Layers,
    Reference,
    described,
    mobilenet_v2,
    resnet50,
    vgg,
    vgg19,
    write_archive,
    write_legacy,
    write_weights,
)

from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.pixels import NAMED, Pixels
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.named import make_model
from bench.nets.reading import read_weights

WIDTHS = {"vgg16": 1 / 16, "vgg19": 1 / 16, "resnet50-keras": 1 / 16, "mobilenet_v2-keras": 1 / 8}
NETS = {"vgg16": vgg, "vgg19": vgg19, "resnet50-keras": resnet50, "mobilenet_v2-keras": mobilenet_v2}
LAYOUTS: dict[str, tuple[str, Callable[[Path, Layers], None]]] = {
    "weights alone": ("w.h5", write_legacy),
    "by class and number": ("w.weights.h5", write_weights),
    "whole net": ("w.h5", lambda path, layers: write_legacy(path, layers, whole=True)),
    "Keras 3's endings": ("w.h5", lambda path, layers: write_legacy(path, layers, ending="")),
    "with names beside": ("w.weights.h5", lambda path, layers: write_weights(path, layers, named=True)),
    "of Keras 2.12, with gaps": (
        "w.weights.h5",
        lambda path, layers: write_weights(path, layers, container="_layer_checkpoint_dependencies", step=2),
    ),
    "archive": ("w.keras", write_archive),
    "called otherwise": ("weights.bin", write_archive),
}


HALVES = Pixels("RGB", 1, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class Known(NamedTuple):
    """A net with random weights, what it takes (N, H, W, C), and its scores by Keras's definition."""

    name: str
    layers: Layers
    images: torch.Tensor
    scores: torch.Tensor


@pytest.fixture(scope="module", params=NETS)
def known(request) -> Known:
    made = Reference(WIDTHS[request.param])
    images = torch.rand(1, 224, 224, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    return Known(request.param, made.layers, images, NETS[request.param](made, images, 5))


@pytest.fixture
def layers() -> Layers:
    """Of a narrow VGG16, on images of one pixel's map: only its shapes are of interest."""
    made = Reference(1 / 16)
    vgg(made, torch.zeros(1, 224, 224, 3), 5)
    return made.layers


@torch.inference_mode()
def test_every_layout_is_read_as_the_net_that_keras_defines(known, tmp_path):
    digests, width = set(), WIDTHS[known.name]
    for name, write in list(LAYOUTS.values())[: None if known.name == "vgg16" else 2]:
        write(tmp_path / name, known.layers)
        weights = read_weights(str(tmp_path / name), known.name)
        assert (weights.model, weights.width, weights.classes, weights.S) == (known.name, width, None, None)
        digests.add(weights.digest)
        assert weights.pixels == (HALVES if known.name == "mobilenet_v2-keras" else NAMED["caffe"])
    assert len(digests) == 1
    net = zoo.load(known.name, weights.state, 5, width, "x")
    found = net(known.images.permute(0, 3, 1, 2))
    assert known.scores.std() > 0.1
    assert torch.allclose(found, known.scores, rtol=0, atol=1e-4 * float(known.scores.abs().max()))


def test_a_thousand_classes_are_imagenets_by_position(layers, tmp_path):
    layers["predictions"] = {"kernel": np.zeros((256, 1000), np.float32), "bias": np.zeros(1000, np.float32)}
    write_legacy(tmp_path / "w.h5", layers)
    assert read_weights(str(tmp_path / "w.h5")).classes == wnids()


def test_torchvisions_net_of_the_same_paper_is_another(tmp_path):
    made = Reference(1 / 16)
    resnet50(made, torch.zeros(1, 32, 32, 3), 5)
    write_legacy(tmp_path / "w.h5", made.layers)
    with pytest.raises(UserError, match="are for resnet50-keras, not resnet50; give --model resnet50-keras"):
        make_model("resnet50", read_weights(str(tmp_path / "w.h5"), "resnet50"), None, None, torch.device("cpu"),
                   Precision("fp32"), "scores")  # fmt: skip


def test_a_new_last_layer_and_old_endings_are_read(layers, tmp_path):
    plain = tmp_path / "plain.h5"
    write_legacy(plain, layers)
    layers["dense_4"] = layers.pop("predictions")
    renamed = {
        name: {{"kernel": f"{name}_W_1", "bias": f"{name}_b_1"}[role]: array for role, array in arrays.items()}
        for name, arrays in layers.items()
    }
    write_legacy(tmp_path / "w.h5", renamed)
    assert read_weights(str(tmp_path / "w.h5")).digest == read_weights(str(plain)).digest


CHANGES: dict[str, Callable[[Layers], object]] = {
    r"VGG16 with no fully-connected layer \(include_top=False\)": lambda made: [
        made.pop(name) for name in ("fc1", "fc2", "predictions")
    ],
    "VGG16 with 2 fully-connected layers; give the whole net, with its 3": lambda made: made.pop("fc2"),
    "none of Keras's VGG16, .*: its 15 layers are block1_conv1": lambda made: made.pop("block3_conv1"),
    "none of Keras's": lambda made: made.update(normalization=made["fc1"]),
    "missing block1_conv2 bias": lambda made: made["block1_conv2"].pop("bias"),
    "surplus fc2 gamma": lambda made: made["fc2"].update(gamma=np.zeros(3, np.float32)),
    "block1_conv2 kernel is 3x3x4x5 and should be 3x3x4x4": lambda made: made["block1_conv2"].update(
        kernel=np.zeros((3, 3, 4, 5), np.float32)
    ),
    "fc1 kernel is 1567x256 and should be 1568x256": lambda made: made["fc1"].update(kernel=made["fc1"]["kernel"][:-1]),
    "features.2.weight holds values that are not finite": lambda made: made["block1_conv2"]["kernel"].fill(np.nan),
    "is no tensor of a convolution": lambda made: made["fc1"].update(mean=np.zeros(3, np.float32)),
    "no kernel of inputs x classes": lambda made: made["predictions"].pop("kernel"),
}


@pytest.mark.parametrize("said", CHANGES)
def test_another_net_is_refused_in_one_line(layers, tmp_path, said):
    CHANGES[said](layers)
    write_legacy(tmp_path / "w.h5", layers)
    with pytest.raises(UserError, match=said) as caught:
        read_weights(str(tmp_path / "w.h5"))
    assert "\n" not in str(caught.value)


def test_kernels_in_theanos_order_do_not_pass(layers, tmp_path):
    layers["block1_conv1"]["kernel"] = layers["block1_conv1"]["kernel"].transpose(3, 2, 0, 1)
    write_legacy(tmp_path / "w.h5", layers)
    with pytest.raises(UserError, match="block1_conv1 kernel is 4x3x3x3 and should be 3x3x3x4"):
        read_weights(str(tmp_path / "w.h5"))


def test_another_alpha_is_refused(tmp_path):
    """Keras's alpha leaves the last convolution as it is, and rounds the others to eights."""
    made = Reference(1 / 8)
    mobilenet_v2(made, torch.zeros(1, 32, 32, 3), 5)
    made.layers["Conv1"]["kernel"] = made.layers["Conv1"]["kernel"][..., :2]
    write_legacy(tmp_path / "w.h5", made.layers)
    with pytest.raises(UserError, match="Conv1 kernel is 3x3x3x2 and should be 3x3x3x4"):
        read_weights(str(tmp_path / "w.h5"))


@pytest.mark.parametrize(
    ("said", "config"),
    [
        ("has a layer Rescaling, which vgg16 has not", lambda made: described(made, "Rescaling")),
        ("has a layer GlobalMaxPooling2D", lambda made: described(made, "GlobalMaxPooling2D")),
        ("cannot be read", lambda made: "{"),
        ("cannot be read", lambda made: "[" * 100_000),
        ("cannot be read", lambda made: '{"config": {"layers": [1]}}'),
        ("cannot be read", lambda made: '{"config": {"layers": [{"class_name": [], "config": 1}]}}'),
    ],
)
def test_layers_that_no_tensor_shows_are_refused(layers, tmp_path, said, config):
    write_archive(tmp_path / "w.keras", layers, config(layers))
    write_legacy(tmp_path / "w.h5", layers, whole=True)
    with h5py.File(tmp_path / "w.h5", "a") as file:
        file.attrs["model_config"] = config(layers) if len(config(layers)) < 60_000 else "{"
    for name in ("w.keras", "w.h5"):
        with pytest.raises(UserError, match=said) as caught:
            read_weights(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_another_epsilon_is_another_net(tmp_path):
    made = Reference(1 / 8)
    mobilenet_v2(made, torch.zeros(1, 32, 32, 3), 5)
    write_archive(tmp_path / "w.keras", made.layers, described(made.layers, epsilon=1e-5))
    with pytest.raises(UserError, match=r"add 1e-05, those of mobilenet_v2-keras 0\.001"):
        read_weights(str(tmp_path / "w.keras"))


def test_there_is_one_net_in_a_file(tmp_path, layers):
    write_legacy(tmp_path / "w.h5", layers)
    with pytest.raises(UserError, match=r"--weights-key model: .* holds one net"):
        read_weights(str(tmp_path / "w.h5"), key="model")
