"""`bench.predict`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch

from bench.api.entrants import Net, Said, entrants
from bench.api.session import session
from bench.api.values import Scale, Scales, given_protocols
from bench.engine.job import open_models
from bench.engine.request import Computation, Numbers
from bench.engine.rows import Row
from bench.engine.unlabelled import Prediction, class_names, predictions
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.images.sets.given_images import read_unlabelled
from protocols.protocol import Protocol
from results.formatting import shown


@dataclass(frozen=True)
class Predicted:
    """An image's classes by probability: `classes` their names and `probs` (k,) float32, the most probable first.

    `posteriors` (K,) float32 are those of all classes in the net's order, whose names are `names`.
    """

    id: str
    classes: tuple[str, ...]
    probs: np.ndarray
    posteriors: np.ndarray = field(repr=False)
    names: tuple[str, ...] = field(repr=False)


def predict(
    net: Net | Mapping[str, Net],
    images: Any,
    protocol: str | Protocol = "dense",
    *,
    best: int = 5,
    weights: str | None = None,
    S: Scale = None,
    pixels: str | Pixels | None = None,
    side: int | None = None,
    classes: Sequence[str] | None = None,
    weights_key: str | None = None,
    drop_class: int | str | None = None,
    Q: Scales = None,
    exif: bool = True,
    skip_corrupt: bool = False,
    map: Literal["scores", "posteriors"] = "scores",
    dtype: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32",
    device: str | torch.device = "auto",
    engine: Literal["torch", "onnxruntime", "openvino", "tensorrt"] = "torch",
    batch_size: int | None = None,
    workers: int | None = None,
    compile: Literal["auto", "on", "off"] = "auto",
    progress: bool = True,
) -> list[Predicted]:
    """The most probable classes of images under a protocol (sections 3.2 and 4); several nets are fused.

    Args:
        net: as for `evaluate`.
        images: paths, PIL images and uint8 arrays (H, W, 3), a list of them or one.
        protocol: one, such as "dense" or "dense+multicrop@256".
        best: how many classes of each image are named.
        exif: whether images are turned as their EXIF orientation says.
        skip_corrupt: leave out images that cannot be read; else they raise UserError, which names them all.
        weights, S, pixels, side, classes, weights_key, drop_class, Q, map, dtype, device, engine, batch_size, workers,
            compile, progress: as for `evaluate`.

    Returns:
        A `Predicted` for every image, in their order.

    Raises:
        UserError: for everything a caller can mend.
    """
    with session(progress):
        spec = given_protocols(protocol, Q)
        if len(spec.written) > 1:
            one = "+".join(spec.written)
            raise UserError(f"protocol {protocol!r}: give one; the mean of several methods is written '{one}'")
        if not isinstance(best, int) or best < 1:
            raise UserError(f"best {best!r}: give a whole number above 0")
        nets = entrants(net, Said(weights, S, pixels, side, classes, None, weights_key, drop_class))
        found = replace(read_unlabelled(images), exif=exif)
        how = Computation(str(device), batch_size, workers, engine, compile)
        models = open_models(tuple(nets.values()), Numbers(dtype, map), how, None, Shard.alone())
        row = Row(tuple((model, spec.of_model(model)[0]) for model in models))
        for model, part in row.parts:
            model.check(part, found.ids[0])
        names = class_names(models)
        seen = list(predictions(row, found, how))
        bad = [f"{shown(name)} ({shown(each)})" for name, each in seen if isinstance(each, str)]
        if bad and not skip_corrupt:
            raise UserError(
                f"{len(bad)} image(s) cannot be read: {', '.join(bad)}; mend them, or give skip_corrupt=True"
            )
        return [_predicted(each, names, best) for _, each in seen if isinstance(each, Prediction)]


def _predicted(found: Prediction, names: tuple[str, ...], count: int) -> Predicted:
    order = found.best(count)
    return Predicted(found.id, tuple(names[i] for i in order), found.probs[order], found.probs, names)
