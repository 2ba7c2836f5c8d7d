"""One run: descriptors computed, classifiers learnt, tables written, the short one printed."""

from dataclasses import dataclass
from pathlib import Path

from bench.command import say
from bench.engine.dry_run import plan
from bench.engine.workers import Shard
from bench.folders import dated, replaced, writable, writing_to
from bench.linear.header import sentences
from bench.linear.job import TransferJob, complete_transfer, transfer_job
from bench.linear.request import Transfer
from bench.linear.saved_descriptors import check_forms, save_descriptors
from bench.linear.submission import submitted, write_submitted
from bench.linear.transferred import Transferred, transferred
from bench.progress import note, warn
from bench.report.making import ReportRequest, check_installed, make
from results.transfer_files import NAME, read_transfer
from results.transfer_table import terminal_transfer


@dataclass(frozen=True)
class Output:
    """What comes out: a folder (None: a dated one), descriptors in these forms, a page; and what a server takes."""

    folder: Path | None = None
    features: tuple[str, ...] = ()
    html: bool = False
    submission: Path | None = None

    def __post_init__(self) -> None:
        check_forms(self.features)
        if self.html:
            check_installed()


def run(request: Transfer, output: Output) -> None:
    """Learn what was asked for and write the tables; the first process learns and prints. Raises UserError and its
    like.
    """
    with Shard() as shard:
        job = shard.in_turn(lambda: transfer_job(request, shard))
        if shard.first:
            note("\n".join(sentences(job.models, job.divided)))
            folder = writable("--out", output.folder or dated(Path("runs")))
            if output.submission:
                writable("--submission", output.submission)
        complete_transfer(job, shard)
        if shard.first:
            _report(job, folder, output)


def dry_run(request: Transfer) -> None:
    """Say what would be computed. Raises UserError and its like."""
    with Shard() as shard:
        job = shard.in_turn(lambda: transfer_job(request, shard))
        if shard.first:
            plans = [plan(each.tasks(images), images) for each in job.described for images in each.looks]
            say("\n\n".join(plans))
            note(f"{len(job.rows) * len(job.divisions)} row(s) are learnt from these")


def _report(job: TransferJob, folder: Path, output: Output) -> None:
    found = transferred(job)
    for sentence in replaced(folder / NAME, _signatures, [result.signature for result in found.results]):
        warn(sentence)
    results = found.write(folder)
    say(terminal_transfer(results))
    found.warn()
    note(f"written to {folder}/transfer.csv, .json and .md, with all columns and signatures")
    if output.features:
        places = writing_to(folder, lambda: save_descriptors(folder, output.features, job.models, found.described))
        note(f"descriptors are in {', '.join(map(str, places))}")
    if output.submission:
        _submit(found, output.submission)
    if output.html:
        note(f"written to {make(ReportRequest((folder,)))}")


def _signatures(table: Path) -> list[str]:
    return [row.signature for row in read_transfer(table.parent)]


def _submit(found: Transferred, folder: Path) -> None:
    said = submitted(found.job, found.described)
    places = writing_to(folder, lambda: write_submitted(folder, said, found.results))
    said.warn(found.results)
    for result, judged, place in zip(found.results, said.judged, places, strict=True):
        note(
            f"{result.id}: decision values of {len(said.ids):,} test examples, by classifiers of train and val with "
            f"C {judged.C:g}, are in {place}/results for the evaluation server"
        )
