"""The contract of a data set: files with ids and labels, and a digest that says which."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.picture import UndecodableError, reading, size_of_file
from bench.progress import progress
from protocols.view import Box

PIECE = 1 << 18  # bytes of a file that are read at once for its digest


@dataclass(frozen=True)
class Images:
    """An ordered, labelled set of image files.

    `labels` are class indices (int64, (N,)); `ids` what a person calls the images, unique; `classes` the classes' names
    in index order, None where only the weights know them. `total` is the size of the set that `limit` took these from.
    `pixel_digests` stands in for the files' own digests where encoders differ between machines. `boxes` are what the
    set takes of each file, in its pixels, None for all of it: several images may be boxes of one file. `notes` are
    sentences about how the set was read, for the header; `assumed` what nobody stated of its labels ("class order").
    `doubts` are sentences that speak against its labels, for the rows' warnings.
    `order` is how the user says that class names are sorted ("text" or "number"), None where nobody said it.
    `occurring` are the labels of the set that `limit` took these from, None where these are all.
    """

    name: str
    paths: tuple[Path, ...]
    ids: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...] | None
    total: int
    pixel_digests: tuple[str, ...] | None = None
    boxes: tuple[Box | None, ...] | None = None
    notes: tuple[str, ...] = ()
    assumed: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()
    order: str | None = None
    occurring: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over ids, labels, contents and boxes, in order."""
        contents = self.pixel_digests or _file_digests(self.paths)
        boxes = self.boxes or [None] * len(self)
        lines = (
            f"{name}\t{label}\t{content}{_text(box)}\n"
            for name, label, content, box in zip(self.ids, self.labels, contents, boxes, strict=True)
        )
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    @cached_property
    def present(self) -> np.ndarray:
        """The labels that occur in the whole set, each once, int64, sorted."""
        return np.unique(self.labels if self.occurring is None else self.occurring)

    def place(self, index: int) -> tuple[Path, Box | None]:
        """Where image `index` is: its file, and its box in it if it is not all of it."""
        return self.paths[index], self.boxes[index] if self.boxes else None

    def limit(self, count: int | None) -> "Images":
        """`count` images spread evenly over the set, or all of them."""
        if count is None or count >= len(self):
            return self
        return replace(self.take(spread(len(self), count)), occurring=self.present)

    def take(self, indices: Sequence[int]) -> "Images":
        """Some of the images, in the order given."""
        return replace(
            self,
            paths=tuple(self.paths[i] for i in indices),
            ids=tuple(self.ids[i] for i in indices),
            labels=self.labels[list(indices)],
            pixel_digests=self.pixel_digests and tuple(self.pixel_digests[i] for i in indices),
            boxes=self.boxes and tuple(self.boxes[i] for i in indices),
        )


def distinct(ids: Sequence[str]) -> tuple[str, ...]:
    """The ids, with `#2` and so on behind those that stand there again."""
    if len(set(ids)) == len(ids):
        return tuple(ids)
    taken, found = set(ids), []
    seen: Counter[str] = Counter()
    for name in ids:
        seen[name] += 1
        own = name
        while seen[name] > 1 and (own := f"{name}#{seen[name]}") in taken:
            seen[name] += 1
        taken.add(own)
        found.append(own)
    return tuple(found)


def spread(total: int, count: int | None) -> list[int]:
    """`count` indices of a set of `total` images, evenly spread, or all of them."""
    return [k * total // count for k in range(count)] if count and count < total else list(range(total))


def _text(box: Box | None) -> str:
    """Nothing for a whole file: sets without boxes keep the digests that they had before there were any."""
    return "" if box is None else "\t" + ",".join(map(str, box))


def _file_digests(paths: Sequence[Path]) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(progress(pool.map(_file_digest, paths), len(paths), "reading images for their digest"))


def _file_digest(path: Path) -> str:
    """Raises UserError for what may pass: a digest that says so would be another set's."""
    try:
        with reading(path):
            size_of_file(path)
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
            return digest.hexdigest()
    except UndecodableError:
        return "unreadable"
