"""The contract of a data set: images with ids and labels, a digest that says which, and how they become pixels."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bench.errors import UserError
from bench.images import survey
from bench.images.image_source import Source
from bench.images.labels.groups import Groups
from bench.images.labels.multi_labels import MultiLabels
from bench.images.labels.right_labels import RightLabels
from bench.images.survey import USUAL, Found, Header
from protocols.view import Box


class Place(NamedTuple):
    """Where an image is, as `decoding.read` takes it: a file or an image in Python, the box of it that the image is, if
    not all of it, and whether its EXIF orientation is applied."""

    source: Source
    box: Box | None = None
    exif: bool = False


class Surveyed(NamedTuple):
    """What reading all images of a set told: its digest, the rules of reading them, and sentences; and its outline, by
    which another process knows that its images are these without reading them.
    """

    outline: str
    digest: str
    unlabelled_digest: str
    rules: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Images:
    """An ordered, labelled set of images.

    `sources` are their files, or the images themselves where only Python knows them.
    `labels` are class indices (int64, (N,)); `ids` what a person calls the images, unique; `classes` the classes' names
    in index order, None where only the weights know them. `total` is the size of the set that `limit` took these from.
    `pixel_digests` stands in for the files' own digests where encoders differ between machines. `boxes` are what the
    set takes of each file, in its pixels, None for all of it: several images may be boxes of one file. `notes` are
    sentences about how the set was read, for the header; `assumed` what nobody stated of its labels ("class order").
    `doubts` are sentences that speak against its labels, for the rows' warnings.
    `order` is how the user says that class names are sorted ("text" or "number"), None where nobody said it.
    `occurring` are the labels of the set that `limit` took these from, None where these are all.
    `exif` says whether the images' EXIF orientation is applied; `restricted` whether only the classes of the whole set
    compete, as its paper has it; `verify` whether every file is read anew for the digest. `by_others` is what another
    process found in reading them. `right` are several right labels an image, which count in place of its own. `named`
    says that the user named the classes of labels that were bare numbers, `mapped` that the user said which of the
    net's classes each label is. `groups` are what images are counted in beside all together. `multi` are several labels
    an image; its own is 0 then, and means nothing.
    """

    name: str
    sources: tuple[Source, ...]
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
    exif: bool = False
    restricted: bool = False
    named: bool = False
    mapped: bool = False
    verify: bool = False
    by_others: Surveyed | None = None
    right: RightLabels | None = None
    groups: Groups | None = None
    multi: MultiLabels | None = None

    def __len__(self) -> int:
        return len(self.sources)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over ids, labels, contents and boxes, in order."""
        return self.by_others.digest if self.by_others else self._digest_of(self.contents)

    @cached_property
    def unlabelled_digest(self) -> str:
        """The same without labels: what descriptors depend on."""
        return self.by_others.unlabelled_digest if self.by_others else self._digest_of(self.contents, labelled=False)

    @cached_property
    def outline(self) -> str:
        """SHA-256 over ids, labels, sizes of files and boxes, in order: known without reading them. Raises OSError."""
        return self._digest_of(self.pixel_digests or [str(survey.size_if_any(source)) for source in self.sources])

    @property
    def surveyed(self) -> Surveyed:
        """What other processes need not find again. Raises OSError, and UserError for what cannot be read."""
        notes = tuple(survey.notes(self._headers, self.exif, self.boxes is not None))
        return Surveyed(self.outline, self.digest, self.unlabelled_digest, self.rules, notes)

    def surveyed_by(self, other: Surveyed) -> "Images":
        """These images with what another process found of them; those whose outline is another stay as they are."""
        return replace(self, by_others=other) if self.outline == other.outline else self

    def _digest_of(self, contents: Sequence[str], labelled: bool = True) -> str:
        boxes = self.boxes or [None] * len(self)
        labels = self.labels if labelled else [""] * len(self)
        several = self.multi.lines if self.multi and labelled else [""] * len(self)
        lines = (
            f"{name}\t{label}\t{content}{_text(box)}{own}\n"
            for name, label, content, box, own in zip(self.ids, labels, contents, boxes, several, strict=True)
        )
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def contents(self) -> Sequence[str]:
        """SHA-256 of each file, or of its pixels. Raises UserError for what cannot be read."""
        return self.pixel_digests or [each.sha256 for each in self._found]

    @cached_property
    def present(self) -> np.ndarray:
        """The labels that occur in the whole set, each once, int64, sorted."""
        return np.unique(self.labels if self.occurring is None else self.occurring)

    @cached_property
    def _found(self) -> list[Found]:
        return survey.survey(self.sources, self.exif, self.verify)

    @property
    def _headers(self) -> list[Header]:
        """Those of pictures made here say nothing."""
        return [USUAL] * len(self) if self.pixel_digests else [each.header for each in self._found]

    @property
    def rules(self) -> str:
        """How the images become pixels, for keys and signatures."""
        return self.by_others.rules if self.by_others else survey.rules(self._headers, self.exif)

    @property
    def told(self) -> tuple[str, ...]:
        """What is to be said of the set: how it was read, and which of its images are not read as most are."""
        right = (self.right.told,) if self.right else ()
        if self.by_others:
            return (*self.notes, *right, *self.by_others.notes)
        return (*self.notes, *right, *survey.notes(self._headers, self.exif, self.boxes is not None))

    def place(self, index: int) -> Place:
        """Where image `index` is."""
        return Place(self.sources[index], self.boxes[index] if self.boxes else None, self.exif)

    def limit(self, count: int | None) -> "Images":
        """`count` images spread evenly over the set, or all of them. Raises UserError for fewer than it has groups."""
        if count is None or count >= len(self):
            return self
        if self.groups and count < (fewest := len(set(self.groups.names))):
            raise UserError(f"--limit {count}: {self.name} is counted in {fewest} groups; give at least {fewest}")
        return replace(self.take(evenly_spaced(len(self), count)), occurring=self.present)

    def take(self, indices: Sequence[int]) -> "Images":
        """Some of the images, in the order given."""
        return replace(
            self,
            sources=tuple(self.sources[i] for i in indices),
            ids=tuple(self.ids[i] for i in indices),
            labels=self.labels[list(indices)],
            pixel_digests=self.pixel_digests and tuple(self.pixel_digests[i] for i in indices),
            boxes=self.boxes and tuple(self.boxes[i] for i in indices),
            by_others=None,
            right=self.right and self.right.take(indices),
            groups=self.groups and self.groups.take(indices),
            multi=self.multi and self.multi.take(indices),
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


def evenly_spaced(total: int, count: int | None) -> list[int]:
    """`count` indices of a set of `total` images, evenly spread, or all of them."""
    return [k * total // count for k in range(count)] if count and count < total else list(range(total))


def _text(box: Box | None) -> str:
    """Nothing for a whole file: sets without boxes keep the digests that they had before there were any."""
    return "" if box is None else "\t" + ",".join(map(str, box))
