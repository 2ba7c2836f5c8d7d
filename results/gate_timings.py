"""Did anything get slower? Two files of pytest-benchmark's, benchmark by benchmark, by name.

What is compared is the median of the rounds: it is what the tables of bench.speed show, and it does not fall as more
rounds are made, as the minimum does. Their quartiles stand beside it, and where these overlap it is said.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path

from results.timings import PLACE, Timing, Timings

FAILING = ("slower", "missing", "new")
FAST = "fast enough"


@dataclass(frozen=True)
class TimingRow:
    """A benchmark of BASELINE and of NEW, None where there is none.

    `verdict` is FAST, in FAILING, or begins with "not compared".
    """

    old: Timing | None
    new: Timing | None
    verdict: str

    @property
    def name(self) -> str:
        timing = self.old or self.new
        assert timing is not None
        return timing.name

    @property
    def speed(self) -> float | None:
        """As a share of the baseline's; None where one of them is not there, or took no time that could be told."""
        medians = (self.old.median, self.new.median) if self.old and self.new else (0.0, 0.0)
        speed = medians[0] / medians[1] if all(medians) else inf
        return speed if isfinite(speed) else None

    @property
    def doubt(self) -> str:
        """Why a slower median may mislead, if so."""
        if not (self.old and self.new) or self.verdict != "slower":
            return ""
        if min(self.old.rounds, self.new.rounds) == 1:
            return "one round shows no spread"
        apart = self.old.q3 < self.new.q1 or self.new.q3 < self.old.q1
        return "" if apart else "quartiles overlap"

    @property
    def passed(self) -> bool:
        return self.verdict not in FAILING


@dataclass(frozen=True)
class TimingsReport:
    """Every benchmark of both files and what became of it; `beside` are versions that differ: name, before, after."""

    baseline: Path
    new: Path
    share: float
    rows: Sequence[TimingRow]
    beside: Sequence[tuple[str, str, str]]

    @property
    def passed(self) -> bool:
        return all(row.passed for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many benchmarks there are of each verdict."""
        return Counter(row.verdict for row in self.rows)


def compare_timings(baseline: tuple[Path, Timings], new: tuple[Path, Timings], share: float) -> TimingsReport:
    """Compare two files that were read: slower is what falls below this share of the baseline's speed."""
    (old_path, old), (new_path, now) = baseline, new
    apart = _apart(old, now)
    names = dict.fromkeys([*old.timings, *now.timings])
    rows = [_row(old.timings.get(name), now.timings.get(name), apart, share) for name in names]
    beside = [(name, old.beside[name], now.beside[name]) for name in PLACE if old.beside[name] != now.beside[name]]
    return TimingsReport(old_path, new_path, share, rows, beside)


def _row(old: Timing | None, new: Timing | None, apart: str, share: float) -> TimingRow:
    if old is None or new is None:
        return TimingRow(old, new, "missing" if old else "new")
    row = TimingRow(old, new, apart or FAST)
    if apart:
        return row
    if row.speed is None:
        return TimingRow(old, new, "not compared: no time")
    return TimingRow(old, new, "slower") if row.speed < share else row


def _apart(old: Timings, new: Timings) -> str:
    """Why no two timings of theirs can be compared, if so."""
    if not (old.machine and new.machine):
        return "not compared: unknown machine"
    if old.machine != new.machine:
        return "not compared: other machine"
    return "" if old.device == new.device else "not compared: other device"
