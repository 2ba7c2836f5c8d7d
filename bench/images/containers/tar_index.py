"""Which members a tar has, kept in the cache: its headers are read once, as long as it stays as it is."""

import hashlib
import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from bench.cache import cache_folder
from bench.images.containers.tar_files import Kind, TarIndex, read_headers
from bench.images.image_source import Stamp
from bench.images.known_files import stamp_of
from results.atomic_files import write_atomically

FORM = "1"  # of what is kept; another is read anew
MOST_BYTES = 1 << 30  # of all that is kept, which begins anew beyond
ARRAYS = {"offsets": np.int64, "sizes": np.int64, "kinds": np.uint8, "links": np.int64}
TEXTS = ("stamp", "names", "targets")


def tar_index(path: Path) -> TarIndex:
    """The members of a tar, from the cache if they are known.

    A cache that cannot be read or written is as good as empty. Raises what `read_headers` raises.
    """
    stamp = stamp_of(path)
    name = hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()
    file = cache_folder() / "tars" / f"{name}.npz"
    if stamp and (found := _kept(path, file, stamp)):
        return found
    found = read_headers(path)
    if stamp and stamp == stamp_of(path):
        with suppress(OSError):
            _keep(found, file, stamp)
    return found


def _keep(index: TarIndex, file: Path, stamp: str) -> None:
    content = io.BytesIO()
    np.savez(
        content,
        offsets=index.offsets,
        sizes=index.sizes,
        kinds=index.kinds,
        links=np.array(list(index.targets), dtype=np.int64),
        stamp=_bytes([FORM, stamp]),
        names=_bytes(index.names),
        targets=_bytes(list(index.targets.values())),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    others = [other for other in file.parent.iterdir() if other != file]
    if sum(other.stat().st_size for other in others) + content.tell() > MOST_BYTES:
        for other in others:
            other.unlink(missing_ok=True)
    write_atomically(file, content.getbuffer())


def _kept(path: Path, file: Path, stamp: str) -> TarIndex | None:
    """The index in a file, None where there is none, or one of other contents, or a broken one."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as archive:
            texts = {name: _texts(archive[name]) for name in TEXTS}
            arrays = {name: archive[name] for name in ARRAYS}
    except Exception:  # numpy, zipfile and zlib raise nearly anything at a broken file
        return None
    if texts["stamp"] != [FORM, stamp] or any(arrays[name].dtype != kind for name, kind in ARRAYS.items()):
        return None
    links = arrays.pop("links").tolist()
    size, mtime, _, inode = map(int, stamp.split())
    index = TarIndex(
        path,
        Stamp(size, mtime, inode),
        texts["names"],
        **arrays,
        targets=dict(zip(links, texts["targets"], strict=False)),
    )
    return index if _whole(index, links, size) else None


def _whole(index: TarIndex, links: list[int], size: int) -> bool:
    """Whether an index is one: equally long, within the tar, and each link with a target."""
    arrays = index.offsets, index.sizes, index.kinds
    if any(each.shape != (len(index),) for each in arrays) or len(index.targets) != len(links):
        return False
    stored = index.kinds == Kind.FILE
    ends = index.offsets[stored].astype(np.float64) + index.sizes[stored]
    linked = np.flatnonzero((index.kinds == Kind.HARD_LINK) | (index.kinds == Kind.SYMBOLIC_LINK)).tolist()
    return bool((ends <= size).all() and (index.offsets >= 0).all() and (index.sizes >= 0).all() and linked == links)


def _bytes(texts: list[str]) -> np.ndarray:
    """Texts, in which there is no NUL, as bytes that end in one each."""
    return np.frombuffer("".join(f"{text}\0" for text in texts).encode("utf-8", "surrogateescape"), np.uint8)


def _texts(content: np.ndarray) -> list[str]:
    return content.tobytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
