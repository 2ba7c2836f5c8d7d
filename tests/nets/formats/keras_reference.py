"""Nets of keras.applications as its source builds them, on NHWC images, and weights in each of Keras's layouts."""

import json
import re
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import IO

import h5py
import numpy as np
import torch
import torch.nn.functional as F

Layers = dict[str, dict[str, np.ndarray]]  # in the order in which they were made
KINDS = {"depthwise_kernel": "depthwise_conv2d", "gamma": "batch_normalization"}


class Reference:
    """Runs layers as Keras defines them; each gets random weights where it is run first."""

    def __init__(self, width: float) -> None:
        self.width, self.layers = width, Layers()
        self.random = np.random.RandomState(0)

    def channels(self, count: int) -> int:
        return int(count * self.width)

    def conv(self, x, name, filters, kernel, strides=1, padding="valid", bias=True):
        shape = (kernel, kernel, x.shape[-1], filters)
        made = self._made(name, kernel=self._he(shape, shape[:3]), **({"bias": self._small(filters)} if bias else {}))
        x = self._same(x, kernel, strides) if padding == "same" else x
        found = F.conv2d(x.permute(0, 3, 1, 2), torch.tensor(made["kernel"]).permute(3, 2, 0, 1), stride=strides)
        return found.permute(0, 2, 3, 1) + (torch.tensor(made["bias"]) if bias else 0)

    def depthwise(self, x, name, strides=1, padding="valid"):
        made = self._made(name, depthwise_kernel=self._he((3, 3, x.shape[-1], 1), (3, 3)))
        x = self._same(x, 3, strides) if padding == "same" else x
        kernel = torch.tensor(made["depthwise_kernel"]).permute(2, 3, 0, 1)
        return F.conv2d(x.permute(0, 3, 1, 2), kernel, stride=strides, groups=x.shape[-1]).permute(0, 2, 3, 1)

    def norm(self, x, name, epsilon):
        count = x.shape[-1]
        made = self._made(
            name,
            gamma=1 + self._small(count),
            beta=self._small(count),
            moving_mean=self._small(count),
            moving_variance=(0.5 + self.random.rand(count)).astype(np.float32),
        )
        gamma, beta, mean, variance = map(torch.tensor, made.values())
        return gamma * (x - mean) / torch.sqrt(variance + epsilon) + beta

    def dense(self, x, name, units):
        shape = (x.shape[-1], units)
        made = self._made(name, kernel=self._he(shape, shape[:1]), bias=self._small(units))
        return x @ torch.tensor(made["kernel"]) + torch.tensor(made["bias"])

    def _made(self, name: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        return self.layers.setdefault(name, arrays)

    def _he(self, shape: Iterable[int], inputs: Iterable[int]) -> np.ndarray:
        return (self.random.standard_normal(tuple(shape)) * np.sqrt(2 / np.prod(tuple(inputs)))).astype(np.float32)

    def _small(self, count: int) -> np.ndarray:
        return (0.1 * self.random.standard_normal(count)).astype(np.float32)

    @staticmethod
    def _same(x: torch.Tensor, kernel: int, strides: int) -> torch.Tensor:
        """TensorFlow's padding "same": what is odd goes below and to the right."""
        total = max((-(-x.shape[1] // strides) - 1) * strides + kernel - x.shape[1], 0)
        return pad(x, total // 2, total - total // 2)


def pad(x: torch.Tensor, before: int, after: int) -> torch.Tensor:
    return F.pad(x, (0, 0, before, after, before, after))


def max_pool(x: torch.Tensor, size: int, strides: int) -> torch.Tensor:
    return F.max_pool2d(x.permute(0, 3, 1, 2), size, strides).permute(0, 2, 3, 1)


def vgg(made: Reference, x: torch.Tensor, classes: int, blocks: tuple[int, ...] = (2, 2, 3, 3, 3)) -> torch.Tensor:
    for block, (count, filters) in enumerate(zip(blocks, (64, 128, 256, 512, 512), strict=True), 1):
        for k in range(count):
            x = F.relu(made.conv(x, f"block{block}_conv{k + 1}", made.channels(filters), 3, padding="same"))
        x = max_pool(x, 2, 2)
    x = x.reshape(len(x), -1)  # Keras's Flatten, of H, W, C
    x = F.relu(made.dense(x, "fc1", made.channels(4096)))
    return made.dense(F.relu(made.dense(x, "fc2", made.channels(4096))), "predictions", classes)


def vgg19(made: Reference, x: torch.Tensor, classes: int) -> torch.Tensor:
    return vgg(made, x, classes, (2, 2, 4, 4, 4))


def resnet50(made: Reference, x: torch.Tensor, classes: int) -> torch.Tensor:
    def norm(x, name):
        return made.norm(x, name, 1.001e-5)

    def block(x, filters, name, strides, shortcut):
        beside = x
        if shortcut:
            beside = norm(made.conv(x, f"{name}_0_conv", 4 * filters, 1, strides), f"{name}_0_bn")
        x = F.relu(norm(made.conv(x, f"{name}_1_conv", filters, 1, strides), f"{name}_1_bn"))
        x = F.relu(norm(made.conv(x, f"{name}_2_conv", filters, 3, padding="same"), f"{name}_2_bn"))
        return F.relu(beside + norm(made.conv(x, f"{name}_3_conv", 4 * filters, 1), f"{name}_3_bn"))

    x = F.relu(norm(made.conv(pad(x, 3, 3), "conv1_conv", made.channels(64), 7, 2), "conv1_bn"))
    x = max_pool(pad(x, 1, 1), 3, 2)
    for stack, (filters, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 2):
        for k in range(count):
            strides = 2 if stack > 2 and k == 0 else 1
            x = block(x, made.channels(filters), f"conv{stack}_block{k + 1}", strides, shortcut=k == 0)
    return made.dense(x.mean((1, 2)), "predictions", classes)


def mobilenet_v2(made: Reference, x: torch.Tensor, classes: int) -> torch.Tensor:
    def norm(x, name):
        return made.norm(x, name, 1e-3)

    x = made.conv(x, "Conv1", made.channels(32), 3, 2, padding="same", bias=False)
    x = F.relu6(norm(x, "bn_Conv1"))
    number = 0
    stages = ((16, 1, 1, 1), (24, 6, 2, 2), (32, 6, 3, 2), (64, 6, 4, 2), (96, 6, 3, 1), (160, 6, 3, 2), (320, 6, 1, 1))
    for filters, expansion, count, first in stages:
        for k in range(count):
            name, strides, beside = f"block_{number}" if number else "expanded_conv", 1 if k else first, x
            if number:
                x = made.conv(x, f"{name}_expand", expansion * x.shape[-1], 1, bias=False)
                x = F.relu6(norm(x, f"{name}_expand_BN"))
            x = pad(x, 0, 1) if strides == 2 else x
            x = made.depthwise(x, f"{name}_depthwise", strides, padding="same" if strides == 1 else "valid")
            x = F.relu6(norm(x, f"{name}_depthwise_BN"))
            x = norm(made.conv(x, f"{name}_project", made.channels(filters), 1, bias=False), f"{name}_project_BN")
            x = beside + x if k else x
            number += 1
    x = F.relu6(norm(made.conv(x, "Conv_1", made.channels(1280), 1, bias=False), "Conv_1_bn"))
    return made.dense(x.mean((1, 2)), "predictions", classes)


def write_legacy(path: Path, layers: Layers, whole: bool = False, ending: str = ":0") -> None:
    """As Keras 2 and 3 write `.h5`: the weights alone, or below `model_weights` beside an optimiser's state."""
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole else file
        group.attrs["layer_names"] = ["input_1", *layers]
        group.create_group("input_1").attrs["weight_names"] = np.array([])
        for name, arrays in layers.items():
            paths = [f"{name}/{role}{ending}" for role in arrays]
            group.create_group(name).attrs["weight_names"] = paths
            for place, array in zip(paths, arrays.values(), strict=True):
                group[name].create_dataset(place, data=array)
        if whole:
            file.attrs["model_config"] = described(layers)
            file.create_dataset("optimizer_weights/adam/momentum:0", data=np.zeros((2, 2), np.float32))


def write_weights(
    path: Path | IO[bytes], layers: Layers, named: bool = False, container: str = "layers", step: int = 1
) -> None:
    """As Keras 3 writes `.weights.h5`: layers by their class and number; newer ones say their names beside."""
    with h5py.File(path, "w") as file:
        file.create_group(f"{container}/input_layer/vars")
        counts: dict[str, int] = {}
        for name in sorted(layers, key=in_model(layers)):
            kind = next((KINDS[role] for role in layers[name] if role in KINDS), None)
            kind = kind or ("dense" if layers[name]["kernel"].ndim == 2 else "conv2d")
            number = counts[kind] = counts.get(kind, -step) + step
            group = file.create_group(f"{container}/{kind}_{number}/vars" if number else f"{container}/{kind}/vars")
            if named:
                group.attrs["name"] = name
            for place, array in enumerate(layers[name].values()):
                group.create_dataset(str(place), data=array)
        file.create_dataset("optimizer/vars/0", data=np.zeros((), np.int64))


def in_model(layers: Layers):
    """Where a layer stands in `model.layers`: ResNet's shortcuts come before the last convolution of their block."""
    made = list(layers)

    def place(name: str) -> tuple:
        found = re.fullmatch(r"(conv\d_block\d)_(\d)_(conv|bn)", name)
        if not found:
            return (made.index(name),)
        first = made.index(f"{found[1]}_1_conv")
        pair = {"1": 0, "2": 1}.get(found[2], 2)
        within = (found[3] == "bn", found[2]) if pair == 2 else (found[3] == "bn",)
        return (first, pair, *within)

    return place


def described(layers: Layers, *others: str, epsilon: float | None = None) -> str:
    """What Keras says of a net beside its weights, as far as that is read: classes of layers, and epsilons."""
    if epsilon is None:
        epsilon = 1e-3 if "Conv1" in layers else 1.001e-5
    norms = [("BatchNormalization", {"epsilon": epsilon}) for arrays in layers.values() if "gamma" in arrays]
    kinds = [("InputLayer", {}), *norms, ("Flatten", {}), ("RandomFlip", {}), *((name, {}) for name in others)]
    listed = [{"class_name": kind, "config": config} for kind, config in kinds]
    return json.dumps({"class_name": "Functional", "config": {"layers": listed}})


def write_archive(path: Path, layers: Layers, config: str | None = None) -> None:
    """As Keras 3 writes `.keras`."""
    content = BytesIO()
    write_weights(content, layers, named=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.0.0"}))
        archive.writestr("config.json", described(layers) if config is None else config)
        archive.writestr("model.weights.h5", content.getvalue())


def layers_of_vgg() -> Layers:
    """VGG16's for five classes, at a 64th of its width."""
    made = Reference(1 / 64)
    vgg(made, torch.zeros(1, 224, 224, 3), 5)
    return made.layers
