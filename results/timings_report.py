"""What a comparison of timings says: in a terminal, under a CI job, and as JSON."""

from typing import Any

from tabulate import tabulate

from results.formatting import escaped
from results.gate_timings import TimingRow, TimingsReport
from results.timings import Timing
from results.told import Case, Told

HEADERS = ("benchmark", "what", "baseline", "new", "speed")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
LEGEND = "Times are medians of the rounds with their quartiles; speed is a share of the baseline's."


def told(report: TimingsReport) -> Told:
    """Everything, in every form."""
    return Told(report.baseline, markdown(report), summary(report), record(report), [_case(row) for row in report.rows])


def markdown(report: TimingsReport) -> str:
    """Every benchmark, one line that counts, and versions that differ."""
    rows = [
        (escaped(row.name), row.verdict, timing_text(row.old), timing_text(row.new), speed_text(row))
        for row in report.rows
    ]
    table = tabulate(rows, HEADERS, tablefmt="pipe", disable_numparse=True)
    return "\n".join([table, "", verdict_line(report), *_beside(report)])


def summary(report: TimingsReport) -> str:
    """The same with a heading, for the page of a CI job, in Markdown that ends with an empty line."""
    title = "## Throughput gate: " + ("passed" if report.passed else "failed")
    return "\n".join([title, "", markdown(report), "", LEGEND, "", ""])


def record(report: TimingsReport) -> dict[str, Any]:
    """Everything, as JSON has it: numbers in full, times in seconds, null where there is none."""
    return {
        "passed": report.passed,
        "baseline": str(report.baseline),
        "new": str(report.new),
        "rules": {"throughput": report.share},
        "counts": report.counts,
        "benchmarks": [_row_record(row) for row in report.rows],
        "beside": [{"name": name, "before": before, "after": after} for name, before, after in report.beside],
    }


def verdict_line(report: TimingsReport) -> str:
    """How many benchmarks there are of each verdict, and whether all passed."""
    counts = ", ".join(f"{count} {what}" for what, count in report.counts.items())
    return f"gate: {counts}; {'passed' if report.passed else 'failed'}"


def timing_text(timing: Timing | None) -> str:
    """Median with quartiles in the median's unit, and of how many rounds; a dash where there is none."""
    if timing is None:
        return "–"
    size, unit = next((each for each in UNITS if timing.median >= each[0]), UNITS[-1])
    middle, low, high = (f"{seconds / size:.3g}" for seconds in (timing.median, timing.q1, timing.q3))
    return f"{middle} {unit} [{low}, {high}], {timing.rounds} round{'' if timing.rounds == 1 else 's'}"


def speed_text(row: TimingRow) -> str:
    """A share of the baseline's, with what speaks against it; a dash where there is none."""
    return "–" if row.speed is None else ", ".join(filter(None, (f"x{row.speed:.3g}", row.doubt)))


def _case(row: TimingRow) -> Case:
    both = [f"baseline: {timing_text(row.old)}", f"new: {timing_text(row.new)}"]
    return Case(row.name, row.passed, row.verdict, _message(row), [_message(row), *both])


def _message(row: TimingRow) -> str:
    """What became of a benchmark, in one line."""
    if row.old and row.new:
        return f"{row.verdict}: {timing_text(row.old)} -> {timing_text(row.new)}, {speed_text(row)}"
    return f"{row.verdict}: " + ("missing in NEW" if row.old else "not in BASELINE")


def _beside(report: TimingsReport) -> list[str]:
    changes = (f"{name}: {before or '–'} -> {after or '–'}" for name, before, after in report.beside)
    lines = [f"- {escaped(change)}" for change in changes]
    return ["", "Different beside the timings:", "", *lines] if lines else []


def _row_record(row: TimingRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "verdict": row.verdict,
        "passed": row.passed,
        "speed": row.speed,
        "doubt": row.doubt,
        "baseline": _timing_record(row.old),
        "new": _timing_record(row.new),
    }


def _timing_record(timing: Timing | None) -> dict[str, Any] | None:
    return {name: getattr(timing, name) for name in ("median", "q1", "q3", "rounds")} if timing else None
