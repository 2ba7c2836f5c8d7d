"""The descriptors of a divided set's examples: computed once for an image, net and Q, and read from the store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.cache import cache_folder
from bench.engine.fill import Task, fill
from bench.engine.job import surveyed
from bench.engine.keys import descriptor_key
from bench.engine.request import Computation, Keeping
from bench.engine.workers import Shard
from bench.folders import made
from bench.images.dataset import Images
from bench.images.divided import DividedSet, Look, SetPart
from bench.linear.stored_descriptors import StoredDescriptors, read_descriptors
from bench.nets.descriptor_model import DescriptorModel
from protocols.methods import FEATURES
from protocols.protocol import Part
from results.descriptors import Descriptors, stacked
from results.store import Store


@dataclass(frozen=True)
class DescriptorJob:
    """Nets, each with its Q, and the images of a set; `root` is where blocks are kept.

    `passing` is where those are that go with the job, None where all nets' are kept.
    """

    divided: DividedSet
    models: Sequence[DescriptorModel]
    scales: Sequence[Sequence[int]]
    root: Path
    passing: TemporaryDirectory[str] | None = None

    @cached_property
    def looks(self) -> list[Images]:
        """All images, part by part and look by look."""
        return [look.images for part in self.divided.parts for look in part.looks]

    def tasks(self, images: Images) -> list[Task]:
        """What is to be computed of the images of a look: each net at each of its Q."""
        return [
            Task(model, part, Store(self._root(model), descriptor_key(model, part, images), Descriptors))
            for model, scales in zip(self.models, self.scales, strict=True)
            for part in (Part(FEATURES, Q) for Q in scales)
        ]

    def _root(self, model: DescriptorModel) -> Path:
        return Path(self.passing.name) if self.passing and not model.kept else self.root


def descriptor_job(
    divided: DividedSet,
    models: Sequence[DescriptorModel],
    scales: Sequence[Sequence[int]],
    keeping: Keeping,
    shard: Shard,
) -> DescriptorJob:
    """Find the places of all descriptors in the store. Raises UserError where a Q is too small for a net."""
    root = made("--store", keeping.store or cache_folder() / "store")
    passing = None if all(model.kept for model in models) else TemporaryDirectory(prefix="vgg-protocols-")
    images = iter(surveyed([look.images for part in divided.parts for look in part.looks], shard))
    job = DescriptorJob(_with_images(divided, images), models, scales, root, passing)
    for model, own in zip(models, scales, strict=True):
        for Q in own:
            model.check(Part(FEATURES, Q), job.looks[0].ids[0])
    return job


def complete_descriptors(job: DescriptorJob, how: Computation, keeping: Keeping, skip: bool, shard: Shard) -> None:
    """Compute what the store lacks, this process's share of it. Raises UserError and StoreError."""
    for part in job.divided.parts:
        for look in part.looks:
            fill(job.tasks(look.images), look.images, shard, how, keeping.fresh, skip, f"describing {part.name}")


@dataclass(frozen=True)
class Described:
    """A set without the images that cannot be decoded, and the descriptors of its N examples, part after part.

    `vectors` are (N, D) float32 by the net's number and Q; where an example is looked at several times, these are
    stacked. `skipped` examples were left out; `seconds` is what all descriptors took, on `devices`, and `made` what
    computed them.
    """

    divided: DividedSet
    vectors: Mapping[tuple[int, int], np.ndarray]
    skipped: int
    seconds: float
    devices: frozenset[str]
    made: tuple[Mapping[str, str], ...]


def described(job: DescriptorJob) -> Described:
    """Read all descriptors from the store. Raises StoreError where some are not there any more."""
    parts = job.divided.parts
    read = {id(look): _read_look(job, look) for part in parts for look in part.looks}
    kept = [np.logical_and.reduce([_kept(read[id(look)])[look.rows] for look in part.looks]) for part in parts]
    vectors = {
        (net, Q): np.concatenate(
            [_stacked(part, own, read, (net, Q)) for part, own in zip(parts, kept, strict=True)], dtype=np.float32
        )
        for net, scales in enumerate(job.scales)
        for Q in scales
    }
    every = [stored for stored_parts in read.values() for stored in stored_parts.values()]
    made = {frozenset(each.items()): each for stored in every for each in stored.made}
    return Described(
        replace(job.divided, parts=tuple(map(taken, parts, kept))),
        vectors,
        sum(int((~own).sum()) for own in kept),
        sum(stored.seconds for stored in every),
        frozenset().union(*(stored.devices for stored in every)),
        tuple(made.values()),
    )


def taken(part: SetPart, kept: np.ndarray) -> SetPart:
    """Some of a part's examples, `kept` bool (N,); their images stay what they are."""
    return SetPart(
        part.name,
        tuple(name for name, one in zip(part.ids, kept, strict=True) if one),
        tuple(Look(look.images, look.rows[kept]) for look in part.looks),
        part.present[kept],
        part.difficult[kept],
    )


ByScale = Mapping[tuple[int, int], StoredDescriptors]


def _read_look(job: DescriptorJob, look: Look) -> ByScale:
    every = [(net, Q) for net, scales in enumerate(job.scales) for Q in scales]
    tasks = job.tasks(look.images)
    return {key: read_descriptors(task.store, look.images) for key, task in zip(every, tasks, strict=True)}


def _kept(read: ByScale) -> np.ndarray:
    return np.logical_and.reduce([stored.kept for stored in read.values()])


def _stacked(part: SetPart, kept: np.ndarray, read: Mapping[int, ByScale], key: tuple[int, int]) -> np.ndarray:
    """One look as it is; several, each of length 1, side by side."""
    looks = [read[id(look)][key].vectors[look.rows[kept]] for look in part.looks]
    return looks[0] if len(looks) == 1 else stacked(looks)


def _with_images(divided: DividedSet, images: Iterator[Images]) -> DividedSet:
    """The same with other images of the same looks, in their order."""
    parts = [replace(part, looks=tuple(Look(next(images), look.rows) for look in part.looks)) for part in divided.parts]
    return replace(divided, parts=tuple(parts))
