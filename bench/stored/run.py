"""A folder that bench.run wrote, read again: its rows, their stored posteriors, its images."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.dataset import Images, Place
from bench.images.image_source import EnclosedImage
from bench.images.labels.named_classes import places_of_imagenet
from bench.images.sources import open_data
from bench.progress import progress
from results.errors import ResultError
from results.inspection import Inspection, inspect
from results.origin import NAME, Origin, read_origin
from results.posteriors import Posteriors, resolved
from results.result import signature_id
from results.score_maps import FOLDER, ScoreMap, load_score_maps
from results.store import BLOCK
from results.tally import row_blocks
from results.written_tables import WrittenRow, read_table

SAVED = "posteriors"  # the folder beside a table in which --save-posteriors writes an .npz a row
LABELLED = " labels="  # in signatures of rows that several right labels an image count


@dataclass(frozen=True)
class StoredRun:
    """A run's folder, the rows of its table in their order, and where its blocks are now, None for where it says.

    `lent` is what another run says of the same rows, for a baseline of the gate, which lies apart from its run.
    """

    folder: Path
    rows: tuple[WrittenRow, ...]
    store: Path | None = None
    lent: Origin | None = None

    @cached_property
    def origin(self) -> Origin:
        """Where the rows come from. Raises ResultError."""
        return self.lent or read_origin(self.folder)

    @cached_property
    def images(self) -> Images:
        """The images as they were evaluated. Raises UserError where they are not there any more."""
        origin = self.origin
        if origin.data is None:
            raise UserError("the images were given from Python and are in no file that is known")
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

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Where each image is, by id. Raises UserError as `images` does."""
        return {name: self.images.place(index) for index, name in enumerate(self.images.ids)}

    def written_later(self, places: Iterable[Place]) -> int:
        """How many of the images are in files that were written or moved after the run, and may be others by now."""
        then = (self.folder / NAME).stat().st_mtime_ns
        files = [source.file if isinstance(source, EnclosedImage) else source for source, *_ in places]
        return sum(_changed(file) > then for file in files if isinstance(file, Path))

    def chosen(self, wanted: str | None, option: str = "--row") -> list[WrittenRow]:
        """Rows by signature id or number from 1, commas between, each once; all for None. Raises UserError."""
        by_name = {str(number): row for number, row in enumerate(self.rows, 1)}
        by_name |= {signature_id(row.signature): row for row in self.rows}
        names = [name.strip() for name in wanted.split(",")] if wanted is not None else list(by_name)
        unknown = [name for name in names if name not in by_name]
        if unknown:
            ids = ", ".join(signature_id(row.signature) for row in self.rows)
            raise UserError(f"{option} '{unknown[0]}': give numbers from 1 to {len(self.rows)}, or of the ids {ids}")
        return list({row.signature: row for row in map(by_name.__getitem__, names)}.values())

    def inspected(self, row: WrittenRow) -> Inspection:
        """A row looked into, image by image. Raises UserError and ResultError."""
        return inspect(row, self.posteriors(row), self.origin.classes, self.origin.competing)

    def score_maps(self, row: WrittenRow) -> list[ScoreMap]:
        """The class score maps that bench.run --maps kept of a row, if it did. Raises ResultError."""
        path = self.folder / FOLDER / f"{signature_id(row.signature)}.npz"
        return load_score_maps(path) if path.exists() else []

    def posteriors(self, row: WrittenRow) -> Iterator[Posteriors]:
        """A row's posteriors, block by block, under the labels that count. Raises UserError and ResultError.

        Where several labels are right for an image it has the likeliest of them.
        """
        return self.labelled(row, self.recorded(row))

    def recorded(self, row: WrittenRow) -> Iterator[Posteriors]:
        """A row's posteriors as --save-posteriors wrote them, else from the store block by block. Raises ResultError.

        Their labels are the images' own.
        """
        saved = self._saved(row.id)
        return iter(saved) if saved else self._stored(row.id)

    def labelled(self, row: WrittenRow, blocks: Iterable[Posteriors]) -> Iterator[Posteriors]:
        """Posteriors of a row, of this run or of one that measured the same, under the labels that count.

        Raises UserError where several are right for an image and it is not known any more which.
        """
        if LABELLED in row.signature:
            right = self._right
            return (resolved(block, {each: right.get(each, ()) for each in block.ids}) for block in blocks)
        return iter(blocks)

    def _saved(self, name: str) -> Sequence[Posteriors]:
        path = self.folder / SAVED / f"{name}.npz"
        return [Posteriors.load(path)] if path.exists() and self.store is None else []

    def _stored(self, name: str) -> Iterator[Posteriors]:
        if self.lent:
            where = f"'{self.folder}/{SAVED}'"
            raise ResultError(f"row {name}: no posteriors in {where}; bench.gate --update --save-posteriors keeps them")
        if name not in self.origin.rows:
            where = f"'{self.folder}/origin.json'"
            raise ResultError(
                f"row {name} is not in {where}: only Python knew its net, so that its blocks were not kept, or the "
                "table is of another run; write it again with save(posteriors=True), or bench.run"
            )
        count = -(-self.origin.images // BLOCK)
        blocks = row_blocks(self.origin.nets(name, self.store), [None] * count)
        return progress(blocks, count, f"reading {name}", unit="block")

    @cached_property
    def _right(self) -> Mapping[str, Sequence[int]]:
        """The classes that are right for each image, where several are. Raises UserError."""
        if self.origin.data is None:
            raise UserError("several labels are right for an image, and only Python knew which; give bench.run the set")
        places = places_of_imagenet(len(self.origin.classes), self.origin.names)
        among = self.images.right.renumbered(places) if self.images.right and places else None
        return dict(zip(self.images.ids, among.classes, strict=True)) if among else {}


def _changed(file: Path) -> int:
    """When a file was written, or put where it is, in nanoseconds; 0 where there is none."""
    try:
        about = os.stat(file)
    except OSError:
        return 0
    return max(about.st_mtime_ns, about.st_ctime_ns)


def open_run(place: Path, store: Path | None = None) -> StoredRun:
    """A run by its folder or by the table in it (`results.json` or `.csv`). Raises ResultError."""
    table = place / "results.json" if place.is_dir() else place
    return StoredRun(table.parent, tuple(read_table(table).values()), store)
