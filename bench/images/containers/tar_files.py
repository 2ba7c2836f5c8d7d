"""Tars read where they lie: which members there are, from headers alone, and the bytes of one."""

import io
import os
import posixpath
import tarfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bench.errors import UserError
from bench.images.decoding import UndecodableError
from bench.images.image_source import EnclosedImage, Stamp
from bench.progress import Meter

BLOCK = tarfile.BLOCKSIZE
MOST_HEADER = 1 << 20  # bytes of what stands before a member: long names, and whatever else
MOST_GLOBAL = 1000  # words of headers that are for all members, each of which gets a copy
MOST_MEMBERS = 20_000_000
MOST_PADDING = 1 << 26  # bytes of zeros behind the end mark, far more than a tape's block
OFTEN = 10_000  # members between two signs of life
PACKED = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ\0": "unxz", b"(\xb5/\xfd": "unzstd"}
WRONG = (tarfile.TarError, ValueError, OverflowError, RecursionError, LookupError, EOFError)  # of broken headers


class Kind:
    """What a member is; no Enum, whose values are found too slowly to be asked of millions."""

    FILE = 0
    FOLDER = 1
    HARD_LINK = 2
    SYMBOLIC_LINK = 3
    SPARSE = 4
    OTHER = 5  # devices, pipes, what only some tars know


@dataclass(frozen=True)
class TarMember(EnclosedImage):
    """An image in a tar: so many bytes from an offset on; `fault` says why there are none, of what is no file."""

    offset: int
    length: int
    fault: str = ""

    @property
    def within(self) -> str:
        return f"{self.offset}:{self.length}"

    def size(self) -> int:
        if self.fault:
            raise UndecodableError(self.fault)
        return self.length

    def content(self) -> bytes:
        size = self.size()
        with self.file.open("rb") as file:
            self.stamp.require(self.file, os.fstat(file.fileno()))
            return _read(file, self.offset, size)


@dataclass(frozen=True)
class TarIndex:
    """The members of a tar in their order: names as text in UTF-8, as `tar -x` would write them, and where they are.

    `stamp` is the tar's, from before its headers were read.
    `offsets`, `sizes` (int64) and `kinds` (uint8) are (N,); `targets` are what links lead to, by their places.
    """

    file: Path
    stamp: Stamp
    names: list[str]
    offsets: np.ndarray
    sizes: np.ndarray
    kinds: np.ndarray
    targets: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def contents(self, places: Iterable[int]) -> Iterator[bytes]:
        """The bytes of members at places in the index. Raises UndecodableError, OSError, and UserError as images do."""
        with self.file.open("rb") as file:
            self.stamp.require(self.file, os.fstat(file.fileno()))
            for place in places:
                yield _read(file, int(self.offsets[place]), int(self.sizes[place]))

    def member(self, place: int, fault: str = "") -> TarMember:
        if self.kinds[place] == Kind.SPARSE:
            fault = fault or "a sparse file, which tars hold in pieces"
        return TarMember(
            self.file, self.names[place], self.stamp, int(self.offsets[place]), int(self.sizes[place]), fault
        )


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    """Raises UndecodableError where there is less."""
    file.seek(offset)
    content = file.read(size)
    if len(content) < size:
        raise UndecodableError("the tar ends before it")
    return content


class _Headers(io.RawIOBase):
    """A tar's file, of which no more is read for one member than its headers may have."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.left = file, MOST_HEADER

    def read(self, count: int = -1) -> bytes:
        self.left -= count
        if count < 0 or self.left < 0:
            raise tarfile.ReadError("a header is too long")
        return self.file.read(count)

    def seek(self, place: int, whence: int = 0) -> int:
        return self.file.seek(max(place, 0), whence)  # Python 3.10 looks before the start of an empty tar

    def tell(self) -> int:
        return self.file.tell()


def read_headers(path: Path) -> TarIndex:
    """The members of a tar that is not compressed. Raises UserError for what is none, or not whole, and OSError."""
    with path.open("rb") as file:
        stamp = Stamp.of(os.fstat(file.fileno()))
        _refuse_packed(path, file.read(6))
        size = file.seek(0, io.SEEK_END)
        meter = None
        names: list[str] = []
        numbers = array("q")
        targets: dict[int, str] = {}
        try:
            for end, info in _members(path, file, size):
                if len(names) % OFTEN == OFTEN - 1:
                    meter = meter or Meter(size, f"reading the index of {path.name}", size / 1e6, "MB")
                    meter.done(min(end, size))
                if "\0" in info.name + info.linkname:
                    raise _damaged(path, "a name that no file can have", info.offset)
                if info.islnk() or info.issym():
                    targets[len(names)] = info.linkname
                names.append(plain_name(info.name))
                numbers.extend((info.offset_data, info.size, _kind(info)))
        finally:
            if meter:
                meter.close()
    offsets, sizes, kinds = np.array(numbers, dtype=np.int64).reshape(-1, 3).T.copy()
    return TarIndex(path, stamp, names, offsets, sizes, kinds.astype(np.uint8), targets)


def _members(path: Path, file: BinaryIO, size: int) -> Iterator[tuple[int, tarfile.TarInfo]]:
    """Each member, and where the next begins. Raises UserError."""
    file.seek(0)
    headers = _Headers(file)
    offset = count = 0
    try:
        tar = tarfile.TarFile(fileobj=headers, encoding="utf-8", errors="surrogateescape")
        while (info := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # else there would be millions
            headers.left = MOST_HEADER
            count += 1
            end = tar.offset - BLOCK + 1 if info.issparse() else info.offset_data + info.size * info.isreg()
            if info.size < 0 or tar.offset <= offset or count > MOST_MEMBERS or len(tar.pax_headers) > MOST_GLOBAL:
                raise tarfile.ReadError("a header that makes no sense")
            if end > size:
                raise UserError(
                    f"data {str(path)!r}: it is cut off at byte {size}, but member {info.name!r} ends at byte {end}; "
                    "fetch it again"
                )
            offset = tar.offset
            yield offset, info
    except WRONG as error:
        raise _damaged(path, f"{error or type(error).__name__}", offset) from None
    _require_end(path, file, offset)


def _require_end(path: Path, file: BinaryIO, offset: int) -> None:
    """Raise UserError where there is no end mark, or something behind it: members would be missing."""
    file.seek(offset)
    block = file.read(BLOCK)
    if len(block) < BLOCK:
        whole = f"; if it is whole, add the mark: truncate -s {offset + 2 * BLOCK} FILE" if not block else ""
        raise UserError(
            f"data {str(path)!r}: it is cut off, the end mark is missing at byte {offset}; fetch it again{whole}"
        )
    if any(block):
        raise _damaged(path, "no header", offset)
    padding = file.read(MOST_PADDING)
    if padding.strip(b"\0") or file.read(1):
        raise UserError(
            f"data {str(path)!r}: something follows the end mark at byte {offset}, as where tars were joined by cat; "
            "join them by tar -A, or give each"
        )


def _refuse_packed(path: Path, head: bytes) -> None:
    command = next((command for magic, command in PACKED.items() if head.startswith(magic)), None)
    if command:
        raise UserError(
            f"data {str(path)!r}: it is compressed, so that no image can be read without all that stand before it; "
            f"{command} it, and give the .tar"
        )


def _damaged(path: Path, why: str, offset: int) -> UserError:
    where = f"it is damaged at byte {offset}" if offset else "it is no tar"
    return UserError(f"data {str(path)!r}: {where} ({why}); fetch it again, or give another")


def plain_name(name: str) -> str:
    """A member's name without what leads out of the folder that it is unpacked in; nothing for that folder."""
    return posixpath.normpath(f"/{name}").lstrip("/")


def _kind(info: tarfile.TarInfo) -> int:
    if info.issparse():
        return Kind.SPARSE
    if info.isreg():
        return Kind.FILE
    if info.isdir():
        return Kind.FOLDER
    if info.islnk():
        return Kind.HARD_LINK
    return Kind.SYMBOLIC_LINK if info.issym() else Kind.OTHER
