"""What a comparison comes to, in the words of whoever made it: to be printed, and written as CI reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Case:
    """One thing that was judged: what became of it in a word (`kind`), a line (`message`), and several (`details`).

    `warnings` do not matter for passing.
    """

    name: str
    passed: bool
    kind: str
    message: str
    details: Sequence[str]
    warnings: str = ""


@dataclass(frozen=True)
class Told:
    """All of them, with the file that they were judged by; `markdown` for a terminal, `summary` for a CI job's page."""

    baseline: Path
    markdown: str
    summary: str
    record: Mapping[str, Any]
    cases: Sequence[Case]

    @property
    def passed(self) -> bool:
        return all(case.passed for case in self.cases)
