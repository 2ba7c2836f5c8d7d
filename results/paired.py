"""Two rows on the same images: which of them got more wrong, and whether that is more than chance."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from results.metrics import mcnemar, paired_difference
from results.power import ALPHA, images_needed


@dataclass(frozen=True, kw_only=True)
class PairedErrors:
    """Two rows' top-1 errors on the same n images: how many each got wrong, and how many only one of them did."""

    n: int
    wrong_first: int
    wrong_second: int
    only_first: int
    only_second: int

    @property
    def p(self) -> float:
        """McNemar's exact two-sided p (McNemar, 1947)."""
        return mcnemar(self.only_first, self.only_second)

    @property
    def difference(self) -> tuple[float, float, float]:
        """The first's error rate less the second's, and its 95 % interval; below 0 the first is better.

        As shares of the images (Bonett and Price, 2012).
        """
        return paired_difference(self.only_first, self.only_second, self.n)

    @property
    def images_needed(self) -> int | None:
        """About how many images would show such a difference, as `images_needed` tells it; None where there is none."""
        return images_needed(self.only_first, self.only_second, self.n)

    @property
    def fields(self) -> dict[str, Any]:
        """What is written to files of the difference: in %, with the images that only one has wrong and the test."""
        difference, low, high = (round(100 * each, 4) for each in self.difference)
        return {
            "difference": difference,
            "difference_low": low,
            "difference_high": high,
            "only_first_wrong": self.only_first,
            "only_second_wrong": self.only_second,
            "mcnemar_p": self.p,
        }

    def better(self, letters: tuple[str, str] = ("A", "B"), p: float | None = None) -> str | None:
        """The letter of the row that makes fewer errors, by McNemar's test at 5 % or a `p` corrected for more tests.

        None where the difference may be chance.
        """
        return self._ahead(letters) if (self.p if p is None else p) < ALPHA else None

    def judged(self, letters: tuple[str, str] = ("A", "B"), p: float | None = None) -> str:
        """Which row makes fewer top-1 errors, in words, and whether that may be chance, as `better` has it."""
        if self.only_first == self.only_second:
            return f"{' and '.join(letters)} make equally many errors"
        chance = "" if self.better(letters, p) else ", which may be chance"
        return f"{self._ahead(letters)} makes fewer errors{chance}"

    def _ahead(self, letters: tuple[str, str]) -> str:
        return letters[self.only_first > self.only_second]

    def __str__(self) -> str:
        rate, low, high = (100 * each for each in self.difference)
        first, second = (100 * wrong / self.n for wrong in (self.wrong_first, self.wrong_second))
        return (
            f"top-1 error {first:.2f} % against {second:.2f} %: "
            f"difference {rate:+.2f} points [{low:+.2f}, {high:+.2f}], McNemar's p {self.p:.3g}; "
            f"of {self.n} images {self.only_first} only the first has wrong, {self.only_second} only the second"
        )


def paired(first: np.ndarray, second: np.ndarray) -> PairedErrors:
    """From which images each row got wrong: two (N,) arrays of bool, the same images in the same order."""
    return PairedErrors(
        n=len(first),
        wrong_first=int(first.sum()),
        wrong_second=int(second.sum()),
        only_first=int((first & ~second).sum()),
        only_second=int((second & ~first).sum()),
    )
