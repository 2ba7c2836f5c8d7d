"""A net measured in a test: judged by a baseline, or kept for a new one."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from bench.api.evaluate import evaluate
from bench.api.evaluation_table import Table
from bench.api.session import mistakes
from bench.errors import UserError
from bench.gate.pairing import pairing_of
from bench.gate.update import write_change
from bench.stored.run import SAVED
from results import gate_report
from results.formatting import shown
from results.gate import GateReport, GateRow, Rules
from results.gate_baseline import refuse_unclean
from results.gate_nets import compare_nets, extend_baseline
from results.gate_pairs import differing_fields
from results.written_tables import ROW_NAMES, WrittenRow, read_table

TABLE = "results.json"


@dataclass(frozen=True)
class Asserted:
    """What came out: a line a row, and what a test fails with, empty where it passes.

    `folder` holds the results for whoever writes a new baseline, and removes it; None where they were compared.
    """

    table: Table
    lines: list[str]
    failure: str = ""
    folder: Path | None = None


def asserted(
    net: Any, images: Any, protocol: Any, baseline: Path, rules: Rules | None, evaluation: Mapping[str, Any]
) -> Asserted:
    """Evaluate, and judge every row by the baseline; without `rules` keep them for a new one. Raises UserError."""
    with mistakes(), ExitStack() as stack:
        table = evaluate(net, images, protocol, **{"progress": False, **evaluation})
        folder = Path(mkdtemp(prefix="vgg-gate-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        table.save(folder, posteriors=(baseline.parent / SAVED).is_dir())
        if rules is None:
            rows = read_table(folder / TABLE).values()
            refuse_unclean(rows)
            stack.pop_all()
            return Asserted(table, [f"{_names(row)}: {row.counts}" for row in rows], folder=folder)
        report = compare_nets(baseline, folder / TABLE, rules, pairing_of(baseline, folder / TABLE))
        return Asserted(table, [line(row) for row in report.rows], "" if report.passed else _failure(report))


def written(baseline: Path, folders: Sequence[Path], why: str) -> tuple[bool, str]:
    """Write what lies in these folders, which are removed, into a baseline; whether all is well, and a line for it."""
    try:
        with mistakes():
            tables = [folder / TABLE for folder in folders]
            change = extend_baseline(baseline, tables, why)
            write_change(baseline, tables, change)
    except UserError as error:
        return False, f"error: {shown(str(error))}"
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    what = f"rows changed: {len(change.rows)}" if change else "nothing changed"
    return True, shown(f"'{baseline}': {what}")


def line(row: GateRow) -> str:
    """A row in one line: its names, its errors with the baseline's, and what became of it."""
    return f"{_names(row.row)}: {'; '.join([*_errors(row), _verdict(row)])}"


def _names(row: WrittenRow) -> str:
    return shown(", ".join(row[name] for name in ROW_NAMES))


def _errors(row: GateRow) -> Iterator[str]:
    """At top-1 and top-5, where the two can be compared."""
    for k, change in ((1, row.top1), (5, row.top5)):
        if change and row.new:
            wrong = row.new.counts.wrong1 if k == 1 else row.new.counts.wrong5
            assert wrong is not None  # else there were no change
            now, before = (f"{100 * count / row.new.counts.n:.2f} %" for count in (wrong, wrong - change.images))
            yield f"top-{k} error {now} (baseline {before}), wrong {change}"


def _verdict(row: GateRow) -> str:
    """With why nothing was compared, or in what the nets differ."""
    if row.top1 is None:
        return shown(f"{row.verdict} ({row.why})")
    both = row.old and row.new and differing_fields(row.old, row.new)
    return shown(", ".join([row.verdict, *(both or [])]))


def _failure(report: GateReport) -> str:
    """The gate's table, and of every row that failed all that there is to say."""
    told = gate_report.told(report)
    details = ["\n".join(map(shown, case.details)) for case in told.cases if not case.passed]
    if any(row.old is None for row in report.rows):
        details.append("the baseline has:\n" + "\n".join(map(_names, read_table(report.baseline).values())))
    return "\n\n".join([f"not as the baseline '{report.baseline}' has it", told.markdown, *details])
