"""What a row's own counts say against it: ties that decide it, and labels that may not be those of the weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from results.metrics import mcnemar
from results.posteriors import Posteriors

ALPHA = 0.01
TIES_SAID, TIES_REFUSED = 1000, 100  # one image in so many
MAY_BE = "labels, class order or pixels may not be those of the weights"


class Relabelling(NamedTuple):
    """Another reading of the labels: the class that each of K labels would mean, int64 (K,), -1 for none."""

    said: str
    classes: np.ndarray


@dataclass
class Trial:
    """How many images are wrong@1 if the labels are read so, and how many only as given, or only so."""

    relabelling: Relabelling
    wrong: int = 0
    only_given: int = 0
    only_so: int = 0

    def add(self, row: Posteriors, given: np.ndarray, best: np.ndarray, scored: np.ndarray | None) -> None:
        """Count some images more; `given` says which are wrong as labelled.

        `best` are the images' highest posteriors, of all classes; `scored` which of these compete, None for all.
        """
        so = wrong_if(row, self.relabelling.classes, best, scored)
        self.wrong += int(so.sum())
        self.only_given += int((given & ~so).sum())
        self.only_so += int((so & ~given).sum())


def wrong_if(row: Posteriors, classes: np.ndarray, best: np.ndarray, scored: np.ndarray | None) -> np.ndarray:
    """Which images are wrong@1 where label k means class `classes[k]`: (N,) bool. What competes is read so too."""
    if scored is not None:
        meant = classes[scored]
        best = row.probs[:, meant[meant >= 0]].max(1, initial=0)
    own = classes[row.labels]
    probs = row.probs[np.arange(len(own)), own]
    return (own < 0) | (probs == 0) | (probs < best)


def refused(ties: int, n: int) -> bool:
    """Whether ties decide too many of n images for an error rate to mean anything."""
    return ties * TIES_REFUSED > n


def tie_doubts(k: int, wrong: int, ties: int, n: int) -> list[str]:
    """What there is to say of the images that are wrong@k only if ties count against them."""
    if ties * TIES_SAID <= n:
        return []
    said = f"ties decide {ties} of {n} images at top-{k}: {wrong} are wrong if a tie counts for the label, "
    said += f"{wrong + ties} if against it"
    return [f"{said}; no error is given" if refused(ties, n) else said]


def label_doubts(n: int, wrong: int, classes: int, trials: Sequence[Trial]) -> list[str]:
    """What n images with so many wrong@1 among so many competing classes say against their labels.

    Each is said only where the images are enough to show it, at 1 %.
    """
    said = ["only one class competes, so that nothing can be wrong"] if classes == 1 else []
    if no_better_than_guessing(n - wrong, n, classes):
        said.append(f"no better than guessing: {n - wrong} of {n} right among {classes} classes; {MAY_BE}")
    best = min(trials, key=lambda trial: trial.wrong, default=None)
    if best and 2 * best.wrong < wrong and mcnemar(best.only_given, best.only_so) < ALPHA:
        said.append(f"with {best.relabelling.said} {best.wrong} of {n} images are wrong, not {wrong}; {MAY_BE}")
    return said


def no_better_than_guessing(right: int, n: int, classes: int) -> bool:
    """Whether guesses get as many right in more than 1 % of cases, on images that a fair net would do better on.

    A fair net is halfway between guessing and no error; too few images (5 %) to rule that out are no evidence.
    """
    guess = 1 / classes
    fair = (1 + guess) / 2
    return classes > 1 and at_least(right, n, guess) > ALPHA and at_least(n - right, n, 1 - fair) < 0.05


def at_least(successes: int, n: int, p: float) -> float:
    """Binomial: the probability of so many successes or more in n trials, each with probability 0 < p < 1."""
    ways = math.lgamma(n + 1)
    return math.fsum(
        math.exp(ways - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p))
        for k in range(successes, n + 1)
    )
