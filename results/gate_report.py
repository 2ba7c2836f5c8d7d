"""What a comparison says: in a terminal, under a CI job, and as JSON."""

import math
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tabulate import tabulate

from results.formatting import code, escaped, shown
from results.gate import NOT_SAVED, Change, GateReport, GateRow
from results.gate_speed import Speed
from results.told import Case, Told
from results.written_tables import WrittenRow
from results.wrong_images import PairedImages

HEADERS = ("row (model, S, protocol)", "what", "baseline", "new", "change")
ALL_HEADERS = ("row (model, S, protocol)", "baseline", "new", "top-1", "top-5", "verdict")
FEW = 10  # images that are named where people read; JSON has all
LEGEND = "Top-1 and top-5: how many more images are wrong, and McNemar's two-sided p"


def told(report: GateReport, compare: Sequence[str] = ()) -> Told:
    """Everything, in every form; `compare` is the command that compares two rows, where both files stay."""
    texts = markdown(report, compare), summary(report, compare)
    return Told(report.baseline, *texts, record(report), [_case(row) for row in report.rows])


def markdown(report: GateReport, compare: Sequence[str] = ()) -> str:
    """A table of the rows that changed, one line that counts, and a list of what differs beside the signature."""
    lines = [line for row in report.rows for line in _changed(row, report.rules.alpha is not None)]
    table = [_table(lines, HEADERS), ""] if lines else []
    bounds = _listed("Where p is a bound:", _bounds(report)) if report.rules.alpha is not None else []
    below = [*_which(report, compare), *bounds, *_beside(report), *_warnings(report)]
    return "\n".join([*table, verdict_line(report), *_alone(report), *below])


def summary(report: GateReport, compare: Sequence[str] = ()) -> str:
    """All rows, for the page of a CI job, in Markdown that ends with an empty line."""
    cells = [
        (
            row_label(row),
            _counts(row.old),
            _counts(row.new),
            number_or_dash(row.top1),
            number_or_dash(row.top5),
            _verdict(row),
        )
        for row in report.rows
    ]
    head = ["## Accuracy gate: " + ("passed" if report.passed else "failed"), "", _table(cells, ALL_HEADERS), ""]
    bounds = _listed("Where p is a bound:", _bounds(report))
    told = [verdict_line(report), *_alone(report), "", f"{LEGEND}."]
    below = [*_which(report, compare), *bounds, *_beside(report), *_warnings(report)]
    return "\n".join([*head, *told, *below, "", ""])


def record(report: GateReport) -> dict[str, Any]:
    """Everything, as JSON has it: numbers in full, null where there is none."""
    return {
        "passed": report.passed,
        "baseline": str(report.baseline),
        "new": str(report.new),
        "rules": {**vars(report.rules), "tolerance": tolerance_of(report)},
        "equal": sum(row.equal for row in report.rows),
        "counts": report.counts,
        "rows": [_row_record(row) for row in report.rows],
        "beside": [change._asdict() for change in report.beside],
    }


def verdict_line(report: GateReport) -> str:
    """How many rows are equal, how many of each other verdict, and whether all passed."""
    equal = sum(row.equal for row in report.rows)
    counts = [f"{equal} row{'' if equal == 1 else 's'} equal", *(f"{n} {what}" for what, n in report.counts.items())]
    return f"gate: {', '.join(counts)}; {'passed' if report.passed else 'failed'}"


def tolerance_of(report: GateReport) -> int | None:
    """In images; None where chance is the rule."""
    return None if report.rules.alpha is not None else report.rules.tolerance or 0


def row_label(row: GateRow) -> str:
    """A row's names and signature id, in Markdown."""
    return f"{escaped(row.name)} `{row.id}`"


def number_or_dash(change: Change | None) -> str:
    return "–" if change is None else str(change)


def speeds_text(speed: Speed) -> tuple[str, str, str]:
    """Before, after, and their ratio."""
    return f"{speed.old:.3g} images/s", f"{speed.new:.3g} images/s", f"x{speed.new / speed.old:.3g}"


def _changed(row: GateRow, chance: bool) -> list[Sequence[str]]:
    """The lines that a row has in the short table: none where it is equal."""
    lines: list[Sequence[str]] = []
    if row.verdict != "equal":
        cells = (_counts(row.old), _counts(row.new))
        lines.append((row_label(row), row.verdict, *cells, escaped(row.why) + (_chances(row) if chance else "")))
    if row.speed and row.slower:
        lines.append((row_label(row), "slower", *speeds_text(row.speed)))
    return lines


def _chances(row: GateRow) -> str:
    """McNemar's p of what grew, behind what changed."""
    grown = [(k, change) for k, change in ((1, row.top1), (5, row.top5)) if change and change.images > 0]
    return f" ({', '.join(f'top-{k}: {escaped(change.p_text)}' for k, change in grown)})" if grown else ""


def _counts(row: WrittenRow | None) -> str:
    return "–" if row is None else str(row.counts)


def _verdict(row: GateRow) -> str:
    """In bold where it fails, with what was measured differently or how much slower it is."""
    told = row.verdict if row.old is None or row.new is None or row.top1 else f"{row.verdict}: {escaped(row.why)}"
    slower = f"; slower: {speeds_text(row.speed)[2]}" if row.speed and row.slower else ""
    return told + slower if row.passed else f"**{told}{slower}**"


