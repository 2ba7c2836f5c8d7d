"""The paper's tables and claims, from weights to written files: every part computed once for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.command import say
from bench.engine.dry_run import plan
from bench.engine.evaluated import Evaluated
from bench.engine.header import about_images, sentences
from bench.engine.job import Job, complete, make_job, open_all
from bench.engine.request import Setup
from bench.engine.rows import Row
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.folders import writable, writing_to
from bench.nets.model import Model
from bench.nets.reading import SUFFIXES, builtin_names
from bench.progress import note
from bench.train.paper_nets import NETS, PaperNet
from protocols.protocol import parse
from protocols.scales import parse_S
from results.claims import Claim, claims, judge
from results.paper import PaperRow, paper_rows
from results.paper_tables import WRITTEN, write_claims, write_tables
from results.replacing import keep_larger

BY_NAME = {net.name: net for net in NETS}

RUN = "run"  # all rows as bench.run writes them, for what looks into them


@dataclass(frozen=True, kw_only=True)
class TablesRequest(Setup):
    """The tables' nets, `names` those of the twelve in the same order, and the folder to write to.

    With `replace` tables there may give way to ones of fewer images.
    """

    names: Sequence[str]
    out: Path
    replace: bool = False


def run(request: TablesRequest) -> None:
    """Evaluate what the tables need and write them; the first process prints. Raises UserError and its like."""
    with Shard() as shard:
        rows, job = shard.in_turn(lambda: _prepare(request, shard))
        if shard.first:
            note("\n".join(sentences(job.models, job.images)))
            writable("--out", request.out)
        complete(job, request, shard)
        if shard.first:
            writing_to(request.out, lambda: _write(request.out, rows, Evaluated(job)))
            note(
                f"written to {request.out}/table3 to table6 and claims, each .md and .csv; "
                f"{request.out}/{RUN} is for bench.report, bench.compare and bench.inspect"
            )


def dry_run(request: TablesRequest) -> None:
    """Say what would be computed. Raises UserError and its like."""
    with Shard() as shard:
        _, job = shard.in_turn(lambda: _prepare(replace(request, replace=True), shard))
        if shard.first:
            say(plan(job.distinct_tasks, job.images))


def sources(spec: str, data: str) -> dict[str, str]:
    """Where each of the twelve nets' weights are, by the net's name; those that have none are absent.

    `auto`, a folder, or `NAME=WHERE` with commas between. Raises UserError.
    """
    if spec == "auto":
        if data != "shapes":
            raise UserError(f"weights 'auto': the built-in nets know shapes, not {data}; give DIR or NAME=WHERE,...")
        return {name: f"builtin:{name}" for name in BY_NAME if name in builtin_names()}
    if Path(spec).is_dir():
        files = ((name, Path(spec) / f"{name}{suffix}") for suffix in reversed(SUFFIXES) for name in BY_NAME)
        found = {name: str(path) for name, path in files if path.is_file()}
    else:
        found = dict(_assignment(each) for each in spec.split(","))
    if not found:
        raise UserError(f"weights '{spec}': no file there is named after a net, such as D-256-512{SUFFIXES[0]}")
    return {name: found[name] for name in BY_NAME if name in found}


def _assignment(text: str) -> tuple[str, str]:
    name, equals, where = text.strip().partition("=")
    if not equals or name not in BY_NAME:
        raise UserError(f"weights '{text}': give auto, a folder, or NAME=WHERE with a NAME of {', '.join(BY_NAME)}")
    return name, where


def _prepare(request: TablesRequest, shard: Shard) -> tuple[dict[PaperRow, Row], Job]:
    images, opened = open_all(request, shard)
    if not request.replace:
        keep_larger((request.out / f"{name}.csv" for name in WRITTEN), len(images))
    models = dict(zip((_label(BY_NAME[name]) for name in request.names), opened, strict=True))
    rows = {row: _row(row.nets, models) for row in paper_rows() if all(net.split()[0] in models for net in row.nets)}
    if not rows:
        names = ", ".join(request.names)
        raise UserError(f"weights for {names}: no row of the paper's tables can be measured with these alone")
    return rows, make_job(request, images, opened, list(dict.fromkeys(rows.values())))


def _label(net: PaperNet) -> str:
    """As the paper's rows name it: `D/[256;512]`."""
    return f"{net.configuration}/{parse_S(net.S)}"


def _row(nets: Sequence[str], models: Mapping[str, Model]) -> Row:
    pairs = (net.split(maxsplit=1) for net in nets)
    return Row(tuple((models[label], parse(protocol)) for label, protocol in pairs))


def _write(folder: Path, rows: Mapping[PaperRow, Row], evaluated: Evaluated) -> None:
    measured = {paper: evaluated.results[row] for paper, row in rows.items()}
    evaluated.warn()
    wrong = {frozenset(paper.nets): evaluated.tallies[row].ranks >= 1 for paper, row in rows.items()}
    unclear = {frozenset(paper.nets) for paper, result in measured.items() if not result.clean}
    comparable = [claim for claim in claims() if _sides(claim) <= wrong.keys()]
    caption = _caption(evaluated.job, len(rows))
    write_tables(measured, folder, caption)
    judged = [claim for claim in comparable if not _sides(claim) & unclear]
    if tied := len(comparable) - len(judged):
        caption.append(f"- Claims that are not judged, since ties decide a row that they compare: {tied}")
    comparisons = [judge(claim, wrong[frozenset(claim.first)], wrong[frozenset(claim.second)]) for claim in judged]
    write_claims(comparisons, folder, caption)
    evaluated.write(folder / RUN)


def _sides(claim: Claim) -> set[frozenset[str]]:
    return {frozenset(claim.first), frozenset(claim.second)}


def _caption(job: Job, rows: int) -> list[str]:
    """What was measured, above every table; the subset is named where it is one."""
    width = next(iter({model.weights.width for model in job.models}))
    lines = [
        *about_images(job.images, job.models[0].count),
        f"- Nets: {len(job.models)} of the twelve" + (f", width {width:g}" if width != 1 else ""),
    ]
    if rows < len(paper_rows()):
        lines.append(f"- {len(paper_rows()) - rows} of {len(paper_rows())} rows are left out for lack of weights")
    return lines
