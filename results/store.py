"""Finished blocks of a part on disk: written aside and renamed, so that a killed run loses at most one block."""

import errno
import hashlib
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from results.atomic_files import abandoned, write_atomically
from results.errors import ResultError
from results.posteriors import Posteriors

BLOCK = 32  # images; a constant, since blocks of another length would be other blocks
LOST = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)  # no block is there, or the disk lost it
LOCAL = struct.Struct("<26xHH")  # a zip's header before a member: how long its name and what is behind it are
ENCRYPTED = 1  # a flag of a member


class StoredRows(Protocol):
    """What a part gives of images, a row each: `Posteriors` or `Descriptors`."""

    @property
    def ids(self) -> np.ndarray: ...

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What a block's file holds of them."""

    @classmethod
    def of_arrays(cls, found: Mapping[str, np.ndarray]) -> Any: ...

    def check(self) -> None:
        """Raise ValueError unless these can be what they are said to be."""

    def are_of(self, ids: Sequence[str], labels: np.ndarray) -> bool:
        """Whether they are of these images, in this order, as far as they depend on labels under these."""


Rows = TypeVar("Rows", bound=StoredRows)


class StoreError(ResultError):
    """The store cannot be read or written: one line saying where and why."""


class Expected(NamedTuple):
    """The images that a block is to hold: their ids and their labels, int64.

    `right` are the several right classes that each is counted by in place of its label, None where there are no such.
    """

    ids: Sequence[str]
    labels: np.ndarray
    right: Sequence[Sequence[int]] | None = None


@dataclass(frozen=True)
class Block(Generic[Rows]):
    """What a part gives of consecutive images, the seconds it took on which device, and the ids that cannot be decoded.

    `made` names what computed them: machine and versions. Blocks of before they said so are without.
    """

    rows: Rows
    seconds: float
    device: str
    corrupt: tuple[str, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict)

    def holds(self, expected: Expected) -> bool:
        """Whether it is of these images, in order, and of no others, less those that cannot be decoded."""
        kept = [k for k, name in enumerate(expected.ids) if name not in self.corrupt]
        return set(self.corrupt) <= set(expected.ids) and self.rows.are_of(
            [expected.ids[k] for k in kept], expected.labels[kept]
        )


class Blocks(Generic[Rows]):
    """The finished blocks of one part in their folder; `kind` is what they hold."""

    def __init__(self, folder: Path, kind: type[Rows]) -> None:
        self.folder = folder
        self.kind = kind

    def path(self, block: int) -> Path:
        return self.folder / f"{block:06d}.npz"

    def _address(self, block: int) -> str:
        """What a block says of where it belongs: the same file elsewhere would be another part's, or other images'."""
        return f"{self.folder.name}/{block}"

    def has(self, block: int) -> bool:
        return os.path.exists(self.path(block))

    def read(self, block: int) -> Block[Rows] | None:
        """A stored block, or None where it is missing or damaged (the archive's CRC-32 tells). Raises StoreError."""
        try:
            content = self.path(block).read_bytes()
        except OSError as error:
            if error.errno in LOST:
                return None
            raise StoreError(f"cannot read {self.path(block)}: {error.strerror}; mend that and run again") from None
        try:
            found = _arrays(content)
            if _text(found, "place", self._address(block)) != self._address(block):  # earlier blocks do not say it
                return None
            rows = self.kind.of_arrays(found)
            rows.check()
            made = {str(name): str(what) for name, what in json.loads(_text(found, "made", "{}")).items()}
            corrupt = tuple(found["corrupt"].tolist())
            return Block(rows, float(found["seconds"]), _text(found, "device"), corrupt, made)
        except Exception:  # damage shows as nearly any type: a flipped flag asks for a password
            return None


class Store(Blocks[Rows]):
    """The blocks of one part under one key, which holds everything that changes the numbers."""

    def __init__(self, root: Path, key: Mapping[str, str], kind: type[Rows] = Posteriors) -> None:  # type: ignore
        text = json.dumps(dict(key), sort_keys=True, indent=1)
        super().__init__(root / hashlib.sha256(text.encode()).hexdigest()[:24], kind)
        self.key_text = text

    def write(self, block: int, content: Block[Rows]) -> None:
        """Keep a block; another process that keeps the same one at the same time does no harm. Raises StoreError."""
        content.rows.check()  # what is stored once is counted ever after
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._describe()
            write_atomically(self.path(block), _archive(content, self._address(block)))
        except OSError as error:
            raise StoreError(
                f"cannot write to the store {self.folder.parent}: {error.strerror}; finished blocks are kept; "
                "free space or give --store DIR"
            ) from None

    def tidy(self) -> None:
        """Remove what killed writers left in the folder, if that is allowed."""
        for aside in abandoned([*self.folder.glob(".*.npz.*"), *self.folder.glob(".key.json.*")]):
            with suppress(OSError):
                aside.unlink()

    def _describe(self) -> None:
        """For people: what the folder's name stands for."""
        path = self.folder / "key.json"
        if not path.exists():
            write_atomically(path, self.key_text.encode())


def reopen(folder: Path) -> Blocks[Posteriors]:
    """The blocks of a part by their folder, as they were left. Raises StoreError where it is not there any more."""
    if not os.path.isdir(folder):
        raise StoreError(f"no stored blocks in {folder}; give --store DIR if they were moved, else run bench.run again")
    return Blocks(folder, Posteriors)


def _text(found: Mapping[str, np.ndarray], name: str, default: str | None = None) -> str:
    """Of an array of one text; numpy's own way to write one takes ten times as long."""
    return str(found[name].item()) if default is None or name in found else default


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    """What a block's file holds. Members are read whole, since an altered header may end before their CRC-32 does."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = {each.filename.removesuffix(".npy"): _member(archive, each, content) for each in archive.infolist()}
    return {name: _array(member) for name, member in members.items()}


def _member(archive: zipfile.ZipFile, about: zipfile.ZipInfo, content: bytes) -> bytes:
    """A member that lies in the file as it is, as all of ours do: zipfile takes ten times as long for that."""
    if about.compress_type != zipfile.ZIP_STORED or about.flag_bits & ENCRYPTED:
        return archive.read(about)
    length, extra = LOCAL.unpack_from(content, about.header_offset)
    name = about.header_offset + LOCAL.size
    start = name + length + extra
    member = content[start : start + about.file_size]
    named = content[name : name + length] == about.orig_filename.encode()
    if not named or len(member) != about.file_size or zlib.crc32(member) != about.CRC:
        raise ValueError("damaged")
    return member


def _array(member: bytes) -> np.ndarray:
    """An array from a .npy file; thousands of blocks have the same few headers, which are parsed once."""
    start = 10 + int.from_bytes(member[8:10], "little")
    shape, ordered, dtype = _header(member[:start])
    found = np.frombuffer(member, dtype, math.prod(shape), start).copy()
    return found.reshape(shape, order="F" if ordered else "C")


@lru_cache(64)
def _header(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is in Fortran's order, and element type."""
    file = BytesIO(header)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("no array of ours")
    return np.lib.format.read_array_header_1_0(file)


def _archive(content: Block, place: str) -> memoryview:
    """A block's file, made in memory: what the disk does to a file half written is then one thing to look at."""
    file = BytesIO()
    np.savez(
        file,
        **content.rows.arrays,
        seconds=np.float64(content.seconds),
        device=np.array(content.device),
        corrupt=np.array(content.corrupt, dtype=str),
        place=np.array(place),
        made=np.array(json.dumps(dict(content.made))),
    )
    return file.getbuffer()
