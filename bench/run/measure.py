"""One run: a request evaluated, its tables written, the short one printed."""

from dataclasses import dataclass
from pathlib import Path

from bench.command import say
from bench.engine.dry_run import plan
from bench.engine.evaluated import Evaluated
from bench.engine.header import sentences
from bench.engine.job import complete, job_of
from bench.engine.request import Computation, Evaluation
from bench.engine.surest_mistakes import write_score_maps
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.folders import dated, replaced, writable
from bench.progress import note, warn
from bench.provenance import provenance
from bench.report.making import ReportRequest, check_installed, make
from results.score_maps import FOLDER
from results.terminal_table import check_columns, terminal_table
from results.written_tables import read_table

MOST = 200  # score maps of a row


@dataclass(frozen=True)
class Output:
    """What comes out of a run: a folder (None: a dated one), columns of the printed table, posteriors, a page.

    `maps` is of how many mistakes a dense row keeps class score maps.
    """

    folder: Path | None = None
    columns: str | None = None
    save_posteriors: bool = False
    html: bool = False
    maps: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.maps <= MOST:
            raise UserError(f"--maps {self.maps}: give a number from 0 to {MOST}")
        check_columns(self.columns, [*provenance(), "device"])
        if self.html:
            check_installed()


def run(request: Evaluation, output: Output) -> None:
    """Evaluate what was asked for and write the tables; the first process prints. Raises UserError and its like."""
    with Shard() as shard:
        job = shard.in_turn(lambda: job_of(request, shard))
        if shard.first:
            note("\n".join(sentences(job.models, job.images)))
            folder = writable("--out", output.folder or dated(Path("runs")))
        complete(job, request, shard)
        if shard.first:
            _report(Evaluated(job), folder, output, request.computation)


def dry_run(request: Evaluation) -> None:
    """Say what would be computed. Raises UserError and its like."""
    with Shard() as shard:
        job = shard.in_turn(lambda: job_of(request, shard))
        if shard.first:
            say(plan(job.distinct_tasks, job.images))


def _report(evaluated: Evaluated, folder: Path, output: Output, how: Computation) -> None:
    new = [result.signature for result in evaluated.results.values()]
    for sentence in replaced(folder / "results.json", read_table, new):
        warn(sentence)
    results = evaluated.write(folder, output.save_posteriors)
    say(terminal_table(results, output.columns))
    evaluated.warn()
    note(f"written to {folder}/results.csv, .json and .md, with all columns and signatures")
    if output.maps:
        try:
            write_score_maps(evaluated, how, output.maps, folder / FOLDER)
        except UserError as error:  # the numbers are there
            warn(f"score maps are missing: {error}")
    if output.html:
        note(f"written to {make(ReportRequest((folder,)))}")
