"""Did the results get worse? Two written tables, row by row: rows that measured the same thing are compared."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from results.errors import ResultError
from results.formatting import escaped, number
from results.result import signature_id
from results.written_tables import PROVENANCE, ROW_NAMES, UNKNOWN, Counts, WrittenRow, read_table

HEADERS = ("row (model, S, protocol)", "what", "baseline", "new", "change")
PASSING = ("better", "within tolerance")
Pair = tuple[WrittenRow | None, WrittenRow | None]  # of BASELINE and of NEW


class Finding(NamedTuple):
    """One line of the report, in Markdown."""

    row: str
    what: str
    baseline: str
    new: str
    change: str


@dataclass(frozen=True)
class GateReport:
    """What changed, how many rows did not, how many speeds could not be compared and why, what differs beside, and
    what NEW warns of and BASELINE does not."""

    findings: Sequence[Finding]
    equal: int
    uncompared: Mapping[str, int]
    beside: Sequence[str]
    warnings: Sequence[str]

    @property
    def passed(self) -> bool:
        return all(finding.what in PASSING for finding in self.findings)

    def markdown(self) -> str:
        """A table of the rows that changed, one line that counts, and a list of what differs beside the signature."""
        table = [tabulate(self.findings, HEADERS, tablefmt="pipe", disable_numparse=True), ""] if self.findings else []
        counts = {**Counter(finding.what for finding in self.findings), **self.uncompared}
        equal = f"{self.equal} row{'' if self.equal == 1 else 's'} equal"
        summary = ", ".join([equal, *(f"{count} {what}" for what, count in counts.items())])
        beside = ["", "Different beside the signature:", "", *self.beside] if self.beside else []
        warnings = ["", "Warnings that are new:", "", *self.warnings] if self.warnings else []
        return "\n".join([*table, f"gate: {summary}; {'passed' if self.passed else 'failed'}", *beside, *warnings])


def compare_tables(baseline: Path, new: Path, tolerance: int = 0, share: float | None = None) -> GateReport:
    """Compare two files; `tolerance` is in images, `share` of the baseline's images/s. Raises ResultError."""
    if tolerance < 0:
        raise ResultError(f"tolerance {tolerance}: give a number of images, 0 or more")
    if share is not None and not 0 < share < math.inf:
        raise ResultError(f"throughput {share}: give a share of the baseline's images/s above 0, such as 0.8")
    pairs = _pairs(read_table(baseline), read_table(new))
    findings = [_findings(old, new, tolerance, share) for old, new in pairs]
    both = [(old, new) for old, new in pairs if old and new]
    apart = [_apart(old, new) for old, new in both if share is not None and old.signature == new.signature]
    equal, warned = findings.count([]), _warned(pairs)
    return GateReport(list(chain(*findings)), equal, Counter(filter(None, apart)), _beside(both), warned)


def _pairs(olds: Mapping[str, WrittenRow], news: Mapping[str, WrittenRow]) -> list[Pair]:
    """Rows of one signature; of the others those of the same names, the closest first; the rest alone."""
    partners = {line: line for line in olds if line in news}  # signatures in BASELINE and in NEW
    old_rest = [row for line, row in olds.items() if line not in partners]
    new_rest = [row for line, row in news.items() if line not in partners]
    partners |= _closest(old_rest, new_rest)
    taken = set(partners.values())
    pairs: list[Pair] = [(row, news[partners[line]] if line in partners else None) for line, row in olds.items()]
    return [*pairs, *((None, row) for line, row in news.items() if line not in taken)]


def _closest(olds: Sequence[WrittenRow], news: Sequence[WrittenRow]) -> dict[str, str]:
    """By signature: to each old row the new one of the same names that differs in the fewest fields, each once."""
    alike = [(old, new) for old, new in product(olds, news) if all(old[name] == new[name] for name in ROW_NAMES)]
    partners: dict[str, str] = {}
    taken: set[str] = set()
    for old, new in sorted(alike, key=lambda pair: _distance(*pair)):
        if old.signature not in partners and new.signature not in taken:
            partners[old.signature] = new.signature
            taken.add(new.signature)
    return partners


