"""MatConvNet's `.mat`, such as `imagenet-vgg-verydeep-16.mat`: a list of layers, and what belongs to them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.images.scaling import INTERPOLATIONS
from bench.nets.formats.by_order import Layer, in_order, under_own_names
from bench.nets.formats.contents import begins
from bench.nets.formats.matlab_files import read_variables
from bench.nets.state_dicts import plain_state
from bench.nets.weights import Weights
from protocols.scales import TrainingScale

SIGN = b"MATLAB "
OXFORD = {"imagenet-vgg-verydeep-16": "vgg16", "imagenet-vgg-verydeep-19": "vgg19"}  # made of Oxford's files for Caffe
OXFORD_S = TrainingScale(256, 512)
IMAGENET = 1000
WNID = re.compile(r"n\d{8}")


def is_matlab(path: Path) -> bool:
    """Whether a file is one of MATLAB's, from version 5 on."""
    return begins(path, SIGN)


def read_matconvnet(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The convolutions of a net, in a net's names where it is known, with its mean and classes. Raises UserError."""
    if key is not None:
        raise UserError(f"weights '{spec}': a .mat holds one net; leave --weights-key out")
    if begins(path, SIGN + b"7.3"):
        raise UserError(f"weights '{spec}': a .mat of version 7.3; write it in MATLAB by save(..., '-v7')")
    try:
        found = read_variables(path)
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': no readable .mat ({' '.join(str(error).split())[:100]})") from None
    held = _fields(found.get("net")) or found
    layers = _layers(spec, held.get("layers"))
    known = OXFORD.get(path.stem)
    model = known or model
    state, width = in_order(spec, model, layers) if model else (under_own_names(layers), 1)
    about, count = _about(held), len(layers[-1].weight)
    return Weights(
        source=spec,
        state=plain_state(spec, state),
        model=known,
        width=width,
        S=OXFORD_S if known and count == IMAGENET else None,
        pixels=_pixels(about.get("normalization")),
        classes=_classes(about.get("classes"), count),
    )


def _layers(spec: str, held: Any) -> list[Layer]:
    """The convolutions, (out, in, H, W) of kernels H x W x in x out. Raises UserError."""
    found = []
    for each in map(_fields, held if isinstance(held, list) else ()):
        kind, name = str(each.get("type"))[:50], str(each.get("name"))[:100]
        values = each.get("weights", [each.get("filters"), each.get("biases")])
        values = [*values, None, None][:2] if isinstance(values, list) else [values, None]
        if not isinstance(values[0], np.ndarray | str) or not len(values[0]):
            continue
        if kind != "conv":
            raise UserError(f"weights '{spec}': {name} is of kind '{kind}' and has weights; those of conv are read")
        kernel, bias = (_numbers(spec, name, each) for each in values)
        if kernel is None or kernel.ndim > 4:
            raise UserError(f"weights '{spec}': {name} has no kernels of height, width, inputs and outputs")
        kernel = kernel.reshape(kernel.shape + (1,) * (4 - kernel.ndim))  # MATLAB leaves out last sides of 1
        weight = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
        found.append(Layer(name, weight, None if bias is None else torch.from_numpy(bias.flatten())))
    if not found:
        raise UserError(f"weights '{spec}': no layers with weights in it; give a SimpleNN of MatConvNet")
    return found


def _numbers(spec: str, name: str, value: Any) -> np.ndarray | None:
    if value is None or (isinstance(value, np.ndarray) and not value.size):
        return None
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise UserError(f"weights '{spec}': {name} holds no numbers of single or double precision")
    return value.astype(np.float32)


def _about(held: dict[str, Any]) -> dict[str, Any]:
    """What belongs to a net: in `meta`, or beside its layers in older files."""
    return {**held, **_fields(held.get("meta"))}


def _pixels(normalization: Any) -> Pixels | None:
    """RGB in 0..255 minus `averageImage`: three numbers, or a picture, of which each channel's mean is taken.

    Where it says by which filter images are rescaled, that is part of them.
    """
    image = _fields(normalization).get("averageImage")
    if not isinstance(image, np.ndarray) or not np.isfinite(image).all():
        return None
    if image.ndim == 3 and image.shape[2] == 3 and image.size:
        image = image.reshape(-1, 3).mean(0, dtype=np.float64)
    if image.size != 3:
        return None
    red, green, blue = (float(f"{value:.6g}") for value in image.flatten())  # single precision holds no more
    filters = [each for each in INTERPOLATIONS if each == _fields(normalization).get("interpolation")]
    return Pixels("RGB", 255, (red, green, blue), (1, 1, 1), *filters)


def _classes(classes: Any, count: int) -> tuple[str, ...] | None:
    """WordNet ids, or else what describes the classes, where there is one for each."""
    for field in ("name", "description"):
        names = _fields(classes).get(field)
        texts = tuple(each for each in names if isinstance(each, str)) if isinstance(names, list) else ()
        if len(texts) == count and all(texts) and (field == "description" or all(map(WNID.fullmatch, texts))):
            return texts
    return None


def _fields(value: Any) -> dict[str, Any]:
    """A structure's fields; none of what is no structure. One that MATLAB made of a cell may lie in a list."""
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return value if isinstance(value, dict) else {}
