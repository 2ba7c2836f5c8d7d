"""Small pictures of some of the mistakes: which images get one, and the pictures as text that a page can hold."""

import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import permutations, zip_longest
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from bench.errors import UserError
from bench.images.dataset import Place
from bench.pictures.fitted import fitted
from bench.progress import progress
from bench.report.mistakes import ImageSet, RowMistakes
from bench.stored.run import StoredRun

SIDE = 144  # pixels
QUALITY = 75  # of JPEG


class Wanted(NamedTuple):
    """One of the wrong images: the number of its set, and its place in that."""

    number: int
    place: int


@dataclass(frozen=True)
class Thumbnails:
    """Pictures as `data:` addresses, and remarks about those that there are none of."""

    pictures: Mapping[Wanted, str]
    remarks: Sequence[str]


def thumbnails(sets: Sequence[ImageSet], most: int) -> Thumbnails:
    """Pictures of `most` images, read on threads."""
    wanted = chosen([each.mistakes for each in sets], most)
    runs, remarks = _runs(sets, sorted({number for number, _ in wanted}))
    known = [each for each in wanted if each.number in runs]
    found = {each: runs[each.number].places.get(sets[each.number].ids[each.place]) for each in known}
    there = {each: place for each, place in found.items() if place is not None}
    pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="thumbnail")
    try:
        made = list(progress(pool.map(_picture, there.values()), len(there), "making thumbnails"))
    finally:
        pool.shutdown(cancel_futures=True)
    pictures = {each: text for each, text in zip(there, made, strict=True) if text is not None}
    if lost := len(known) - len(pictures):
        remarks.append(
            f"{lost} of {len(wanted)} images that were to be shown are not in the set as it is now, or cannot be read."
        )
    shown = ((run, [there[each] for each in pictures if each.number == number]) for number, run in runs.items())
    if later := sum(run.written_later(places) for run, places in shown):
        remarks.append(f"{later} of the pictures may not be what the nets saw: the files were written after the run.")
    return Thumbnails(pictures, remarks)


def chosen(mistakes: Sequence[Sequence[RowMistakes]], most: int) -> list[Wanted]:
    """Which images are shown, each once: half of them the surest mistakes of the rows in turn, then images that only
    one of two rows has wrong, of all pairs in turn, and if there is room left further sure mistakes.
    """
    found: dict[Wanted, None] = {}
    for candidates, room in ((_surest, most // 2), (_differing, most), (_surest, most)):
        for each in candidates(mistakes):
            if len(found) >= room:
                break
            found[each] = None
    return list(found)


def _surest(mistakes: Sequence[Sequence[RowMistakes]]) -> Iterator[Wanted]:
    return _in_turn(_of_set(number, row.places) for number, rows in enumerate(mistakes) for row in rows)


def _differing(mistakes: Sequence[Sequence[RowMistakes]]) -> Iterator[Wanted]:
    """Images that the one of two rows has wrong and the other has not, the surest first."""
    pairs = ((number, pair) for number, rows in enumerate(mistakes) for pair in permutations(rows, 2))
    return _in_turn(_of_set(number, _alone(*pair)) for number, pair in pairs)


def _alone(wrong: RowMistakes, right: RowMistakes) -> Iterator[int]:
    return iter(wrong.places[~np.isin(wrong.places, right.places)])


def _of_set(number: int, places: Iterable[int]) -> Iterator[Wanted]:
    return (Wanted(number, int(place)) for place in places)


def _in_turn(queues: Iterable[Iterator[Wanted]]) -> Iterator[Wanted]:
    """The first of each, then the second of each, and so on."""
    return (each for turn in zip_longest(*queues) for each in turn if each is not None)


def _runs(sets: Sequence[ImageSet], numbers: Sequence[int]) -> tuple[dict[int, StoredRun], list[str]]:
    """Of each set the first of its runs that knows where the images are; and why none does."""
    found: dict[int, StoredRun] = {}
    remarks = []
    for number in numbers:
        rows = sets[number].rows
        whose = f" of rows {', '.join(str(row.number) for row in rows)}" if len(sets) > 1 else ""
        try:
            found[number], _ = _first_known(list({id(row.run): row.run for row in rows}.values()))
        except UserError as error:
            remarks.append(f"No pictures{whose}: {error}.")
    return found, remarks


def _first_known(runs: Sequence[StoredRun]) -> tuple[StoredRun, Mapping[str, Place]]:
    """Raises the last run's UserError where no run knows where its images are."""
    *others, last = runs
    for run in others:
        with suppress(UserError):
            return run, run.places
    return last, last.places


def _picture(place: Place) -> str | None:
    """As a JPEG; None where it cannot be read."""
    image = fitted(place, SIDE)
    return None if image is None else data_address(image, "JPEG", quality=QUALITY, optimize=True)


def data_address(image: Image.Image, kind: str, **options: Any) -> str:
    """The picture as text that a page can hold, encoded by PIL as `kind` with these options."""
    file = BytesIO()
    image.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{b64encode(file.getvalue()).decode('ascii')}"
