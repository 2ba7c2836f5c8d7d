"""`bench.transfer`."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bench.api.entrants import Net, Said, entrants
from bench.api.session import session
from bench.api.transfer_table import TransferTable
from bench.api.values import Scale, Scales, given_Q, given_store, labelled_images
from bench.engine.request import Computation, Keeping, Numbers
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.dataset import Images
from bench.images.divided import DividedSet, divided_of
from bench.images.pixels import Pixels
from bench.images.sets.given_images import read_given
from bench.linear.job import complete_transfer, transfer_job
from bench.linear.request import Learning, Transfer
from bench.linear.transferred import transferred


def transfer(
    net: Net | Mapping[str, Net],
    images: Any,
    *,
    weights: str | None = None,
    S: Scale = None,
    pixels: str | Pixels | None = None,
    side: int | None = None,
    identity: str | None = None,
    weights_key: str | None = None,
    Q: Scales = None,
    over: str | Sequence[str] | None = None,
    fuse: bool = False,
    region: Literal["image", "box", "image+box"] | None = None,
    train_per_class: int | Sequence[int] | None = None,
    test_per_class: int | None = None,
    splits: int | None = None,
    seed: int = 0,
    C: float | Sequence[float] | None = None,
    limit: int | str | None = None,
    allow_duplicates: bool = False,
    exif: bool = False,
    verify: bool = False,
    list_columns: str | None = None,
    skip_corrupt: bool = False,
    dtype: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32",
    device: str | torch.device = "auto",
    engine: Literal["torch", "onnxruntime", "openvino", "tensorrt"] = "torch",
    batch_size: int | None = None,
    workers: int | None = None,
    compile: Literal["auto", "on", "off"] = "auto",
    store: str | Path | None = None,
    fresh: bool = False,
    progress: bool = True,
) -> TransferTable:
    """How well linear classifiers learn other classes from what a net's last layer sees (appendix B of the VGG paper).

    Args:
        net: as for `evaluate`.
        images: what `--data` of bench.transfer takes, such as "voc2007-cls:DIR", "caltech101" or "folder:DIR"; or
            (train, test), two data sets or lists as `evaluate` takes them; or one such, from which images are drawn.
        weights, S, pixels, side, identity, weights_key: as for `evaluate`.
        Q: test scales, in pixels (the paper's: 256, 384 and 512, and 640 and 768 too for Pascal VOC).
        over: what becomes of several Q: "mean", "stack" or "each", or several of these ("mean"; "stack" for Caltech's).
        fuse: add the descriptors of all nets, stacked.
        region: of "voc2012-action:DIR": what is seen of each person ("image+box").
        train_per_class: learn from so many images of each class, drawn at random; several: rows for each.
        test_per_class: be judged on at most so many of the other images of each class.
        splits: how often images are drawn (3). seed: of all that is random.
        C: the classifiers' constants, of which the best on validation images is taken.
        limit: so many images of each part, spread evenly, or "all" (200 of "shapes", all of other sets).
        allow_duplicates, exif, verify, list_columns: how the images are read, as for `evaluate`.
        skip_corrupt, dtype, device, engine, batch_size, workers, compile, store, fresh, progress: as for `evaluate`.

    Returns:
        A `TransferTable` with a row for every net and way, in this order, then for all nets together.

    Raises:
        UserError: for everything a caller can mend, in the line that bench.transfer would print.
    """
    with session(progress):
        said = Said(weights, S, pixels, side, identity=identity, weights_key=weights_key)
        nets = entrants(net, said)
        how = {"allow_duplicates": allow_duplicates, "exif": exif, "verify": verify, "list_columns": list_columns}
        request = Transfer(
            nets=tuple(nets.values()),
            data=_divided(images, limit, how),
            Q=given_Q(Q),
            over=tuple(_several(over, str, "over")),
            fuse=fuse,
            region=region,
            learning=_learning(train_per_class, test_per_class, splits, seed, C),
            numbers=Numbers(dtype, skip_corrupt=skip_corrupt),
            computation=Computation(str(device), batch_size, workers, engine, compile),
            keeping=Keeping(given_store(store), fresh),
        )
        shard = Shard.alone()
        job = transfer_job(request, shard)
        complete_transfer(job, shard)
        return TransferTable(transferred(job), tuple(nets))


def _learning(per_class: Any, test_per_class: int | None, splits: int | None, seed: int, C: Any) -> Learning:
    own = {} if C is None else {"C": tuple(_several(C, Real, "C"))}
    per_class = tuple(_several(per_class, Integral, "train_per_class"))
    return Learning(per_class, _plain(test_per_class), _plain(splits), _plain(seed), **own)


def _several(value: Any, kind: Any, name: str) -> list[Any]:
    """None, one, or several; texts with commas between. Raises UserError."""
    if value is None:
        return []
    if isinstance(value, str):
        value = [each.strip() for each in value.split(",")]
    found = list(value) if isinstance(value, Iterable) else [value]
    if wrong := [each for each in found if not isinstance(each, kind)]:
        raise UserError(f"{name} {wrong[0]!r}: give one, or a list of such as bench.transfer takes")
    return list(map(_plain, found))


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's, which JSON knows."""
    return value.item() if isinstance(value, np.generic) else value


def _divided(images: Any, limit: int | str | None, how: dict[str, Any]) -> DataSpec | DividedSet:
    """A set that is named, or images in Python as its parts. Raises UserError."""
    if isinstance(images, tuple) and len(images) == 2 and not isinstance(images[0], str | Path):
        train, test = (_opened(each, limit, how) for each in images)
        return divided_of(train, test)
    found = labelled_images(images, limit, **how)
    return divided_of(found) if isinstance(found, Images) else found


def _opened(images: Any, limit: int | str | None, how: dict[str, Any]) -> Images:
    found = labelled_images(images if isinstance(images, Images) else read_given(images), limit, **how)
    assert isinstance(found, Images)
    return found
