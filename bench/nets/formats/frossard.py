"""Frossard's `vgg16_weights.npz`: Oxford's VGG16 as arrays of NumPy, with the channels last."""

import math
import zipfile
from pathlib import Path

import numpy as np
import torch

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets.formats.channels_last import Arrays, Layer, weights_of
from bench.nets.formats.contents import members
from bench.nets.formats.keras_layers import vgg_layers
from bench.nets.weights import Weights

SUFFIXES = (".npz",)
MODEL = "vgg16"
PIXELS = Pixels("RGB", 255, (123.68, 116.779, 103.939), (1, 1, 1))
KINDS = {"W": "kernel", "b": "bias"}
ENDS = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
FIRST = "conv1_1_W.npy"


def _layers() -> list[Layer]:
    """The net's layers, fully-connected ones under Caffe's names."""
    return [each._replace(name=ENDS.get(each.name, each.name)) for each in vgg_layers(MODEL, "conv{}_{}")]


def is_frossard(path: Path) -> bool:
    """Whether a file is such an archive by its contents."""
    return FIRST in members(path)


def read_frossard(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The weights of VGG16. Raises UserError for other arrays, and for claims that the file does not keep."""
    if key is not None:
        raise UserError(f"--weights-key {key}: '{spec}' holds one net; leave it out")
    layers, size = _layers(), path.stat().st_size
    expected = {f"{layer.name}_{kind}.npy" for layer in layers for kind in KINDS}
    try:
        with zipfile.ZipFile(path) as archive:
            found = {each.filename: each for each in archive.infolist()}
            if odd := expected ^ found.keys():
                name = min(odd)
                what = "missing" if name in expected else "surplus"
                raise UserError(f"weights '{spec}' do not fit {MODEL}: {what} {name.removesuffix('.npy')}")
            unpacked = sum(each.file_size for each in found.values())
            if unpacked > size:  # np.savez stores them as they are
                raise UserError(f"weights '{spec}': would unpack to {unpacked} bytes; give a file that np.savez wrote")
            arrays = {name: _array(archive, about) for name, about in found.items()}
    except UserError:
        raise
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': cannot be read ({' '.join(str(error).split())[:100]})") from None
    placed: dict[str, Arrays] = {
        layer.name: {role: arrays[f"{layer.name}_{kind}.npy"] for kind, role in KINDS.items()} for layer in layers
    }
    return weights_of(spec, MODEL, layers, placed, PIXELS, size)


def _array(archive: zipfile.ZipFile, about: zipfile.ZipInfo) -> torch.Tensor:
    """One array in float32. Raises ValueError where it is no plain one, or its header claims other sizes."""
    with archive.open(about) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if dtype.kind != "f" or math.prod(shape) * dtype.itemsize != about.file_size - file.tell():
            raise ValueError(f"{about.filename} claims to be {shape} of {dtype}")
    with archive.open(about) as file, np.errstate(over="ignore"):  # what leaves float32 is refused later
        return torch.from_numpy(np.array(np.lib.format.read_array(file, allow_pickle=False), dtype=np.float32))
