"""Images that are rows of parquet files: read forward through a row group, one row at a time."""

import os
import stat
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.extras import needed
from bench.images.decoding import UndecodableError, guarded
from bench.images.image_source import EnclosedImage, Stamp
from bench.images.limits import MOST_BYTES
from bench.images.memory_budget import Room

KEPT = 1 << 27  # bytes of rows that were passed
IDLE = 2  # row groups that stay open: whoever reads in order is in one, or between two
EMPTY = "its row holds no bytes"
PIECE = 1 << 20  # bytes of a file that are read at once
NO_THREAD = "Failed to launch worker thread"  # in pyarrow's words, whose error has no number
DECODING = Room(1 << 29)  # bytes that open row groups may need for their pages, which may be as large as they


@dataclass(frozen=True)
class ParquetRow(EnclosedImage):
    """Row `row` of row group `group`, in the column of bytes that is named with dots, such as `image.bytes`."""

    column: str
    group: int
    row: int

    @property
    def within(self) -> str:
        return f"{self.column}:{self.group}:{self.row}"

    def size(self) -> int:
        """Of its bytes, which are kept for a moment, since no size is known before they are read."""
        return len(self.content())

    def content(self) -> bytes:
        group = _group_of(self)
        with TURNS[hash(group) % len(TURNS)]:
            found = ROWS.get(group, self.row)
            if found is None:
                found = _read(group, self.row)
        if isinstance(found, str):
            raise UndecodableError(found)
        return found


class Group(NamedTuple):
    """A row group's column, in a file as it was when its rows were listed."""

    file: Path
    stamp: Stamp
    column: str
    number: int


class _Rows:
    """The rows that were read last, or why they cannot be, as many as fit into some bytes."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self.rows: OrderedDict[tuple[Group, int], bytes | str] = OrderedDict()
        self.lock = Lock()

    def get(self, group: Group, row: int) -> bytes | str | None:
        with self.lock:
            return self.rows.get((group, row))

    def add(self, group: Group, row: int, content: bytes | str) -> None:
        with self.lock:
            self.held += len(content) - len(self.rows.pop((group, row), b""))
            self.rows[group, row] = content
            while self.held > self.most and len(self.rows) > 1:
                self.held -= len(self.rows.popitem(last=False)[1])


class _Stream:
    """A row group read from its start: `next` is the row to come, `end` the number of them."""

    def __init__(self, group: Group) -> None:
        parquet = needed("pyarrow.parquet", "parquet")
        self.group, self.next, self.why = group, 0, "its row group ends before it"
        with guarded():
            metadata = _metadata(group.file, group.stamp)
            about = metadata.row_group(group.number)
            self.end, self.weight = about.num_rows, 2 * about.total_byte_size  # a page may be all of it, packed and not
            file = parquet.ParquetFile(
                _opened(group.file, group.stamp),
                metadata=metadata,
                buffer_size=PIECE,
                page_checksum_verification=True,
            )
            self.rows = file.iter_batches(1, row_groups=[group.number], columns=[group.column], use_threads=False)

    def forward(self, row: int) -> bytes | str:
        """The row, or why there is none; rows that are passed are kept. Raises UserError where no thread can start."""
        found: bytes | str = self.why
        for number in range(self.next, row + 1):
            try:
                with guarded():
                    found = _value(next(self.rows, None), self.why)
            except UndecodableError as error:  # those behind it cannot be read either
                if NO_THREAD in str(error):
                    raise UserError(
                        f"{str(self.group.file)!r} cannot be read: no thread can be started for it; "
                        "free memory, or allow more threads (ulimit -u)"
                    ) from None
                self.why = found = f"its row group is broken ({' '.join(str(error).split())[:100]})"
                self.rows = iter(())
            ROWS.add(self.group, number, found)
            self.next = number + 1
        return found


ROWS = _Rows(KEPT)
TURNS = [Lock() for _ in range(64)]  # a row group is read by one thread at a time
STREAMS: OrderedDict[Group, _Stream] = OrderedDict()
STREAMS_LOCK = Lock()


def _read(group: Group, row: int) -> bytes | str:
    """Held by the thread whose turn it is."""
    with STREAMS_LOCK:
        stream = STREAMS.pop(group, None)
    if stream is None or stream.next > row:
        stream = _Stream(group)
    with DECODING.taken(stream.weight):
        found = stream.forward(row)
    if stream.next == stream.end:
        return found
    with STREAMS_LOCK:
        STREAMS[group] = stream
        while len(STREAMS) > IDLE:
            STREAMS.popitem(last=False)
    return found


def _group_of(image: ParquetRow) -> Group:
    """Raises UserError where the file is not as it was, also for rows that are kept."""
    image.stamp.require(image.file, os.stat(image.file))
    return Group(image.file, image.stamp, image.column, image.group)


def open_parquet(file: Path, stamp: Stamp, **options: Any) -> Any:
    """A pyarrow ParquetFile. Raises UserError for what is none, is encrypted or has another stamp, and OSError."""
    parquet = needed("pyarrow.parquet", "parquet")
    if not stat.S_ISREG(os.stat(file).st_mode):
        raise UserError(f"data {str(file)!r} is no file; give parquet files")
    try:
        with guarded():
            return parquet.ParquetFile(_opened(file, stamp), buffer_size=PIECE, **options)
    except UndecodableError as error:
        raise broken(file, error) from None


def broken(file: Path, error: Exception) -> UserError:
    """What to say of a file that pyarrow does not read."""
    why = " ".join(str(error).split())[:120].rstrip(" .")
    return UserError(f"data {str(file)!r}: no parquet file that can be read ({why}); copy or download it again")


def _opened(file: Path, stamp: Stamp) -> Any:
    opened = needed("pyarrow", "parquet").OSFile(os.fsencode(file))
    stamp.require(file, os.stat(file))  # after it is opened: pyarrow 17 does not give its number
    return opened


@lru_cache(maxsize=64)
def _metadata(file: Path, stamp: Stamp) -> Any:
    """What a file says of itself at its end."""
    return needed("pyarrow.parquet", "parquet").ParquetFile(_opened(file, stamp), buffer_size=PIECE).metadata


def _value(batch: Any, ended: str) -> bytes | str:
    """The only row of a batch, or why it has no bytes: `ended` where there is no batch."""
    if batch is None:
        return ended
    array = batch.column(0)
    while array.type.num_fields:  # a struct of bytes and path
        array = array.field(0)
    value = array[0]
    if not value.is_valid:
        return EMPTY
    content = value.as_buffer()
    return content.to_pybytes() if content.size <= MOST_BYTES else "too large"
