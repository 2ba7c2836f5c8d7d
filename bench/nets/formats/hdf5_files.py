"""What files of HDF5 hold, read as numbers: no claim is believed, and no other file opened."""

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import torch

from bench.errors import UserError
from bench.extras import needed
from bench.nets.formats.contents import begins

HDF5 = b"\x89HDF\r\n\x1a\n"
DEEPEST = 16  # groups in groups
MOST = 100_000  # groups and datasets; groups may hold themselves


class Contents(NamedTuple):
    """Tensors in float32 by their paths; attributes that are texts by their group's path and their name."""

    tensors: dict[str, torch.Tensor]
    said: dict[tuple[str, str], str]


def is_hdf5(path: Path) -> bool:
    return begins(path, HDF5)


def read_hdf5(
    spec: str, file: Path | IO[bytes], size: int, attributes: Collection[str] = (), without: Collection[str] = ()
) -> Contents:
    """The tensors of a file of `size` bytes, but for those below groups called as one of `without`; and `attributes`.

    Raises UserError for a file that cannot be read, or has what plain weights do not: links, values elsewhere or
    compressed, and more of them than the file has bytes.
    """
    h5py: Any = needed("h5py", "keras")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about values that leave float32, which are refused later
            with h5py.File(file, "r", locking=False) as opened:  # some file systems have no locks
                return _Walk(h5py, spec, size, attributes, without).contents_of(opened)
    except UserError:
        raise
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': cannot be read ({' '.join(str(error).split())[:100]})") from None


class _Walk:
    """One pass over a file's groups, which counts what it meets."""

    def __init__(self, h5py: Any, spec: str, size: int, attributes: Collection[str], without: Collection[str]) -> None:
        self.h5py, self.spec, self.attributes, self.without = h5py, spec, attributes, without
        self.left, self.met = size, 0
        self.found = Contents({}, {})

    def contents_of(self, opened: Any) -> Contents:
        self._group(opened, "", 0)
        return self.found

    def _group(self, group: Any, path: str, depth: int) -> None:
        for name in self.attributes:
            if isinstance(said := group.attrs.get(name), str):
                self.found.said[path, name] = said
        for key in group:
            self.met += 1
            if depth > DEEPEST or self.met > MOST:
                raise self._refused("groups that hold each other, or too many")
            if key in self.without:
                continue
            below = f"{path}/{key}" if path else key
            if not isinstance(group.get(key, getlink=True), self.h5py.HardLink):
                raise self._refused(f"a link ({below})")
            if isinstance(value := group[key], self.h5py.Group):
                self._group(value, below, depth + 1)
            elif isinstance(value, self.h5py.Dataset):
                self.found.tensors[below] = self._tensor(value, below)

    def _tensor(self, value: Any, path: str) -> torch.Tensor:
        if value.external or value.is_virtual:
            raise self._refused(f"values that are in other files ({path})")
        if value.chunks is not None:
            raise self._refused(f"values in chunks, which may be compressed ({path})")
        if value.dtype.kind != "f" or value.dtype.itemsize not in (2, 4, 8):
            raise self._refused(f"values that are no weights ({path}, {value.dtype})")
        self.left -= value.nbytes
        if self.left < 0:
            raise self._refused(f"more values than it has bytes ({path}, {value.nbytes} bytes)")
        return torch.from_numpy(np.array(value[()], dtype=np.float32))

    def _refused(self, what: str) -> UserError:
        return UserError(f"weights '{self.spec}': cannot be read: it holds {what}; save the net's weights with Keras")
