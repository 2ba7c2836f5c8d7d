"""The class score maps of the mistakes that a row is surest of, made while its nets are at hand."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bench.engine.counting import stored_nets
from bench.engine.evaluated import Evaluated
from bench.engine.fill import engine, expected_of
from bench.engine.heat import dense_parts, heat_maps
from bench.engine.job import Job
from bench.engine.request import Computation
from bench.engine.rows import Row
from bench.engine.view_batches import scaling_of
from bench.folders import writing_to
from bench.progress import progress
from protocols.view import Size
from results.per_image import per_image
from results.posteriors import resolved
from results.result import signature_id
from results.score_maps import SIDE, ScoreMap, save_score_maps
from results.tally import row_blocks

AT_ONCE = 4  # images in memory at all their Q


def write_score_maps(evaluated: Evaluated, how: Computation, most: int, folder: Path) -> None:
    """Write maps of so many mistakes of each row that has a dense part, a file a row in `folder`.

    Raises UserError where the folder cannot be written to, or a map finds no memory.
    """
    for row in evaluated.job.rows:
        if dense_parts(row):
            found = list(_score_maps(evaluated.job, row, how, most))
            writing_to(folder, partial(_write, found, folder, signature_id(evaluated.results[row].signature)))


def _write(found: list[ScoreMap], folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_score_maps(found, folder / f"{name}.npz")


def _score_maps(job: Job, row: Row, how: Computation, most: int) -> Iterator[ScoreMap]:
    mistakes = _surest_mistakes(job, row, most).to_dict("records")
    places = {name: index for index, name in enumerate(job.images.ids)}
    scales = sorted({scaling_of(part, model.pixels) for model, part in dense_parts(row)})
    chunks = [mistakes[start : start + AT_ONCE] for start in range(0, len(mistakes), AT_ONCE)]
    wanted = [([places[each["id"]] for each in chunk], scales) for chunk in chunks]
    with engine(job.images, row.nets[0][0], how.batch, how.loading, forgiving=True) as (loader, _):
        prepared = (image for block in loader.blocks(wanted) for image in block)
        for each, image in progress(zip(mistakes, prepared, strict=True), len(mistakes), "making score maps"):
            if image is None:  # it could be read a moment ago
                continue
            predicted, label = each["predicted"], each["label"]
            maps = heat_maps(row, image, [predicted, label], _small(image.size), "--maps")
            assert maps is not None
            yield ScoreMap(each["id"], predicted, label, maps.astype(np.float16))


def _surest_mistakes(job: Job, row: Row, most: int) -> pd.DataFrame:
    """The wrong images that the row is surest of, the surest first, as `per_image` tells them. Raises StoreError."""
    found = pd.DataFrame()
    blocks = expected_of(job.images)
    for posteriors, expected in zip(row_blocks(stored_nets(job, row), blocks), blocks, strict=True):
        if expected.right is not None:
            posteriors = resolved(posteriors, dict(zip(expected.ids, expected.right, strict=True)))
        images = per_image(posteriors, job.competing)
        found = pd.concat([found, images[images["rank"] > 1]]).nlargest(most, "confidence")
    return found


def _small(size: Size) -> Size:
    """An image's size with SIDE as its longer side."""
    longer = max(size)
    return Size(*(max(1, round(SIDE * side / longer)) for side in size))
