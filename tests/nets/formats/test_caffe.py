"""Caffe's files: written here from the public field numbers, and read as the net that they are."""

import sys

import numpy as np
import pytest
import torch
from caffe_files import OLD_NUMBERS, blob, caffemodel, layer, number, part
from devices import chosen
from hostile import cut_and_altered, read_or_refused, refused
from torch import nn

from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.pixels import NAMED
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from protocols.scales import TrainingScale

pytest.importorskip("google.protobuf")
WIDTH = 1 / 64


def layers_of(name: str, classes: int, width: float = WIDTH) -> tuple[list, dict[str, torch.Tensor]]:
    """A net's layers as Caffe has them, and its state dict: random."""
    torch.manual_seed(0)
    net = zoo.construct(name, classes, width)
    layers = []
    for place, module in net.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            kind = "Convolution" if isinstance(module, nn.Conv2d) else "InnerProduct"
            layers.append((place, kind, [module.weight.detach().numpy(), module.bias.detach().numpy()]))
        elif isinstance(module, nn.MaxPool2d | nn.LocalResponseNorm):
            layers.append((place, "Pooling" if isinstance(module, nn.MaxPool2d) else "LRN", []))
    return layers, net.state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("name", ["w.caffemodel", "weights"])
def test_both_messages_are_read_however_their_values_are_written(tmp_path, old, packed, double, name):
    layers, state = layers_of("vgg11", 3)
    (tmp_path / name).write_bytes(caffemodel(layers, "net", old, packed, double))
    found = read_weights(str(tmp_path / name), "vgg11")
    assert same(found.state, state)
    assert (found.width, found.pixels, found.S, found.classes) == (WIDTH, NAMED["caffe"], None, None)


@pytest.mark.parametrize(("name", "model"), [("VGG_ILSVRC_16_layers", "vgg16"), ("VGG_ILSVRC_19_layers", "vgg19")])
@pytest.mark.parametrize("by_file", [False, True])
def test_oxfords_two_are_known_by_name(tmp_path, name, model, by_file):
    layers, state = layers_of(model, 1000)
    path = tmp_path / (f"{name}.caffemodel" if by_file else "w.caffemodel")
    path.write_bytes(caffemodel(layers, "" if by_file else name, old=True))
    found = read_weights(str(path))
    assert (found.model, found.S, found.classes) == (model, TrainingScale(256, 512), wnids())
    assert same(found.state, state)
    with pytest.raises(UserError, match=f"are for {model}, not vgg13"):
        model_of(path, "vgg13")


def test_a_net_made_of_oxfords_for_other_classes_keeps_its_name_alone(tmp_path):
    layers, _ = layers_of("vgg16", 20)
    (tmp_path / "w.caffemodel").write_bytes(caffemodel(layers, "VGG_ILSVRC_16_layers"))
    found = read_weights(str(tmp_path / "w.caffemodel"))
    assert (found.model, found.S, found.classes) == ("vgg16", None, None)


def model_of(path, name: str):
    return make_model(name, read_weights(str(path), name), None, None, chosen(), Precision("fp32"), "scores")


def test_a_fully_convolutional_twin_is_the_same_net(tmp_path):
    layers, state = layers_of("vgg11", 3)
    layers[-3][2][0] = layers[-3][2][0].reshape(64, 8, 7, 7)
    layers[-3] = ("fc6-conv", "Convolution", layers[-3][2])
    (tmp_path / "w.caffemodel").write_bytes(caffemodel(layers))
    assert same(read_weights(str(tmp_path / "w.caffemodel"), "vgg11").state, state)


def test_caffenet_has_grouped_convolutions_and_pools_before_it_normalises(tmp_path):
    layers, state = layers_of("caffenet", 3, 1 / 16)
    path = tmp_path / "bvlc_reference_caffenet.caffemodel"
    path.write_bytes(caffemodel(layers, "CaffeNet"))
    model = model_of(path, "caffenet")
    assert (model.side, model.weights.width) == (227, 1 / 16)
    assert same(model.net.state_dict(), state)
    swapped = [layers[0], layers[2], layers[1], *layers[3:]]
    path.write_bytes(caffemodel(swapped, "AlexNet"))
    assert "normalises before it pools" in refused(path, "caffenet")
    assert "give --model caffenet" in refused(path, "alexnet")


