"""The paper's claims as comparisons of two of its rows, and what stored posteriors say of each."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import numpy as np

from results.paired import PairedErrors, paired
from results.paper import published

ALPHA = 0.05
MARGIN = 0.01  # an improvement below one point is none, where the paper claims that there is none


class Claim(NamedTuple):
    """That the first of two rows makes fewer top-1 errors ("better"), or that it does not ("no better")."""

    text: str
    section: str
    kind: Literal["better", "no better"]
    first: tuple[str, ...]
    second: tuple[str, ...]


@cache
def claims() -> tuple[Claim, ...]:
    """All of them, in the order of the paper's sections."""
    with files("results").joinpath("claims.csv").open() as lines:
        return tuple(
            Claim(
                row["claim"],
                row["section"],
                row["kind"],  # type: ignore[arg-type]
                tuple(row["first"].split("; ")),
                tuple(row["second"].split("; ")),
            )
            for row in csv.DictReader(lines)
        )


@dataclass(frozen=True, kw_only=True)
class Comparison(PairedErrors):
    """A claim's two rows on the same images."""

    claim: Claim

    @property
    def verdict(self) -> Literal["holds", "reversed", "undecided"]:
        """By McNemar's test at 5 %; where that is silent, "no better" holds if a point's gain can be ruled out."""
        decided = self.p < ALPHA
        first_better = self.only_first < self.only_second
        if self.claim.kind == "better":
            return "undecided" if not decided else "holds" if first_better else "reversed"
        if decided and first_better:
            return "reversed"
        return "holds" if decided or self.difference[1] > -MARGIN else "undecided"

    def record(self) -> dict[str, Any]:
        """Everything that is written to files; rates and differences in %."""
        ours, theirs = (published()[frozenset(nets)][0] for nets in (self.claim.first, self.claim.second))
        return {
            "claim": self.claim.text,
            "section": self.claim.section,
            "kind": self.claim.kind,
            "first": "; ".join(self.claim.first),
            "second": "; ".join(self.claim.second),
            "n": self.n,
            "top1_first": round(100 * self.wrong_first / self.n, 4),
            "top1_second": round(100 * self.wrong_second / self.n, 4),
            **self.fields,
            "verdict": self.verdict,
            "paper_difference": round(ours - theirs, 1),
        }


def judge(claim: Claim, first: np.ndarray, second: np.ndarray) -> Comparison:
    """Judge a claim by which images each row got wrong: two (N,) arrays of bool, the same images in the same order."""
    return Comparison(claim=claim, **vars(paired(first, second)))