def _findings(old: WrittenRow | None, new: WrittenRow | None, tolerance: int, share: float | None) -> list[Finding]:
    """What there is to say of a pair; nothing where it is equal."""
    if old is None or new is None:
        what, change = ("missing", "missing in NEW") if old else ("new", "not in BASELINE")
        return [_finding(old, new, what, change)]
    if old.signature != new.signature:
        return [_finding(old, new, "signature differs", ", ".join(_fields(old, new)) or "order of the fields")]
    if not (old.clean and new.clean):
        return [_finding(old, new, "no clean number", "ties decide more than 1 % of the images")]
    found = []
    if old.counts != new.counts:
        found.append(_finding(old, new, _verdict(old.counts, new.counts, tolerance), _changes(old.counts, new.counts)))
    if share is not None and not _apart(old, new) and new.speed < share * old.speed:
        before, after = (f"{row.speed:.3g} images/s" for row in (old, new))
        found.append(Finding(_row_label(old), "slower", before, after, f"x{new.speed / old.speed:.3g}"))
    return found


def _verdict(old: Counts, new: Counts, tolerance: int) -> str:
    if old.n != new.n or (old.wrong5 is None) != (new.wrong5 is None):
        return "not comparable"
    grown = max(new.wrong1 - old.wrong1, (new.wrong5 or 0) - (old.wrong5 or 0))
    if grown > tolerance:
        return "worse"
    return "within tolerance" if grown > 0 else "better"


def _apart(old: WrittenRow, new: WrittenRow) -> str:
    """Why two speeds cannot be compared, if so."""
    places = [(row["machine"], row["device"]) for row in (old, new)]
    if any(place in UNKNOWN for place in chain(*places)):
        return "not compared: unknown device"
    if places[0] != places[1]:
        return "not compared: other device"
    return "not compared: no speed" if math.isnan(old.speed + new.speed) else ""


def _finding(old: WrittenRow | None, new: WrittenRow | None, what: str, change: str) -> Finding:
    before, after = (str(row.counts) if row else "–" for row in (old, new))
    label = next(_row_label(row) for row in (old, new) if row)
    return Finding(label, what, before, after, escaped(change))


def _row_label(row: WrittenRow) -> str:
    return f"{escaped(', '.join(row[name] for name in ROW_NAMES[:3]))} `{signature_id(row.signature)}`"


def _fields(old: WrittenRow, new: WrittenRow) -> list[str]:
    """The fields in which two signatures differ."""
    was, now = (dict(word.partition("=")[::2] for word in row.signature.split()) for row in (old, new))
    steps = [(key, was.get(key, "–"), now.get(key, "–")) for key in {**was, **now}]
    return [f"{key}: {before} -> {after}" for key, before, after in steps if before != after]


def _distance(old: WrittenRow, new: WrittenRow) -> int:
    """How many fields differ."""
    was, now = _words(old.signature), _words(new.signature)
    return len({key for key, _ in was ^ now})


@cache
def _words(signature: str) -> frozenset[tuple[str, str]]:
    return frozenset((key, value) for key, _, value in (word.partition("=") for word in signature.split()))


def _changes(old: Counts, new: Counts) -> str:
    changes = ((name, a, b) for name, a, b in zip(Counts._fields, old, new, strict=True) if a != b)
    return ", ".join(f"{name} {_change(a, b)}" for name, a, b in changes)


def _change(a: int | None, b: int | None) -> str:
    return f"{number(a)} -> {number(b)}" if a is None or b is None else f"{b - a:+d}"


def _beside(pairs: Sequence[tuple[WrittenRow, WrittenRow]]) -> list[str]:
    """Machine and versions where they differ, each change once."""
    changes = [(name, old[name], new[name]) for name in PROVENANCE for old, new in pairs if old[name] != new[name]]
    return [f"- {escaped(f'{name}: {before} -> {after}')}" for name, before, after in dict.fromkeys(changes)]


def _warned(pairs: Sequence[Pair]) -> list[str]:
    """What is said of a row in NEW and was not in BASELINE; whether it matters is for people to judge."""
    return [
        f"- {_row_label(new)}: {escaped(new.warnings)}"
        for old, new in pairs
        if new and new.warnings and new.warnings != (old.warnings if old else "")
    ]
