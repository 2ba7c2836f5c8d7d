"""Nets with random weights as `.caffemodel`, written from public field numbers: what OpenCV makes of them is ours."""

import numpy as np
import pytest
import torch
from caffe_files import caffemodel
from PIL import Image
from table import record, versions
from torch import nn

from bench.images.pixels import NAMED
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.initial import randomise
from bench.nets.named import make_model
from bench.nets.reading import read_weights

cv2 = pytest.importorskip("cv2")
if not hasattr(cv2.dnn, "readNetFromCaffe"):
    pytest.skip("this OpenCV reads no files of Caffe", allow_module_level=True)

ALLOWED = 1e-4
CLASSES, SPREAD = 20, 2  # standard deviation of the scores
NETS = {"vgg11": 1 / 4, "vgg16": 1 / 4, "vgg19": 1 / 4, "caffenet": 1 / 2}  # by width


def kinds_of(net: nn.Module) -> list[tuple[str, str, nn.Module]]:
    """A net's layers: name, Caffe's kind, module."""
    kinds = {
        nn.Conv2d: "Convolution",
        nn.Linear: "InnerProduct",
        nn.ReLU: "ReLU",
        nn.MaxPool2d: "Pooling",
        nn.LocalResponseNorm: "LRN",
    }
    return [(name, kinds[type(module)], module) for name, module in net.named_modules() if type(module) in kinds]


def prototxt(net: nn.Module, side: int) -> bytes:
    """The net's description as Caffe has it beside the weights."""
    lines, bottom = [f'input: "data" input_dim: 1 input_dim: 3 input_dim: {side} input_dim: {side}'], "data"
    for name, kind, module in kinds_of(net):
        said = ""
        if isinstance(module, nn.Conv2d):
            (size, _), (stride, _), (pad, _) = module.kernel_size, module.stride, module.padding
            shape = f"kernel_size: {size} stride: {stride} pad: {pad} group: {module.groups}"
            said = f"convolution_param {{ num_output: {module.out_channels} {shape} }}"
        elif isinstance(module, nn.Linear):
            said = f"inner_product_param {{ num_output: {module.out_features} }}"
        elif isinstance(module, nn.MaxPool2d):
            said = f"pooling_param {{ pool: MAX kernel_size: {module.kernel_size} stride: {module.stride} }}"
        elif isinstance(module, nn.LocalResponseNorm):
            said = f"lrn_param {{ local_size: {module.size} alpha: {module.alpha} beta: {module.beta} k: {module.k} }}"
        lines.append(f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{name}" {said} }}')
        bottom = name
    lines.append(f'layer {{ name: "prob" type: "Softmax" bottom: "{bottom}" top: "prob" }}')
    return "\n".join(lines).encode()


@torch.inference_mode()
def net_of(name: str, images: torch.Tensor) -> nn.Module:
    """Random weights whose scores differ among images, and do not decide alone."""
    torch.manual_seed(0)
    net = zoo.construct(name, CLASSES, NETS[name]).eval()
    randomise(net)
    next(net.parameters()).div_(images.std())
    last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
    scores = net(images)
    scale = SPREAD / (scores - scores.mean(0)).std()
    last.weight.mul_(scale)
    last.bias.copy_(-scale * scores.mean(0))
    return net


@pytest.mark.parametrize("old", [True, False], ids=["layers", "layer"])
@pytest.mark.parametrize("name", NETS)
def test_posteriors_are_opencvs(name, old, views, tmp_path):
    side = zoo.side_of(name)
    pictures = [Image.fromarray(each).resize((side, side)) for each in views.pixels]
    images = torch.from_numpy(np.stack([np.asarray(each) for each in pictures])).permute(0, 3, 1, 2)
    batch = NAMED["caffe"].normalise(images)
    net = net_of(name, batch)
    layers = [
        (place, kind, [each.detach().numpy() for each in module.parameters()]) for place, kind, module in kinds_of(net)
    ]
    content = caffemodel(layers, "net", old)
    (tmp_path / "net.caffemodel").write_bytes(content)
    theirs_net = cv2.dnn.readNetFromCaffe(*(np.frombuffer(each, np.uint8) for each in (prototxt(net, side), content)))
    answers = []
    for each in batch.numpy():
        theirs_net.setInput(each[None])
        answers.append(theirs_net.forward().ravel())
    theirs = torch.from_numpy(np.stack(answers))
    assert theirs.max() > 3 / CLASSES
    assert len(theirs.argmax(1).unique()) > 1
    weights = read_weights(str(tmp_path / "net.caffemodel"), name)
    model = make_model(name, weights, None, None, torch.device("cpu"), Precision("fp32"), "scores")
    worst = max(float((model.posteriors(images, whole) - theirs).abs().max()) for whole in (False, True))
    against = versions("opencv-python-headless")
    record(f"Caffe's {'layers' if old else 'layer'}: {name} x{NETS[name]:g}", against, views.about, worst, ALLOWED)
    assert worst < ALLOWED
