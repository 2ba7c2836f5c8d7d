"""A transfer made ready: the set in its parts, nets that give descriptors, rows, and how images are divided."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.engine.job import open_models
from bench.engine.workers import Shard
from bench.extras import needed
from bench.images.divided import DividedSet
from bench.linear.combinations import Combination, combinations_of
from bench.linear.descriptors import DescriptorJob, complete_descriptors, descriptor_job
from bench.linear.request import Transfer
from bench.linear.splits import Division, division_of, splits_of
from bench.linear.usual import usual, usual_Q
from bench.nets.descriptor_model import DescriptorModel, describing


@dataclass(frozen=True)
class TransferJob:
    """A request with nothing left open; `divisions` are how images are divided, rows for each.

    `submitted` are the descriptors of test images whose labels a server keeps back, if these are asked for.
    """

    request: Transfer
    descriptors: DescriptorJob
    rows: Sequence[Combination]
    divisions: Sequence[Division]
    submitted: DescriptorJob | None = None

    @property
    def described(self) -> Sequence[DescriptorJob]:
        """All descriptors that are needed."""
        return [self.descriptors, *([self.submitted] if self.submitted else [])]

    @property
    def divided(self) -> DividedSet:
        return self.descriptors.divided

    @property
    def models(self) -> Sequence[DescriptorModel]:
        return self.descriptors.models


def transfer_job(request: Transfer, shard: Shard) -> TransferJob:
    """Open what a request names. Raises UserError and its like, also where a library is missing."""
    needed("sklearn.svm", "transfer")
    divided = request.opened()
    divisions = _divisions(request, divided)
    first = divided.parts[0].looks[0].images
    opened = open_models(request.nets, request.numbers, request.computation, first, shard)
    models = [describing(model) for model in opened]
    scales = [request.Q or usual_Q(divided, model.side) for model in models]
    job = descriptor_job(divided, models, scales, request.keeping, shard)
    more = None
    if divided.kept_back:
        more = descriptor_job(replace(divided, parts=(divided.kept_back,)), models, scales, request.keeping, shard)
    rows = combinations_of(scales, request.over or (usual(divided).over,), request.fuse)
    return TransferJob(request, job, rows, divisions, more)


def complete_transfer(job: TransferJob, shard: Shard) -> None:
    """Compute the descriptors that the store lacks, this process's share of them. Raises UserError and StoreError."""
    how, keeping, skip = job.request.computation, job.request.keeping, job.request.numbers.skip_corrupt
    for descriptors in job.described:
        complete_descriptors(descriptors, how, keeping, skip, shard)


def _divisions(request: Transfer, divided: DividedSet) -> list[Division]:
    """Tried before hours of work. Raises UserError where there are too few images."""
    learning = request.learning
    found = [
        division_of(divided, each, learning.test_per_class, learning.splits) for each in learning.per_class or (None,)
    ]
    for each in found:
        splits_of(divided, each, learning.seed)
    return found
