"""What came out of an evaluation: counted rows, and the files that say it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench.doubts import warn_of
from bench.engine.costs import gflops_of
from bench.engine.counting import origin_of, posteriors_of, result_of, tallies_of
from bench.engine.header import header
from bench.engine.job import Job, complete, job_of
from bench.engine.request import Evaluation
from bench.engine.rows import Row
from bench.engine.workers import Shard
from bench.folders import writing_to
from results.result import Result, signature_id
from results.table import write
from results.tally import Tally


@dataclass(frozen=True)
class Evaluated:
    """A job whose parts are all in the store."""

    job: Job

    @cached_property
    def tallies(self) -> dict[Row, Tally]:
        """Where each image's class stands, by row. Raises StoreError and ResultError."""
        return tallies_of(self.job)

    @cached_property
    def results(self) -> dict[Row, Result]:
        """What the tables say of every row, in their order."""
        costs = gflops_of(self.job)
        return {row: result_of(self.job, row, counted, costs[row]) for row, counted in self.tallies.items()}

    def warn(self) -> None:
        """Say on standard error what speaks against the rows."""
        warn_of([result.record() for result in self.results.values()])

    def write(self, folder: Path, save_posteriors: bool = False) -> list[Result]:
        """Write `results.csv`, `.json` and `.md` and `origin.json`, and an `.npz` a row if asked for.

        Returns the results with the paths of these. Raises UserError where the folder cannot be written to.
        """
        return writing_to(folder, lambda: self._write(folder, save_posteriors))

    def _write(self, folder: Path, save_posteriors: bool) -> list[Result]:
        rows = {signature_id(result.signature): row for row, result in self.results.items()}
        results = list(self.results.values())
        if save_posteriors:
            results = [self._saved(row, folder / "posteriors") for row in self.job.rows]
        write(results, folder, header(self.job.models, self.job.images))
        origin_of(self.job, rows).write(folder)
        return results

    def _saved(self, row: Row, folder: Path) -> Result:
        """Its result with the path of its posteriors, which are saved."""
        path = folder / f"{signature_id(self.results[row].signature)}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        posteriors_of(self.job, row).save(path)
        return replace(self.results[row], posteriors=str(path))


def evaluated(request: Evaluation, shard: Shard) -> Evaluated:
    """Evaluate what a request names, this process's share of it. Raises UserError and its like."""
    job = shard.in_turn(lambda: job_of(request, shard))
    complete(job, request, shard)
    return Evaluated(job)
