"""What came out of a transfer: classifiers that learnt from stored descriptors, and the files that say it."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.doubts import warn_of
from bench.folders import writing_to
from bench.images.divided import DividedSet
from bench.linear.descriptors import Described, described
from bench.linear.header import header
from bench.linear.job import TransferJob
from bench.linear.judging import judge, learnings, truth_of
from bench.linear.machines import Step
from bench.linear.measures import measures_of
from bench.linear.request import Learning
from bench.linear.result_row import Learnt, result_of
from bench.linear.splits import Split, splits_of
from bench.progress import Meter
from results.transfer_files import write_transfer
from results.transfer_result import TransferResult
from results.transfer_scores import SplitScores


@dataclass(frozen=True)
class Transferred:
    """The descriptors, and for each row its result and what was said of each split's test images."""

    job: TransferJob
    described: Described
    results: Sequence[TransferResult]
    scores: Sequence[Sequence[SplitScores]]

    def warn(self) -> None:
        """Say on standard error what speaks against the rows."""
        warn_of([result.record() for result in self.results])

    def write(self, folder: Path) -> list[TransferResult]:
        """Write `transfer.csv`, `.json` and `.md` and the scores of every row. Raises UserError."""
        lines = header(self.job.models, self.job.divided)
        return writing_to(folder, lambda: write_transfer(folder, self.results, self.scores, lines))


def transferred(job: TransferJob) -> Transferred:
    """Learn from the descriptors, which are all in the store. Raises UserError and its like."""
    found = described(job.descriptors)
    divided = [(each, splits_of(found.divided, each, job.request.learning.seed)) for each in job.divisions]
    tried = sum(learnings(split, job.request.learning.C) for _, splits in divided for split in splits)
    total = len(job.rows) * len(divided)
    rows: list[tuple[TransferResult, Sequence[SplitScores]]] = []
    with closing(Meter(len(job.rows) * tried * len(found.divided.classes), "learning", unit="class", delay=1)) as meter:
        for row in job.rows:
            vectors = row.vectors(found.vectors)
            for division, splits in divided:
                meter.at(f"row {len(rows) + 1} of {total}")
                learnt = _learnt(vectors, found.divided, splits, job.request.learning, lambda: meter.add(1))
                rows.append((result_of(job, found, row, division, learnt), learnt.scores(found.divided)))
    results, scores = zip(*rows, strict=True)
    return Transferred(job, found, results, scores)


def _learnt(
    vectors: np.ndarray, divided: DividedSet, splits: Sequence[Split], learning: Learning, step: Step
) -> Learnt:
    """From vectors (N, D) of length 1 of all examples."""
    start, truth = time.perf_counter(), truth_of(divided)
    judged = [judge(vectors, truth, split, learning.C, step) for split in splits]
    measures = measures_of(divided, splits, judged, learning.seed)
    return Learnt(vectors.shape[1], splits, judged, measures, time.perf_counter() - start)
