"""Did the results get worse? Two written tables, row by row: rows that measured the same thing are compared."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from results.errors import ResultError
from results.formatting import number
from results.gate_pairs import differing_fields, measured, paired_rows
from results.gate_speed import Speed, compare_speeds
from results.metrics import mcnemar_bound
from results.written_tables import PROVENANCE, ROW_NAMES, Counts, WrittenRow, read_table
from results.wrong_images import PairedImages

PASSING = ("equal", "better", "within tolerance", "within chance")
NOT_SAVED = (
    "which images were wrong is not in the baseline; make a folder 'posteriors' beside it, which the next update fills"
)
UPWARD = Context(prec=3, rounding=ROUND_CEILING)  # a bound that is rounded down is none
Pairing = Callable[[WrittenRow, WrittenRow], tuple[PairedImages, PairedImages | None]]


@dataclass(frozen=True)
class Rules:
    """What still passes. Raises ResultError for what makes no sense.

    `tolerance` is how many more wrong images pass; with `alpha` any number does while McNemar's p is not below it; at
    most one of the two is given. A row fails below the share `throughput` of the baseline's images/s, None for off.
    """

    tolerance: int | None = None
    alpha: float | None = None
    throughput: float | None = None

    def __post_init__(self) -> None:
        if self.tolerance is not None and self.alpha is not None:
            raise ResultError("a tolerance and an alpha are two rules for one thing; give one of --tolerance, --alpha")
        if self.tolerance is not None and self.tolerance < 0:
            raise ResultError(f"tolerance {self.tolerance}: give a number of images, 0 or more")
        if self.alpha is not None and not 0 < self.alpha < 1:
            raise ResultError(f"alpha {self.alpha}: give a probability between 0 and 1, such as 0.01")
        if self.throughput is not None and not 0 < self.throughput < math.inf:
            raise ResultError(
                f"throughput {self.throughput}: give a share of the baseline's images/s above 0, such as 0.8"
            )


@dataclass(frozen=True)
class Change:
    """How many more images are wrong than in the baseline (below 0: fewer), and McNemar's two-sided p.

    `p` is exact where the images were paired, NEW's first; else `pairs` is None and `p` the largest that fits the
    counts.
    """

    images: int
    p: float
    pairs: PairedImages | None = None

    @property
    def p_text(self) -> str:
        return f"p = {self.p:.3g}" if self.pairs else f"p <= {float(UPWARD.create_decimal(self.p)):.3g}"

    def __str__(self) -> str:
        if self.images:
            return f"{self.images:+d} ({self.p_text})"
        return f"0 ({self.pairs.only_first} changed each way)" if self.pairs and self.pairs.only_first else "0"


class Beside(NamedTuple):
    """What differs beside the signatures: a machine or a version."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class GateRow:
    """A row of BASELINE and that of NEW which is compared with it, None where there is none, and what comes of it.

    `verdict` is in PASSING or one of: worse, missing, new, signature differs, no clean number, not comparable.
    `top1` and `top5` are None where there is nothing to compare, `speed` where it is not judged; `by_counts` says why
    the images were not paired, empty where they were.
    """

    old: WrittenRow | None
    new: WrittenRow | None
    verdict: str
    why: str = ""
    top1: Change | None = None
    top5: Change | None = None
    by_counts: str = ""
    speed: Speed | None = None

    @property
    def row(self) -> WrittenRow:
        """The one that there is, the baseline's before NEW's."""
        row = self.old or self.new
        assert row is not None
        return row

    @property
    def name(self) -> str:
        """What people know the row by."""
        return ", ".join(self.row[name] for name in ROW_NAMES[:3])

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def slower(self) -> bool:
        return self.speed is not None and self.speed.slower

    @property
    def passed(self) -> bool:
        return self.verdict in PASSING and not self.slower

    @property
    def equal(self) -> bool:
        """Whether there is nothing to say of it."""
        return self.verdict == "equal" and not self.slower

    @property
    def warnings(self) -> str:
        """What is said of the row in NEW and was not in BASELINE; whether it matters is for people to judge."""
        found = self.new.warnings if self.new else ""
        return "" if self.old and found == self.old.warnings else found


