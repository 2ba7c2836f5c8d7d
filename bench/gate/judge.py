"""Two tables compared, and what comes out: printed, written, and as annotations where GitHub reads along."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.command import say
from bench.errors import UserError
from results.atomic_files import write_text_atomically
from results.gate import GateReport, Rules, compare_tables
from results.gate_ci import annotations, junit
from results.gate_report import markdown, record, summary
from results.names import unicode_of
from results.wrong_images import pairing_of


@dataclass(frozen=True)
class Output:
    """JSON in place of Markdown, and files for JUnit's XML (written) and for a summary (appended to), None for none."""

    as_json: bool = False
    junit: Path | None = None
    summary: Path | None = None


def judge(baseline: Path, new: Path, rules: Rules, output: Output) -> int:
    """Compare, say it, and return the exit code. Raises UserError and ResultError."""
    report = compare_tables(baseline, new, rules, pairing_of(baseline, new))
    if output.junit:
        _to("--junit", output.junit, lambda path: write_text_atomically(path, junit(report)))
    if output.summary:
        _to("--summary", output.summary, lambda path: _append(path, summary(report)))
    say(_json(report) if output.as_json else markdown(report))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _annotate(report, to_errors=output.as_json)
    return 0 if report.passed else 1


def _json(report: GateReport) -> str:
    """Names as they are, but for the sign that GitHub obeys wherever it stands on a line."""
    return json.dumps(record(report), indent=1, ensure_ascii=False).replace("##[", "#\\u0023[")


def _annotate(report: GateReport, to_errors: bool) -> None:
    """The lines that GitHub's runner reads, on either stream."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    lines = annotations(report, Path(workspace) if workspace else None)
    if lines and to_errors:
        print("\n".join(lines), file=sys.stderr)
    elif lines:
        say("\n".join(lines))


def _append(path: Path, text: str) -> None:
    """What other steps wrote stays."""
    with path.open("a", encoding="utf-8") as file:
        file.write(unicode_of(text))


def _to(option: str, path: Path, write: Callable[[Path], None]) -> None:
    """Call `write`; what stands in its way is a UserError."""
    try:
        write(path)
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"{option} '{path}': {why}; give {option} FILE in a folder that can be written to") from None