def test_a_background_class_is_left_out_and_that_is_said(tmp_path):
    layers, _ = layers_of("vgg11", 1001)
    (tmp_path / "w.caffemodel").write_bytes(caffemodel(layers))
    model = model_of(tmp_path / "w.caffemodel", "vgg11")
    assert (model.count, model.drop, model.label) == (1000, 0, "w.caffemodel without class 0")
    assert torch.equal(model.net.state_dict()["classifier.6.bias"], torch.tensor(layers[-1][2][1][1:]))
    whole = make_model("vgg11", model.weights, None, None, chosen(), Precision("fp32"), "scores", whole=True)
    assert (whole.count, whole.drop) == (1001, None)


def test_without_a_net_layers_have_the_names_of_the_file(tmp_path):
    layers, state = layers_of("vgg11", 3)
    (tmp_path / "w.caffemodel").write_bytes(caffemodel(layers))
    assert read_weights(str(tmp_path / "w.caffemodel")).state.keys() == state.keys()


def test_another_net_is_refused(tmp_path):
    layers, _ = layers_of("vgg11", 3)
    path = tmp_path / "w.caffemodel"
    path.write_bytes(caffemodel(layers))
    assert "11 layers with weights, features.0 to classifier.6, and vgg16 has 16" in refused(path, "vgg16")
    assert "do not fit vgg11" in _not_fitting(path, [layers[2], layers[1], layers[0], *layers[3:]])
    assert "features.0 is of kind BatchNorm and has weights" in _not_fitting(
        path, [("features.0", "BatchNorm", layers[0][2]), *layers[1:]]
    )
    assert "no layer in it has weights" in _not_fitting(path, [(*each[:2], []) for each in layers])


def _not_fitting(path, layers) -> str:
    path.write_bytes(caffemodel(layers))
    return refused(path, read=lambda spec, _: model_of(spec, "vgg11"))


WEIGHT = np.zeros((2, 3, 3, 3), np.float32)
DIMS = part(7, part(1, b"\xff\xff\xff\xff\x7f\x02"))
LIES = {
    "a length of a terabyte": part(1, b"net") + part(100, b"", 2**40),
    "a length beyond 64 bits": part(1, b"net") + b"\xa2\x06" + b"\xff" * 12,
    "a blob of a terabyte": part(1, b"net") + layer("a", "Convolution", [DIMS + part(5, bytes(16))], False),
    "values of a terabyte": part(1, b"net") + layer("a", "Convolution", [part(5, bytes(16), 2**40)], False),
    "a negative side": part(1, b"net") + layer("a", "Convolution", [part(7, part(1, b"\xff" * 9 + b"\x01"))], False),
    "four numbers of nothing": part(1, b"net") + layer("a", "Convolution", [number(1, 2**62) * 4], False),
    "fewer values than its shape": part(1, b"net") + layer("a", "Convolution", [blob(WEIGHT)[:-9]], False),
    "three dimensions": caffemodel([("a", "Convolution", [np.zeros((2, 2, 2), np.float32)])]),
    "groups without end": part(1, b"net") + b"\x1a\x00" + b"\x0b" * 100_000,
    "layers of nothing": part(1, b"net") + part(100, b"") * 100_000,
    "the message of before 2014": part(1, b"net") + part(2, part(1, b"")),
    "a .prototxt": b'name: "net"\nlayer { }\n',
    "nothing": b"",
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES)
def test_a_message_that_lies_is_refused(tmp_path, content):
    (tmp_path / "w.caffemodel").write_bytes(content)
    assert "w.caffemodel': " in refused(tmp_path / "w.caffemodel", "vgg11")


@pytest.mark.parametrize("old", [False, True])
def test_a_file_cut_or_altered_is_refused_or_reads_finite_tensors(tmp_path, old):
    net = [("a", "Convolution", [WEIGHT, np.zeros(2, np.float32)]), ("b", "InnerProduct", [np.ones((2, 8))])]
    for content in cut_and_altered(caffemodel(net, "net", old), 80):
        (tmp_path / "w.caffemodel").write_bytes(content)
        read_or_refused(tmp_path / "w.caffemodel")


def test_a_missing_library_names_its_extra(tmp_path, monkeypatch):
    from bench.nets.formats import caffe

    caffe._messages.cache_clear()
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    (tmp_path / "w.caffemodel").write_bytes(caffemodel([("a", "Convolution", [WEIGHT])]))
    assert "pip install 'vgg-protocols[caffe]'" in refused(tmp_path / "w.caffemodel")
    assert OLD_NUMBERS["Convolution"] == 4
