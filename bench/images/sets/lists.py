"""List files: an image and its label a line, or a table with a column of each."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.containers.finder import foreign
from bench.images.containers.part_names import EVALUATION, SEEN, is_training
from bench.images.dataset import Images, distinct
from bench.images.labels.imagenet_names import wnids
from bench.images.sets.list_entries import alike, kind_of, misread, read_entries
from bench.images.sets.list_lines import Entry, file_number, places_of
from bench.images.sets.list_parts import ListParts, list_parts
from bench.images.sets.list_tables import Table, table_of

MOST_MISSING = 1000  # images that are looked for in vain


Columns = tuple[str, str] | None


def read_list(file: Path, part: str = "val", duplicates: bool = False, columns: Columns = None) -> Images:
    """The images of a list, in its order; their paths start at the list's folder or at `images/` beside it.

    Where columns of a table say what part of the set each image is for, those of `part` are taken. With `duplicates`
    files that stand twice count twice; `columns` are those of image and label in a table that calls them otherwise.
    Raises UserError and OSError.
    """
    table = _table(file, columns)
    parts = list_parts(file, table)
    taken = _taken(file, part, parts)
    notes = _notes(table, parts, taken)
    if part == "val" and parts is None and is_training(file.stem):
        notes += (f"the list is named {file.name!r}: a net trained on its images {SEEN}",)
    wanted = (entry for entry in read_entries(file, table) if parts is None or parts.of(entry) == taken)
    return _images(file, wanted, read_entries(file, table) if parts else (), notes, duplicates)


def read_whole_list(file: Path, duplicates: bool = False, columns: Columns = None) -> Images:
    """The images of a list without parts, of which `--split` makes some. Raises UserError and OSError."""
    if parts := parts_of_list(file, columns):
        raise UserError(f"data {str(file)!r}: it says which images are for {' and '.join(parts)}; leave --split out")
    return read_list(file, duplicates=duplicates, columns=columns)


def parts_of_list(file: Path, columns: Columns = None) -> list[str]:
    """The parts that the list tells apart, none where it has one. Raises UserError and OSError."""
    parts = list_parts(file, _table(file, columns))
    return list(parts.counts) if parts and parts.several else []


def indices(labels: Sequence[str], more: Iterable[str] = ()) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Labels of one kind as int64 (N,), and the classes that they count in: WordNet ids, or the sorted names.

    Names of classes without an image here are in `more`.
    """
    kind = kind_of(labels[0])
    if kind == "index":
        return np.array([int(label) for label in labels], dtype=np.int64), None
    classes = wnids() if kind == "wnid" else tuple(sorted({*labels, *more}))  # as of class folders
    index = {name: number for number, name in enumerate(classes)}
    return np.array([index[label] for label in labels], dtype=np.int64), classes


def _table(file: Path, columns: Columns) -> Table | None:
    if not file.is_file():
        raise UserError(f"data {str(file)!r}: there is no such file; give one with lines such as 'images/a.jpg 3'")
    return table_of(file, wanted=columns)


def _images(
    file: Path, wanted: Iterable[Entry], everything: Iterable[Entry], notes: tuple[str, ...], duplicates: bool
) -> Images:
    """The wanted images; what classes there are, of which these may have few, is in `everything`."""
    labels: list[str] = []
    ids: list[str] = []
    paths: list[Path] = []
    finder = _Places(file, duplicates)
    for entry, path in finder.located(alike(file, wanted)):
        labels.append(sys.intern(entry.label))
        ids.append(entry.path)
        paths.append(path)
    named = kind_of(labels[0]) == "name"
    others = (entry.label for entry in everything if named and kind_of(entry.label) == "name")
    numbers, classes = indices(labels, others)
    notes += _said_by(ids)
    if finder.again:
        notes += (f"{finder.again} images stand in the list again and count twice (--allow-duplicates)",)
    return Images(
        name=f"list:{file.name}",
        sources=tuple(paths),
        ids=distinct(ids),
        labels=numbers,
        classes=classes,
        total=len(paths),
        notes=notes,
    )


def _taken(file: Path, part: str, parts: ListParts | None) -> str | None:
    """Which of the parts is taken; where all images are for one, it is, to be evaluated."""
    found = parts.counts if parts else {}
    if part == "train":
        if "train" not in found:
            raise UserError(f"data 'list:{file}': a list has no split 'train'; give --split 0.2, or folder:DIR")
        return "train"
    return next((each for each in EVALUATION if each in found), next(iter(found), None))


def _notes(table: Table | None, parts: ListParts | None, taken: str | None) -> tuple[str, ...]:
    notes: tuple[str, ...] = (parts.note(taken),) if parts and taken else ()
    read = {table.file, table.label, *(parts.columns if parts else ())} if table else set()
    ignored = [name for place, name in enumerate(table.columns if table else ()) if place not in read]
    if ignored:
        notes += (f"columns of the list that are not read: {', '.join(map(repr, ignored))}",)
    return notes


def _said_by(ids: Sequence[str]) -> tuple[str, ...]:
    """What folders and files are called: as training images are, or as copies that a system made."""
    notes: tuple[str, ...] = ()
    above = (name.split("/")[:-1] for name in ids)
    if all(any(map(is_training, folders)) for folders in above):
        notes += (f"all images are in folders named as training images' are: a net trained on them {SEEN}",)
    hidden = [name for name in ids if name[0] != "/" and any(foreign(part) for part in name.split("/") if part != "..")]
    if hidden:
        notes += (f"{len(hidden)} images have names of hidden or system files, such as {hidden[0]!r}",)
    return notes


class _Places:
    """Finds the images of a list; `again` counts those that stand in it twice, by any path or link."""

    def __init__(self, file: Path, duplicates: bool) -> None:
        self.file, self.duplicates, self.again = file, duplicates, 0
        self.known: dict[tuple[int, int], tuple[Path, int]] = {}  # by device and number
        self.lines: dict[str, int] = {}  # of files of several names, by their real ones

    def located(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Path]]:
        """Where the images are. Raises UserError where one is not, or stands twice and must not."""
        first: Entry | None = None
        missing = count = 0
        for entry in entries:
            count += 1
            places = ((path, number) for path in places_of(self.file, entry.path) if (number := file_number(path)))
            path, number = next(places, (None, None))
            if path is None or number is None:
                first, missing = first or entry, missing + 1
                if missing == MOST_MISSING:
                    break
                continue
            self._meet(entry, path, number)
            yield entry, path
        if first:
            raise UserError(
                f"data {str(self.file)!r}: {missing} of {'the first ' * (missing == MOST_MISSING)}{count} images are "
                f"not there, first {first.path!r} (line {first.line}); {misread(self.file, first)}"
            )

    def _meet(self, entry: Entry, path: Path, number: tuple[int, int]) -> None:
        other, line = self.known.setdefault(number, (path, entry.line))
        if other is path:
            return
        self.lines.setdefault(os.path.realpath(other), line)
        line = self.lines.setdefault(os.path.realpath(path), entry.line)
        if line == entry.line:  # two names that are not links are two files
            return
        if not self.duplicates:
            raise UserError(
                f"data {str(self.file)!r}: {entry.path!r} stands twice, in lines {line} and {entry.line}; leave one, "
                "or give --allow-duplicates"
            )
        self.again += 1
