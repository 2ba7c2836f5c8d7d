"""Rows of a run looked into: from the stored posteriors to tables and pictures."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.command import say
from bench.errors import UserError
from bench.folders import writable, writing_to
from bench.images.dataset import Images
from bench.images.labels.named_classes import places_of_imagenet
from bench.images.sources import DataSpec, open_data
from bench.pictures.contact_sheet import Places, contact_sheet
from bench.pictures.diagrams import plot_confusion, plot_reliability
from bench.progress import progress, warn
from results.confusion import occurring
from results.errors import ResultError
from results.inspection import Inspection, inspect
from results.origin import Origin, read_origin
from results.posteriors import Posteriors, resolved
from results.result import signature_id
from results.store import BLOCK
from results.tally import row_blocks
from results.written_tables import WrittenRow, read_table

MOST = 600  # pictures on a sheet


@dataclass(frozen=True)
class InspectionRequest:
    """A run's folder or its `results.json`; rows by signature id or number with commas between, None for all.

    `mistakes` is how many pictures there are of the surest; `store` where the blocks are now, `out` a folder for a
    folder per row, None for where the run says.
    """

    run: Path
    rows: str | None = None
    mistakes: int = 24
    store: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.mistakes <= MOST:
            raise UserError(f"--mistakes {self.mistakes}: give a number from 0 to {MOST}")


def run(request: InspectionRequest) -> None:
    """Look into the wanted rows one by one and print their summaries. Raises UserError and ResultError."""
    table = request.run / "results.json" if request.run.is_dir() else request.run
    rows = _chosen(list(read_table(table).values()), request.rows)
    origin = read_origin(table.parent)
    places = _places(origin) if request.mistakes else {}
    resolve = _resolver(rows, origin)
    for row in rows:
        name = signature_id(row.signature)
        blocks = map(resolve, _blocks(table.parent, origin, name, request.store))
        found = inspect(row, blocks, origin.classes, origin.competing)
        folder = writable("--out", (request.out or table.parent / "inspect") / name)
        writing_to(folder, partial(_write, found, folder, request.mistakes, places))
        say(found.summary())
        print(f"written to {folder}", file=sys.stderr)


def _chosen(rows: Sequence[WrittenRow], wanted: str | None) -> list[WrittenRow]:
    """Rows by signature id or number, each once. Raises UserError."""
    by_name = {str(number): row for number, row in enumerate(rows, 1)}
    by_name |= {signature_id(row.signature): row for row in rows}
    names = [name.strip() for name in wanted.split(",")] if wanted is not None else list(by_name)
    unknown = [name for name in names if name not in by_name]
    if unknown:
        ids = ", ".join(signature_id(row.signature) for row in rows)
        raise UserError(f"--row '{unknown[0]}': give numbers from 1 to {len(rows)}, or of the ids {ids}")
    return list({row.signature: row for row in map(by_name.__getitem__, names)}.values())


def _blocks(run: Path, origin: Origin, name: str, store: Path | None) -> Iterable[Posteriors]:
    """A row's posteriors: as --save-posteriors wrote them, else from the store. Raises ResultError."""
    saved = run / "posteriors" / f"{name}.npz"
    if saved.exists() and store is None:
        return [Posteriors.load(saved)]
    if name not in origin.rows:
        raise ResultError(f"row {name} is not in '{run}/origin.json': its table is of another run; run bench.run again")
    count = -(-origin.images // BLOCK)
    return progress(row_blocks(origin.nets(name, store), [None] * count), count, f"reading {name}", unit="block")


def _resolver(rows: Sequence[WrittenRow], origin: Origin) -> Callable[[Posteriors], Posteriors]:
    """What each image is looked at under: its label, or the likeliest of its classes where several are right.

    Raises UserError where it is not known any more which are right.
    """
    if not any(" labels=" in row.signature for row in rows):
        return lambda block: block
    if origin.data is None:
        raise UserError("several labels are right for an image, and only Python knew which; give bench.run the set")
    images = _opened(origin)
    places = places_of_imagenet(len(origin.classes), origin.classes)
    among = images.right.renumbered(places) if images.right and places else None
    right = dict(zip(images.ids, among.classes, strict=True)) if among else {}
    return lambda block: resolved(block, {name: right.get(name, ()) for name in block.ids})


def _places(origin: Origin) -> Places:
    """Where the images are, by id; a warning where they are not there any more."""
    if origin.data is None:
        warn("no pictures of mistakes: the images were given from Python and are in no file that is known")
        return {}
    try:
        images = _opened(origin)
    except UserError as error:
        warn(f"no pictures of mistakes: {error}")
        return {}
    return {name: images.place(index) for index, name in enumerate(images.ids)}


def _opened(origin: Origin) -> Images:
    """The images as they were evaluated. Raises UserError."""
    assert origin.data is not None
    return open_data(
        DataSpec(
            origin.data,
            origin.split,
            origin.seed,
            origin.images,
            origin.class_order,
            origin.labels_from,
            origin.allow_duplicates,
            origin.exif,
            labels=origin.labels,
            list_columns=origin.list_columns,
        )
    )


def _write(found: Inspection, folder: Path, most: int, places: Places) -> None:
    """Tables and pictures."""
    found.write(folder)
    plot_confusion(occurring(found.matrix), folder / "confusion.png", found.title)
    plot_reliability(found.reliability, found.calibration_error, folder / "calibration.png", found.title)
    mistakes = found.mistakes(most)
    if len(mistakes) and places:
        contact_sheet(mistakes, places, folder / "mistakes.png")