@dataclass(frozen=True)
class GateReport:
    """Every row of both tables and what became of it, the baseline's order first."""

    baseline: Path
    new: Path
    rules: Rules
    rows: Sequence[GateRow]

    @property
    def passed(self) -> bool:
        return all(row.passed for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each verdict but equal, slower ones too, then why speeds were not compared."""
        verdicts = chain.from_iterable(_verdicts(row) for row in self.rows)
        speeds = (row.speed.verdict for row in self.rows if row.speed and not row.slower)
        return {**Counter(verdicts), **Counter(filter(None, speeds))}

    @cached_property
    def beside(self) -> list[Beside]:
        """Machine and versions where they differ, each change once."""
        pairs = [(row.old, row.new) for row in self.rows if row.old and row.new]
        changes = [Beside(name, old[name], new[name]) for name in PROVENANCE for old, new in pairs]
        return list(dict.fromkeys(change for change in changes if change.before != change.after))


def compare_tables(
    baseline: str | Path, new: str | Path, rules: Rules | None = None, pairing: Pairing | None = None
) -> GateReport:
    """Compare two files, results.json or results.csv. Raises ResultError.

    `pairing` gives two rows' errors on the same images, NEW's first, or raises ResultError; without it p comes from
    counts.
    """
    baseline, new, rules = Path(baseline), Path(new), rules or Rules()
    pairs = paired_rows(read_table(baseline), read_table(new))
    return GateReport(baseline, new, rules, [compare_rows(old, new, rules, pairing) for old, new in pairs])


def compare_rows(
    old: WrittenRow | None,
    new: WrittenRow | None,
    rules: Rules | None = None,
    pairing: Pairing | None = None,
    may_differ: Collection[str] = (),
) -> GateRow:
    """What there is to say of one row of BASELINE and one of NEW; one of them may be None.

    `may_differ` are fields of their signatures that nothing is said of.
    """
    rules = rules or Rules()
    if old is None or new is None:
        return GateRow(old, new, *(("missing", "missing in NEW") if old else ("new", "not in BASELINE")))
    if measured(old, may_differ) != measured(new, may_differ):
        return GateRow(old, new, "signature differs", ", ".join(differing_fields(old, new)) or "order of the fields")
    speed = None if rules.throughput is None else compare_speeds(old, new, rules.throughput)
    if not (old.clean and new.clean):
        unjudged = None if speed and speed.slower else speed
        return GateRow(old, new, "no clean number", "ties decide more than 1 % of the images", speed=unjudged)
    if old.counts.n != new.counts.n or (old.counts.wrong5 is None) != (new.counts.wrong5 is None):
        return GateRow(old, new, "not comparable", _count_changes(old.counts, new.counts), speed=speed)
    top1, top5, by_counts = _changes(old, new, pairing)
    verdict = _verdict([change for change in (top1, top5) if change], rules)
    return GateRow(old, new, verdict, _count_changes(old.counts, new.counts), top1, top5, by_counts, speed)


def _changes(old: WrittenRow, new: WrittenRow, pairing: Pairing | None) -> tuple[Change, Change | None, str]:
    """At top-1 and top-5, and why the images were not paired, if so."""
    by_counts = NOT_SAVED
    if pairing:
        try:
            first, fifth = pairing(old, new)
        except ResultError as error:
            by_counts = str(error)
        else:
            return _of_pairs(first), _of_pairs(fifth) if fifth else None, ""
    n, was, now = new.counts.n, old.counts, new.counts
    top5 = None if was.wrong5 is None or now.wrong5 is None else _of_counts(was.wrong5, now.wrong5, n)
    return _of_counts(was.wrong1, now.wrong1, n), top5, by_counts


def _of_pairs(pairs: PairedImages) -> Change:
    return Change(pairs.wrong_first - pairs.wrong_second, pairs.p, pairs)


def _of_counts(old: int, new: int, n: int) -> Change:
    return Change(new - old, mcnemar_bound(old, new, n))


def _verdict(changes: Sequence[Change], rules: Rules) -> str:
    grown = [change for change in changes if change.images > 0]
    if not grown:
        return "better" if any(change.images for change in changes) else "equal"
    if rules.alpha is not None:
        return "worse" if any(change.p < rules.alpha for change in grown) else "within chance"
    return "worse" if max(change.images for change in grown) > (rules.tolerance or 0) else "within tolerance"


def _verdicts(row: GateRow) -> list[str]:
    return [row.verdict] * (row.verdict != "equal") + ["slower"] * row.slower


def _count_changes(old: Counts, new: Counts) -> str:
    changes = ((name, a, b) for name, a, b in zip(Counts._fields, old, new, strict=True) if a != b)
    return ", ".join(f"{name} {_count_change(a, b)}" for name, a, b in changes)


def _count_change(a: int | None, b: int | None) -> str:
    return f"{number(a)} -> {number(b)}" if a is None or b is None else f"{b - a:+d}"