def _case(row: GateRow) -> Case:
    kind = row.verdict if row.verdict != "equal" else "slower"
    name, warnings = f"{row.name} {row.id}", row.warnings
    return Case(name, row.passed, kind, _message(row), list(_details(row)), warnings)


def _message(row: GateRow) -> str:
    """What became of a row, in one line."""
    slower = f"slower: {' -> '.join(speeds_text(row.speed)[:2])}" if row.speed and row.slower else ""
    told = "" if row.verdict == "equal" else ": ".join(filter(None, (row.verdict, row.why)))
    return "; ".join(filter(None, (told, slower)))


def _details(row: GateRow) -> Iterator[str]:
    """What a person wants to know next, line by line."""
    yield _message(row)
    for name, each in (("baseline", row.old), ("new", row.new)):
        yield f"{name}: {each.counts}" if each else f"{name}: none"
    for name, change in (("top-1", row.top1), ("top-5", row.top5)):
        if change:
            yield f"{name}: {number_or_dash(change)}"
            yield from _named(name, change.pairs) if change.pairs else ()
    if row.top1 and row.by_counts:
        yield f"p is a bound: {row.by_counts}"
    yield f"signature: {row.row.signature}"


def _named(name: str, pairs: PairedImages) -> Iterator[str]:
    """Some of the images that changed, by id."""
    for ids, what in ((pairs.first_ids, "right before, wrong now"), (pairs.second_ids, "wrong before, right now")):
        if ids:
            more = f" and {len(ids) - FEW} more" if len(ids) > FEW else ""
            yield f"{name}, {what}: {', '.join(ids[:FEW])}{more}"


def _which(report: GateReport, compare: Sequence[str]) -> list[str]:
    """What to type to see which images and classes changed, of each row that fails, where posteriors can tell."""
    rows = (row for row in report.rows if compare and row.verdict == "worse" and row.top1 and row.top1.pairs)
    commands = (shlex.join([*compare, *(f"{file}:{row.id}" for file in (report.new, report.baseline))]) for row in rows)
    return _listed("Which images and classes changed:", [code(shown(each)) for each in commands])


def _alone(report: GateReport) -> list[str]:
    """That many rows are many chances to fail, where the rule is one of chance."""
    alpha = report.rules.alpha
    return [] if alpha is None else ["", f"Each error of each row is judged by itself, at p < {alpha:g}."]


def _bounds(report: GateReport) -> Iterable[str]:
    """Why p is a bound, each reason once: where p says something, and where posteriors are there and do not fit."""
    bounds = (row for row in report.rows if any(change and change.images for change in (row.top1, row.top5)))
    unfit = (row for row in report.rows if row.by_counts != NOT_SAVED)
    return dict.fromkeys(escaped(row.by_counts) for row in (*bounds, *unfit) if row.by_counts)


def _beside(report: GateReport) -> list[str]:
    changes = (escaped(f"{each.name}: {each.before} -> {each.after}") for each in report.beside)
    return _listed("Different beside the signature:", changes)


def _warnings(report: GateReport) -> list[str]:
    warned = (f"{row_label(row)}: {escaped(row.warnings)}" for row in report.rows if row.warnings)
    return _listed("Warnings that are new:", warned)


def _listed(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"- {item}" for item in items]
    return ["", title, "", *lines] if lines else []


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _row_record(row: GateRow) -> dict[str, Any]:
    """The images are those of top-1, null where they were not paired."""
    pairs = row.top1 and row.top1.pairs
    return {
        "row": row.name,
        "data": row.row["data"],
        "signature_id": row.id,
        "verdict": row.verdict,
        "passed": row.passed,
        "change": row.why,
        "baseline": row.old and {"signature": row.old.signature, **row.old.counts._asdict()},
        "new": row.new and {"signature": row.new.signature, **row.new.counts._asdict()},
        "top1": row.top1 and _change_record(row.top1),
        "top5": row.top5 and _change_record(row.top5),
        "images_only_new_wrong": pairs and list(pairs.first_ids),
        "images_only_baseline_wrong": pairs and list(pairs.second_ids),
        "by_counts": row.by_counts,
        "speed": row.speed and _speed_record(row.speed),
        "warnings": row.warnings,
    }


def _change_record(change: Change) -> dict[str, Any]:
    """The difference of the error rates in points with its 95 % interval, None where the images were not paired."""
    pairs = change.pairs
    difference = [round(100 * each, 4) for each in pairs.difference] if pairs else [None] * 3
    return {
        "images": change.images,
        "p": change.p,
        "p_is": "exact" if pairs else "an upper bound",
        "only_new_wrong": pairs.only_first if pairs else None,
        "only_baseline_wrong": pairs.only_second if pairs else None,
        **dict(zip(("difference", "difference_low", "difference_high"), difference, strict=True)),
    }


def _speed_record(speed: Speed) -> dict[str, Any]:
    old, new = (None if math.isnan(each) else each for each in speed[:2])
    return {"baseline": old, "new": new, "verdict": speed.verdict}
