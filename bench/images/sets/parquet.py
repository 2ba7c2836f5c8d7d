"""Parquet files as hubs hold them: a row is an image, as the bytes of its file, with its name and label."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.images.containers.parquet_rows import ParquetRow, broken, open_parquet
from bench.images.dataset import Images
from bench.images.decoding import UndecodableError, guarded
from bench.images.image_source import Stamp
from bench.images.limits import MOST_BYTES
from bench.images.sets.hub_columns import Columns, Wanted, columns_of
from bench.images.sets.parquet_files import Part, part_of, parts_within
from bench.images.sets.table_labels import Told, assembled, told_of
from bench.progress import progress

MOST_ROWS = 1_000_000  # of a file, or more where it is so large that each may have LEAST bytes of it
LEAST = 32
AT_ONCE = 1 << 28  # bytes of labels and names
BOMB = 100  # times as many bytes as a file has, which no images unpack to


class File(NamedTuple):
    """A parquet file: its columns, what they say of each row, and how many rows each row group has."""

    path: Path
    stamp: Stamp
    columns: Columns
    told: Told
    groups: list[int]


def read_parquet(given: Path, split: str, wanted: Wanted = None) -> Images:
    """The split's rows of the parquet files in a folder, or of a file or pattern.

    `wanted` are the columns of image and label, None where their names say it. An image's id is its name within the
    set, where each has another, else `FILE#ROW`. Rows without a label are left out. Raises UserError and OSError.
    """
    return _read(part_of(given, split), wanted)


def read_whole_parquet(given: Path, wanted: Wanted = None) -> Images:
    """All rows of files that are of one part, of which `--split` makes some. Raises UserError and OSError."""
    if parts := parts_within(given):
        raise UserError(
            f"data {str(given)!r}: its files are of parts ({', '.join(parts)}); leave --split out, or give the files "
            "of one by a pattern"
        )
    return read_parquet(given, "val", wanted)


def _read(part: Part, wanted: Wanted) -> Images:
    what = f"reading the labels of {part.name}"
    files = [_opened(path, wanted) for path in progress(part.files, len(part.files), what, "file")]
    columns, told = files[0].columns, Told([], [])
    for file in files:
        _require_alike(files[0], file)
        told.labels.extend(file.told.labels)
        told.paths.extend(file.told.paths)
    sources = [place for file in files for place in _places(file)]
    places = [source.file.name + source.name for source in sources]
    return assembled(part.name, columns, told, sources, places, part.notes)


def _places(file: File) -> Iterator[ParquetRow]:
    """Where each row is, named by its number in the file."""
    number = 0
    for group, rows in enumerate(file.groups):
        for row in range(rows):
            yield ParquetRow(file.path, f"#{number}", file.stamp, file.columns.image, group, row)
            number += 1


def _opened(path: Path, wanted: Wanted) -> File:
    """Raises UserError for what cannot be a part of a set, and OSError.

    What a file says of its columns is not asked for: pyarrow ends the process where that is broken.
    """
    stamp = Stamp.of(os.stat(path))
    file = open_parquet(path, stamp)
    where = str(path)
    try:
        with guarded():
            columns = columns_of(file.schema_arrow, where, wanted)
            groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
            _check(groups, stamp.size, where)
            # each row of labels and names may repeat all that its row group holds
            at_once = min(max(AT_ONCE // max((group.total_byte_size for group in groups), default=1), 1), 1 << 16)
            told = told_of(columns, file.iter_batches(at_once, columns=columns.beside, use_threads=False), where)
    except (UndecodableError, MemoryError) as error:
        raise broken(path, error) from None
    rows = [group.num_rows for group in groups]
    if len(told.labels) != sum(rows):
        raise UserError(f"data {where!r}: it says {sum(rows)} rows but has {len(told.labels)} labels; copy it again")
    return File(path, stamp, columns, told, rows)


def _check(groups: Sequence[Any], packed: int, where: str) -> None:
    """Raise UserError where what row groups say of themselves, in a file of `packed` bytes, cannot be of images."""
    rows, unpacked = sum(group.num_rows for group in groups), sum(group.total_byte_size for group in groups)
    if rows > max(MOST_ROWS, packed // LEAST):
        raise UserError(f"data {where!r}: {packed:,} bytes say that they are {rows:,} rows; download it again")
    if unpacked > max(MOST_BYTES, BOMB * packed):
        raise UserError(
            f"data {where!r}: {packed:,} bytes say that they unpack to {unpacked:,}, as no images do; download it from "
            "where you trust it"
        )


def _require_alike(first: File, other: File) -> None:
    """Raise UserError where two files of a part have other columns or classes."""
    if first.columns == other.columns:
        return
    what = "class names" if first.columns._replace(classes=None) == other.columns._replace(classes=None) else "columns"
    raise UserError(f"data {str(other.path)!r}: its {what} are not those of {first.path.name!r}; give files of one set")
