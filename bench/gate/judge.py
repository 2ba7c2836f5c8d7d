"""Two tables or files of timings compared, and what comes out: printed, written, annotated where GitHub reads along."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.command import say
from bench.errors import UserError
from bench.folders import spare
from bench.gate.pairing import pairing_of
from bench.progress import busy
from bench.stored.run_files import run_files
from results import gate_report, timings_report
from results.atomic_files import write_named_text
from results.gate import Rules, compare_tables
from results.gate_ci import annotations, junit
from results.gate_timings import compare_timings
from results.names import unicode_of
from results.timings import read_timings
from results.told import Told

COMPARE = ("python", "-m", "bench.compare")


@dataclass(frozen=True)
class Output:
    """JSON in place of Markdown, and files for JUnit's XML (written) and for a summary (appended to), None for none."""

    as_json: bool = False
    junit: Path | None = None
    summary: Path | None = None


def judge(baseline: Path, new: Path, rules: Rules, output: Output, store: Path | None = None) -> int:
    """Compare, say it, and return the exit code; `store` is where NEW's blocks are now, None for where it says.

    Raises UserError and ResultError.
    """
    for option, file in (("--junit", output.junit), ("--summary", output.summary)):
        if file:
            spare(option, file, (*run_files(baseline), *run_files(new)))
    with busy("comparing"):
        told = _compared(baseline, new, rules, store)
    if output.junit:
        _to("--junit", output.junit, lambda path: write_named_text(path, junit(told)))
    if output.summary:
        _to("--summary", output.summary, lambda path: _append(path, told.summary))
    say(_json(told) if output.as_json else told.markdown)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _annotate(told, to_errors=output.as_json)
    return 0 if told.passed else 1


def _compared(baseline: Path, new: Path, rules: Rules, store: Path | None) -> Told:
    """Two tables of results, or two files of timings."""
    timings = read_timings(baseline), read_timings(new)
    if timings == (None, None):
        compare = [*COMPARE, *(("--store", str(store)) if store else ())]
        return gate_report.told(compare_tables(baseline, new, rules, pairing_of(baseline, new, store)), compare)
    if timings[0] is None or timings[1] is None:
        given, other = (baseline, new) if timings[0] else (new, baseline)
        raise UserError(f"'{given}' holds timings, and '{other}' is no file of them; give two of one kind")
    if rules.throughput is None or any(each is not None for each in (rules.tolerance, rules.alpha, store)):
        raise UserError(f"'{baseline}' holds timings, which --throughput alone judges; give --throughput 0.8, say")
    return timings_report.told(compare_timings((baseline, timings[0]), (new, timings[1]), rules.throughput))


def _json(told: Told) -> str:
    """In ASCII, so that no name turns a line, and without the sign that GitHub obeys wherever it stands on one."""
    return json.dumps(told.record, indent=1).replace("##[", "#\\u0023[")


def _annotate(told: Told, to_errors: bool) -> None:
    """The lines that GitHub's runner reads, on either stream."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    lines = annotations(told, Path(workspace) if workspace else None)
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
