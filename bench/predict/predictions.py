"""Single images, from options to the best classes of each."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bench.engine.header import about_models
from bench.engine.job import open_models
from bench.engine.request import Computation, Numbers, ProtocolSpec
from bench.engine.rows import Row
from bench.engine.unlabelled import Prediction, class_names, predictions
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.folders import spare
from bench.images import survey
from bench.images.containers.finder import Finder
from bench.images.dataset import Images
from bench.images.decoding import FORMATS
from bench.nets.model import Model
from bench.nets.net_spec import NetSpec
from bench.predict.report import Report
from bench.progress import busy, note, warn
from results.formatting import escaped, shown
from results.result import assumed_text


@dataclass(frozen=True)
class PredictionRequest:
    """Files and folders of images, the nets that are fused, and their one protocol.

    With `allow_duplicates` files that links show twice count twice; with `exif` images are turned as their EXIF
    orientation says.
    """

    images: Sequence[str]
    nets: Sequence[NetSpec]
    protocols: ProtocolSpec
    allow_duplicates: bool = False
    exif: bool = True
    numbers: Numbers = field(default_factory=Numbers)
    computation: Computation = field(default_factory=Computation)

    def __post_init__(self) -> None:
        written = self.protocols.written
        if len(written) > 1:
            one = "+".join(written)
            raise UserError(f"protocol '{','.join(written)}': give one; the mean of several methods is written '{one}'")


def run(request: PredictionRequest, table: Path | None, plots: Path | Literal[True] | None) -> int:
    """Predict what was asked for; 1 where some images cannot be read, else 0. Raises UserError and its like.

    `table` and `plots` are as `Report` takes them.
    """
    if table:
        spare("--out", table, map(Path, request.images))
    with busy("finding images"):
        images, missing = _find(request.images, request.allow_duplicates)
    images = replace(images, exif=request.exif)
    models = open_models(request.nets, request.numbers, request.computation, None, Shard())
    names = class_names(models)
    row = Row(tuple((model, request.protocols.of_model(model)[0]) for model in models))
    for model, part in row.parts:
        model.check(part, images.ids[0])
    note("\n".join(_header(models, images)))
    for place, why in missing.items():
        warn(_unread(place, why))
    unread = len(missing)
    headers = []
    with Report(request.images, row, names, table, plots, _assumed(models)) as report:
        for name, found in predictions(row, images, request.computation):
            if isinstance(found, Prediction):
                report.add(found)
                headers.append(found.image.header)
            else:
                warn(_unread(name, found))
                unread += 1
    for sentence in survey.notes(headers, images.exif):
        note(sentence)
    if unread:
        total = len(images) + len(missing)
        warn(f"{unread} of {total} images cannot be read; they are named above")
    return 1 if unread else 0


def _assumed(models: Sequence[Model]) -> str:
    """What nobody stated of the nets and their classes, in words."""
    found = {what for model in models for what in model.assumed}
    found |= {"class order" for model in models if model.classes is None}
    return assumed_text(found)


def _find(arguments: Sequence[str], duplicates: bool) -> tuple[Images, dict[str, str]]:
    """The files that were named and the images below the folders, each once; and why arguments give none.

    Raises UserError where none does.
    """
    if not arguments:
        raise UserError("no image: give files or folders (what stands right behind --plot is its folder)")
    found: dict[Path, None] = {}
    missing: dict[str, str] = {}
    notes: list[str] = []
    for each in arguments:
        finder = Finder(duplicates)
        paths = _paths(Path(each), finder)
        notes += [f"{shown(each)}: {note}" for note in finder.notes(Path(each))]
        if isinstance(paths, str):
            missing[each] = paths
        else:
            found |= dict.fromkeys(paths)
    if not found:
        first, why = next(iter(missing.items()))
        raise UserError(f"image {first!r}: {why}; give files or folders of images")
    images = Images(
        name="images",
        sources=tuple(found),
        ids=tuple(map(str, found)),
        labels=np.full(len(found), -1),  # unknown, and not asked for
        classes=None,
        total=len(found),
        notes=tuple(notes),
    )
    return images, missing


def _paths(place: Path, finder: Finder) -> list[Path] | str:
    """A file, or the images below a folder; else why there is none. Raises UserError for what links show twice."""
    if not os.path.exists(place):
        return "there is no such file or folder"
    if not os.path.isdir(place):
        return [place]
    try:
        found = finder.images_below(place)
    except OSError as error:
        return f"nothing of it is read: {error.strerror}: {error.filename}"
    return found or f"no image in this folder or below ({' '.join(FORMATS)})"


def _unread(name: str, why: str) -> str:
    return f"cannot be read: {shown(name)} ({shown(why)})"


def _header(models: Sequence[Model], images: Images) -> list[str]:
    lines = about_models(models) + [f"- Images: {escaped(note)}" for note in images.notes]
    rule = "applied (--no-exif: not, as in ImageNet's convention)" if images.exif else "not applied (--exif: it is)"
    lines.append(f"- Images: their EXIF orientation is {rule}")
    if not any(model.classes for model in models):
        known = {1000: "ImageNet's", 1001: "numbers, the first usually background: --drop-class 0"}
        lines.append(f"- Classes: {known.get(models[0].count, 'numbers')} (assumed: the weights do not name them)")
    if any(model.weights.source.startswith("builtin:") for model in models):
        lines.append(
            "- The built-in nets know rendered shapes, not photographs. ImageNet's classes: "
            "--weights torchvision:VGG16_Weights.IMAGENET1K_V1"
        )
    return lines
