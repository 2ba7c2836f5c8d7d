"""`bench.evaluate`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from bench.api.entrants import Net, Said, entrants
from bench.api.evaluation_table import Table
from bench.api.session import session
from bench.api.values import Scale, Scales, given_protocols, given_store, labelled_images
from bench.engine.evaluated import evaluated
from bench.engine.request import Computation, Evaluation, Keeping, Numbers
from bench.engine.workers import Shard
from bench.images.pixels import Pixels
from protocols.protocol import Protocol


def evaluate(
    net: Net | Mapping[str, Net],
    images: Any,
    protocols: str | Protocol | Sequence[str | Protocol] = "dense,multicrop",
    *,
    weights: str | None = None,
    S: Scale = None,
    pixels: str | Pixels | None = None,
    side: int | None = None,
    classes: Sequence[str] | None = None,
    identity: str | None = None,
    weights_key: str | None = None,
    drop_class: int | str | None = None,
    Q: Scales = None,
    fuse: bool = False,
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
    restrict_classes: bool = False,
    skip_corrupt: bool = False,
    map: Literal["scores", "posteriors"] = "scores",
    dtype: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32",
    device: str | torch.device = "auto",
    engine: Literal["torch", "onnxruntime", "openvino", "tensorrt"] = "torch",
    batch_size: int | None = None,
    workers: int | None = None,
    compile: Literal["auto", "on", "off"] = "auto",
    store: str | Path | None = None,
    fresh: bool = False,
    progress: bool = True,
) -> Table:
    """Top-1 and top-5 error of a net under the VGG paper's test protocols (sections 3.2 and 4), as bench.run counts it.

    Args:
        net: an `nn.Module` that maps (N, C, side, side) to (N, K) scores, which is evaluated in evaluation mode without
            gradients and given back as it was; or what `--model` or `--weights` take, such as "vgg16" or
            "builtin:D-256-512"; or what `load_model` gives; or several of these by name.
        images: what `--data` takes, such as "folder:photos/val"; what `open_images` gives; a data set of (PIL image or
            path, label), as torchvision's are without a transform; or a list of such pairs, uint8 arrays (H, W, 3) too.
        protocols: such as "dense,multicrop,dense+multicrop" or "dense@256/384/512".
        weights: for a net that is named: a file, "torchvision:NAME" or "builtin:NAME"; else what suits the images.
        S: the scale at which the net was trained, in pixels: 384, or (256, 512); [256;512] is assumed.
        pixels: what the net takes: "torchvision", "caffe", "mnist", or order/range/mean/std as `--pixels` takes it;
            torchvision's are assumed.
        side: of the net's crops, in pixels.
        classes: names of a module's K classes, in the order of its scores; they are matched with the data's.
        identity: what tells this module's computation from others', where its graph cannot be traced: without it
            nothing of such a net is kept in the store.
        weights_key, drop_class: as the options of bench.run, for nets that are named.
        Q: test scales, in pixels, for protocols that name none (else the paper's rule for S).
        fuse: add the mean of all nets' posteriors (section 4.5).
        limit: so many images, spread evenly over the set, or "all" (200 of "shapes", all of other sets).
        split, seed, class_order, labels_from, allow_duplicates, exif, verify, class_map, list_columns: how the images
            are read, as in bench.run.
        labels: "real:FILE" counts ImageNet's validation images by ReaL's labels, several right ones an image.
        restrict_classes: only the classes that occur in the data compete.
        skip_corrupt: leave out images that cannot be decoded, and count them.
        map: what is averaged over the positions of a class score map.
        dtype: number format.
        device: "cpu", "cuda", "cuda:N", "mps", "xpu", or "auto": CUDA if there is one.
        engine: what computes the net: "torch", or a runtime that is installed.
        batch_size: views at once (as suits the device). workers: threads that prepare images.
        compile: whether torch compiles the nets, which takes a minute; "auto": on CUDA where the images are worth it.
        store: folder of finished blocks, which are never computed twice (the user's cache folder); fresh: compute anew.
        progress: show a bar.

    Returns:
        A `Table` with a row for every net and protocol, in this order, then the fusions.

    Raises:
        UserError: for everything a caller can mend, in the line that bench.run would print.
    """
    with session(progress):
        nets = entrants(net, Said(weights, S, pixels, side, classes, identity, weights_key, drop_class))
        request = Evaluation(
            nets=tuple(nets.values()),
            images=labelled_images(
                images,
                limit,
                split=split,
                seed=seed,
                class_order=class_order,
                labels_from=labels_from,
                allow_duplicates=allow_duplicates,
                exif=exif,
                verify=verify,
                labels=labels,
                class_map=class_map,
                list_columns=list_columns,
            ),
            protocols=given_protocols(protocols, Q),
            fuse=fuse,
            numbers=Numbers(dtype, map, restrict_classes, skip_corrupt),
            computation=Computation(str(device), batch_size, workers, engine, compile),
            keeping=Keeping(given_store(store), fresh),
        )
        found = evaluated(request, Shard.alone())
        _ = found.results  # counted here, so that what is wrong with the store is said here
        return Table(found, request.protocols, tuple(nets))
