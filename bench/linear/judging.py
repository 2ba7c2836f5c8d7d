"""C chosen on validation images, machines learnt from all training images, and what they say of the test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.images.divided import DividedSet
from bench.linear.machines import MOST_IN_KERNEL, Step, kernel_of, learn, no_step
from bench.linear.splits import Split
from bench.linear.usual import usual
from results.average_precision import mean_over_classes
from results.measured_classes import measured_by_class

GRID = tuple(4.0**power for power in range(-3, 4))
DESCENDED = (
    f"more than {MOST_IN_KERNEL:,} images are learnt from by stochastic gradient descent, which ends above the "
    "optimum where C is large"
)
WITHOUT_CHOICE = 1.0  # the C where no image validates


@dataclass(frozen=True, eq=False)
class Judged:
    """What a split came to: the chosen `C`, and those `tried` with their measure on validation images, if any were.

    `scores` (N, K) float32 are the test images' decision values in the split's order; `notes` say what readers should
    know of how they came about, a sentence each.
    """

    C: float
    tried: Mapping[float, float]
    scores: np.ndarray
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Truth:
    """Which of K classes N images are of, and what they are judged by.

    `present` and `difficult` are bool (N, K); `rule` is one of `results.average_precision`, None where recall judges.
    """

    classes: tuple[str, ...]
    present: np.ndarray
    difficult: np.ndarray
    rule: str | None

    def take(self, indices: np.ndarray) -> "Truth":
        return replace(self, present=self.present[indices], difficult=self.difficult[indices])

    def by_class(self, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Average precision or recall of each class, (K, R), NaN of those without images; `weights` as these have."""
        return measured_by_class(self.present, self.difficult, scores, self.rule, weights)

    def measure(self, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """The mean of these over classes: (R,)."""
        return mean_over_classes(self.by_class(scores, weights))


def truth_of(divided: DividedSet, rule: str | None = None) -> Truth:
    """Of all examples, part after part; without a rule by the set's own measure."""
    parts = divided.parts
    present, difficult = ([getattr(part, name) for part in parts] for name in ("present", "difficult"))
    return Truth(divided.classes, np.concatenate(present), np.concatenate(difficult), rule or usual(divided).rule)


def learnings(split: Split, Cs: Sequence[float] = GRID) -> int:
    """How often `judge` learns each class: for the choice of C, if there is one, and then from all training images."""
    return 1 + (len(set(Cs)) > 1 and len(split.validation) > 0)


def judge(vectors: np.ndarray, truth: Truth, split: Split, Cs: Sequence[float] = GRID, step: Step = no_step) -> Judged:
    """Learn from a split of examples with descriptors (N, D) float32 of length 1, or zero."""
    found, test = decide(vectors, truth, split, Cs, step), truth.take(split.test)
    untried = {"without a test image, and left out of the mean": test.present.sum(axis=0) == 0}
    return replace(found, notes=(*found.notes, *_of_classes(truth.classes, untried)))


def decide(vectors: np.ndarray, truth: Truth, split: Split, Cs: Sequence[float] = GRID, step: Step = no_step) -> Judged:
    """The same where nobody knows which classes the test images are of: nothing is said of these."""
    Cs = sorted(set(Cs))
    train, own = vectors[split.train], truth.take(split.train)
    kernel = kernel_of(train)
    tried, converged = _on_validation(train, own, kernel, split, Cs, step)
    C = max(tried, key=lambda C: (tried[C], -C)) if tried else (Cs[0] if len(Cs) == 1 else WITHOUT_CHOICE)
    (machines,) = learn(train, own.present, own.difficult, [C], kernel, step)
    learnt = {
        "without a training image, so that nothing is learnt of it": ~own.present.any(axis=0),
        "learnt without reaching the optimum; smaller C are easier": ~(converged & machines.converged),
    }
    notes = [*_of_the_choice(C, tried, Cs), *_of_classes(truth.classes, learnt)]
    if nothing := int((~train.any(axis=1)).sum()):
        notes.append(
            f"the descriptors of {nothing} of {len(train)} training images are zero: the net sees nothing there"
        )
    if kernel is None:
        notes.append(DESCENDED)
    return Judged(C, tried, machines.scores(vectors[split.test]), tuple(notes))


def _on_validation(
    train: np.ndarray,
    own: Truth,
    kernel: np.ndarray | None,
    split: Split,
    Cs: Sequence[float],
    step: Step,
) -> tuple[dict[float, float], np.ndarray]:
    """The measure on validation images by C, and which classes converged with all of them, (K,) bool.

    No measure where there is no choice, or nothing to judge by.
    """
    converged = np.ones(len(own.classes), bool)
    if learnings(split, Cs) == 1:
        return {}, converged
    fitting, validation = (np.searchsorted(split.train, each) for each in (split.fitting, split.validation))
    products = None if kernel is None else kernel[np.ix_(fitting, fitting)]
    some = own.take(fitting)
    machines = learn(train[fitting], some.present, some.difficult, Cs, products, step)
    judged, seen = own.take(validation), train[validation]
    found = {C: float(judged.measure(each.scores(seen))[0]) for C, each in zip(Cs, machines, strict=True)}
    converged = np.logical_and.reduce([each.converged for each in machines])
    return ({} if np.isnan(list(found.values())).any() else found), converged


def _of_the_choice(C: float, tried: Mapping[float, float], Cs: Sequence[float]) -> list[str]:
    if len(Cs) > 1 and not tried:
        return [f"no image validates, so that C is {WITHOUT_CHOICE:g} unchosen"]
    ends = ((Cs[0], Cs[:2][-1], "smallest", "smaller"), (Cs[-1], Cs[-2:][0], "largest", "larger"))
    return [
        f"the best C on validation images, {C:g}, is the {which} of those tried; --C tries {further} ones"
        for end, neighbour, which, further in ends
        if tried and end == C and tried[end] > tried[neighbour]
    ]


def _of_classes(classes: Sequence[str], said: Mapping[str, np.ndarray]) -> list[str]:
    """What is said of some of K classes, with which ones: (K,) bool."""
    named = [(classes[int(np.argmax(which))], int(which.sum()), what) for what, which in said.items()]
    return [
        f"class {name!r} is {what}" if count == 1 else f"{count} classes, such as {name!r}, are each {what}"
        for name, count, what in named
        if count
    ]
