"""`bench.load_model`, `bench.open_images`, `bench.parse_protocol`: what `evaluate` opens itself, opened once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch

from bench.api.entrants import Said, entrants
from bench.api.session import session
from bench.api.values import Scale, Scales, given_classes, given_protocols, given_S, labelled_images
from bench.engine.job import open_models
from bench.engine.request import Computation, Numbers
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.pixels import Pixels
from bench.images.sources import DataSpec, open_data
from bench.nets.model import Model
from protocols.protocol import Protocol


def load_model(
    name: str = "vgg16",
    weights: str | None = None,
    *,
    S: Scale = None,
    pixels: str | Pixels | None = None,
    side: int | None = None,
    weights_key: str | None = None,
    drop_class: int | str | None = None,
    map: Literal["scores", "posteriors"] = "scores",
    dtype: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32",
    device: str | torch.device = "auto",
    engine: Literal["torch", "onnxruntime", "openvino", "tensorrt"] = "torch",
) -> Model:
    """A net by name with its weights, read once and used for several calls of `evaluate` and `predict`.

    Args:
        name: as `--model` takes it, such as "vgg16" or "D"; or weights that say which net they are for, such as
            "builtin:D-256-512".
        weights: a file, "torchvision:NAME" or "builtin:NAME"; else the built-in net.
        S, pixels, side, weights_key, drop_class, map, dtype, device, engine: as for `evaluate`.

    Returns:
        A `Model`: `net`, the `nn.Module` of (N, C, side, side) to (N, K) scores; `classes`, `pixels`, `S`, `side`, and
        `assumed`, what of these nobody stated.

    Raises:
        UserError: where there is no such net, or the weights are not its.
    """
    with session(progress=True):
        nets = tuple(entrants(name, Said(weights, S, pixels, side, None, None, weights_key, drop_class)).values())
        if len(nets) > 1:
            raise UserError(f"model '{name}': give one; several are loaded one by one")
        return open_models(nets, Numbers(dtype, map), Computation(str(device), engine=engine), None, Shard.alone())[0]


def open_images(
    images: Any,
    *,
    part: Literal["val", "train"] = "val",
    classes: Sequence[str] | None = None,
    limit: int | str | None = None,
    split: float | None = None,
    seed: int = 0,
    class_order: Literal["text", "number"] | None = None,
    labels_from: Literal[0, 1] = 0,
    allow_duplicates: bool = False,
    exif: bool = False,
    verify: bool = False,
    labels: str | None = None,
    class_map: str | None = None,
    list_columns: str | None = None,
) -> Images:
    """A labelled set of images, found and read once for several calls of `evaluate`.

    Args:
        images: as for `evaluate`.
        part: the validation or the training images of a set that is named.
        classes: names of the classes that labels count in, of images in Python, or of a set whose labels are numbers.
        limit, split, seed, class_order, labels_from, allow_duplicates, exif, verify, labels, class_map,
            list_columns: as for `evaluate`.

    Returns:
        `Images`: `ids`, `labels` (N,) int64, `classes`, and `digest`, the SHA-256 that says which images these are.

    Raises:
        UserError: where they cannot be found, or their labels cannot be.
    """
    how: dict[str, Any] = {"split": split, "seed": seed, "class_order": class_order, "labels_from": labels_from}
    how |= {"allow_duplicates": allow_duplicates, "exif": exif, "verify": verify, "labels": labels}
    how |= {"class_map": class_map, "list_columns": list_columns}
    with session(progress=True):
        names = given_classes(classes)
        found = labelled_images(images, limit, names, **how)
        fresh = isinstance(found, DataSpec)
        if isinstance(found, DataSpec):
            found = open_data(replace(found, classes=found.classes if names is None else names), part)
        if names is not None and (found is images or (fresh and not found.named)):
            raise UserError("classes: images that are named have theirs; leave classes out")
        return found


def parse_protocol(text: str, S: Scale = None, Q: Scales = None, side: int = 224) -> Protocol:
    """A protocol as a value that compares, hashes, and prints back what it means, spelled out.

    Args:
        text: one protocol, such as "dense", "multicrop@256/384/512" or "dense+multicrop".
        S: the scale that the paper's rules for Q are applied to, in pixels ([256;512]).
        Q: test scales, in pixels, for methods that name none.
        side: of the net's crops, in pixels.

    Raises:
        UserError: where the text is no protocol, in a line that says what is one.
    """
    with session(progress=True):
        if not isinstance(side, int) or side < 1:
            raise UserError(f"side {side!r}: give a whole number above 0")
        spec = given_protocols(text, Q)
        if len(spec.written) > 1:
            raise UserError(f"protocol {text!r}: give one; evaluate takes several")
        return spec.of(given_S(S), side)[0]
