"""Images that are rows of arrow files, as the datasets library keeps sets in its cache: mapped, and read at once."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.extras import needed
from bench.images.containers.parquet_rows import EMPTY
from bench.images.decoding import UndecodableError, guarded
from bench.images.image_source import EnclosedImage, Stamp


@dataclass(frozen=True)
class ArrowRow(EnclosedImage):
    """Row `row` of record batch `batch`, in the column of bytes that is named with dots, such as `image.bytes`."""

    column: str
    batch: int
    row: int

    @property
    def within(self) -> str:
        return f"{self.column}:{self.batch}:{self.row}"

    def size(self) -> int:
        return int(self._buffer().size)

    def content(self) -> bytes:
        return bytes(self._buffer().to_pybytes())

    def _buffer(self) -> Any:
        about = os.stat(self.file)
        self.stamp.require(self.file, about)
        with guarded():
            value = _batches(self.file, self.column, self.stamp, about.st_ctime_ns)[self.batch][self.row]
        if not value.is_valid:
            raise UndecodableError(EMPTY)
        return value.as_buffer()


@lru_cache(maxsize=1024)  # no bytes but those of the offsets are held
def _batches(file: Path, column: str, stamp: Stamp, changed_ns: int) -> list[Any]:
    """The arrays of bytes in a file, looked through again where it was changed, also if it keeps its stamp.

    Raises UserError for another stamp.
    """
    found = [inner(batch, column) for batch in read_arrow(file).to_batches()]
    stamp.require(file, os.stat(file))
    for array in found:
        array.validate(full=True)  # a broken offset would lead anywhere in memory
    return found


def read_arrow(file: Path) -> Any:
    """A mapped arrow Table. Raises what pyarrow raises, and OSError."""
    arrow = needed("pyarrow", "hf")
    with arrow.ipc.open_stream(arrow.memory_map(os.fspath(file))) as stream:
        return stream.read_all()


def inner(batch: Any, column: str) -> Any:
    """A record batch's array by its name with dots: null where the structs that it is in are."""
    outer, *names = column.split(".") if column not in batch.schema.names else [column]
    array = batch.column(outer)
    for name in names:
        array = needed("pyarrow.compute", "parquet").struct_field(array, name)
    return array
