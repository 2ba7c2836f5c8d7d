"""Weights with the channels last: kernels H x W x in x out, linear layers in x out, and maps flattened as H, W, C."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch

from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.pixels import Pixels
from bench.nets import zoo
from bench.nets.formats.safetensors_files import MOST_WIDTH
from bench.nets.state_dicts import State, plain_state, shape_text
from bench.nets.vgg import SIDE
from bench.nets.weights import Weights

Arrays = dict[str, torch.Tensor]  # of one layer, by what they are: `kernel`, `bias`, `gamma`, ...
MAP = SIDE >> 5  # the side of the map that the first linear layer of VGG sees
ROLES = {  # what a layer's tensors are called, and what they are here
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
NORM = ("gamma", "beta", "moving_mean", "moving_variance")  # of a batch normalisation


class Layer(NamedTuple):
    """A layer as it is called in the file, what it is (a key of KERNELS, or `norm`), and its module in our net."""

    name: str
    kind: str
    module: str


class Order(NamedTuple):
    """A kernel from the file's order to ours, and a shape of ours to the file's."""

    ours: Callable[[torch.Tensor], torch.Tensor]
    stored: Callable[[Sequence[int]], tuple[int, ...]]


KERNELS = {
    "conv": Order(lambda kernel: kernel.permute(3, 2, 0, 1), lambda shape: (shape[2], shape[3], shape[1], shape[0])),
    # in x multiplier at the end, and the multiplier is 1
    "depthwise": Order(
        lambda kernel: kernel.permute(2, 3, 0, 1), lambda shape: (shape[2], shape[3], shape[0], shape[1])
    ),
    "dense": Order(lambda kernel: kernel.T, lambda shape: (shape[1], shape[0])),
    "flat": Order(lambda kernel: _from_flat(kernel), lambda shape: (shape[1], shape[0])),  # of a flattened map
}


def _from_flat(kernel: torch.Tensor) -> torch.Tensor:
    """Rows that count H, W, C become columns that count C, H, W."""
    inputs, outputs = kernel.shape
    return kernel.reshape(MAP, MAP, -1, outputs).permute(3, 2, 0, 1).reshape(outputs, inputs)


def weights_of(
    spec: str, model: str, layers: Sequence[Layer], found: Mapping[str, Arrays], pixels: Pixels, size: int
) -> Weights:
    """Weights of one of our nets from its layers' tensors; the file has `size` bytes.

    The width multiplier is told from the last layer's inputs. A thousand classes are taken for ImageNet's by position:
    these formats keep no names, and everybody's are in the order of the sorted WordNet ids. Raises UserError.
    """
    last = found[layers[-1].name].get("kernel")
    if last is None or last.ndim != 2 or not last.numel():
        raise UserError(f"weights '{spec}': {layers[-1].name} has no kernel of inputs x classes; give the whole net")
    inputs, classes = last.shape
    width = inputs / zoo.build(model, 2).state_dict()[f"{layers[-1].module}.weight"].shape[1]
    if width > MOST_WIDTH:
        raise UserError(f"weights '{spec}': {layers[-1].name} has {inputs} inputs, which no {model} has")
    own = zoo.build(model, classes, width).state_dict()
    state: State = {}
    for layer in layers:
        state |= _tensors_of(spec, model, layer, found[layer.name], own)
    return Weights(
        source=spec,
        state=plain_state(spec, state, size),
        model=model,
        width=width,
        pixels=pixels,
        classes=wnids() if classes == len(wnids()) else None,
    )


def _tensors_of(spec: str, model: str, layer: Layer, arrays: Arrays, own: State) -> State:
    """A layer's tensors under our names, in our order. Raises UserError where they are not the layer's."""
    roles = NORM if layer.kind == "norm" else ("kernel", "bias")
    expected = {role: name for role in roles if (name := f"{layer.module}.{ROLES[role]}") in own}
    for what, odd in (("missing", expected.keys() - arrays.keys()), ("surplus", arrays.keys() - expected.keys())):
        if odd:
            raise UserError(f"weights '{spec}' do not fit {model}: {what} {layer.name} {min(odd)}")
    state = {}
    for role, name in expected.items():
        value, order = arrays[role], KERNELS[layer.kind] if role == "kernel" else None
        shape = order.stored(own[name].shape) if order else tuple(own[name].shape)
        if tuple(value.shape) != shape:
            sizes = f"{shape_text(value)} and should be {'x'.join(map(str, shape))}"
            raise UserError(f"weights '{spec}' do not fit {model}: {layer.name} {role} is {sizes}")
        state[name] = (order.ours(value) if order else value).contiguous()
    return state
