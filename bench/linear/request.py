"""What is asked of a transfer, in values that check themselves when made: from a command line as from Python."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.choices import OVER, REGIONS
from bench.engine.request import Computation, Entrant, Keeping, Numbers
from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.divided import DividedSet, open_divided
from bench.linear.judging import GRID

ACTION = "voc2012-action"  # the kind whose examples are persons, with a box each
LARGEST_C = 1e6
MOST_SPLITS = 1000


@dataclass(frozen=True)
class Learning:
    """How images are divided, and what is tried in learning.

    `per_class` images of each class are learnt from, rows for each number; () for the parts that a set has, or its
    paper's number. `test_per_class` of the others at most are judged on, None for all, or its paper's number. They are
    drawn `splits` times (None: 3) by `seed`. The best constant of `C` on validation images is taken.
    """

    per_class: tuple[int, ...] = ()
    test_per_class: int | None = None
    splits: int | None = None
    seed: int = 0
    C: tuple[float, ...] = GRID

    def __post_init__(self) -> None:
        if not all(map(_counts, self.per_class)) or len(set(self.per_class)) < len(self.per_class):
            given = ",".join(map(str, self.per_class))
            raise UserError(f"--train-per-class '{given}': give whole numbers above 0, each once, such as 1,5,20")
        if self.test_per_class is not None and not _counts(self.test_per_class):
            raise UserError(f"--test-per-class '{self.test_per_class}': give a whole number above 0")
        if self.splits is not None and not (_counts(self.splits) and self.splits <= MOST_SPLITS):
            raise UserError(f"--splits '{self.splits}': give a whole number from 1 to {MOST_SPLITS}")
        if not _whole(self.seed) or self.seed < 0:
            raise UserError(f"--seed '{self.seed}': give a whole number from 0")
        if not self.C or not all(map(_constant, self.C)) or len(set(self.C)) < len(self.C):
            given = ",".join(map(str, self.C))
            raise UserError(f"--C '{given}': give numbers above 0, at most {LARGEST_C:g}, each once, such as 0.1,1,10")


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Descriptors of every net on a set's images, and what linear classifiers learn from them.

    `Q` are the test scales, None for the paper's; `over` of OVER says what becomes of them, () for the paper's way;
    with `fuse` the descriptors of all nets are stacked as well. `region`, of REGIONS, is what is seen of persons whose
    action is known, None for image and box. With `submit` the decision values of test images whose labels a server
    keeps back come out too.
    """

    nets: Sequence[Entrant]
    data: DataSpec | DividedSet
    Q: tuple[int, ...] | None = None
    over: tuple[str, ...] = ()
    fuse: bool = False
    region: str | None = None
    learning: Learning = field(default_factory=Learning)
    numbers: Numbers = field(default_factory=Numbers)
    computation: Computation = field(default_factory=Computation)
    keeping: Keeping = field(default_factory=Keeping)
    submit: bool = False

    def __post_init__(self) -> None:
        if unknown := [each for each in self.over if each not in OVER]:
            raise UserError(f"--over '{unknown[0]}': give {', '.join(OVER[:-1])} or {OVER[-1]}, commas between")
        if len(set(self.over)) < len(self.over):
            raise UserError(f"--over '{','.join(self.over)}': each once")
        if self.fuse and len(self.nets) < 2:
            raise UserError("--fuse: there is one net; give several, commas between, or leave --fuse out")
        if self.region is not None:
            self._check_region(self.region)

    def _check_region(self, region: str) -> None:
        if region not in REGIONS:
            raise UserError(f"--region '{region}': give {', '.join(REGIONS[:-1])} or {REGIONS[-1]}")
        if self.data.kind != ACTION:
            raise UserError(f"--region '{region}': it is for {ACTION}, whose persons have boxes; leave --region out")

    def opened(self) -> DividedSet:
        """The set in its parts. Raises UserError."""
        return self.data if isinstance(self.data, DividedSet) else open_divided(self.data, self.region, self.submit)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _counts(value: Any) -> bool:
    return _whole(value) and value > 0


def _constant(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LARGEST_C
