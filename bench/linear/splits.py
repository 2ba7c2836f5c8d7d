"""Which images are learnt from, which choose C, and which are tried on: a set's own parts, or drawn at random."""

import hashlib
from dataclasses import dataclass

import numpy as np

from bench.errors import UserError
from bench.images.divided import DividedSet
from bench.linear.usual import usual
from results.published_transfer import DRAWN, Drawn

VALIDATES = 5  # one in so many training images of each class, as in the paper's appendix B
SPLITS = 3  # where images are drawn


@dataclass(frozen=True)
class Division:
    """What is drawn: training and test images per class, None for all that there are, in so many splits."""

    train_per_class: int | None = None
    test_per_class: int | None = None
    splits: int = 1

    @property
    def drawn(self) -> Drawn | None:
        """How many images of each class are drawn, None where parts are taken whole."""
        return None if self.train_per_class is None else Drawn(self.train_per_class, self.test_per_class)

    def roles(self, divided: DividedSet) -> tuple[str, str]:
        """The names of what is learnt from and of what is judged on, such as `train+val` and `test`."""
        *learnt, test = [part.name for part in divided.parts]
        if not learnt:
            return DRAWN
        return (learnt[0] if self.train_per_class else "+".join(learnt)), test

    def text(self, divided: DividedSet) -> str:
        """For signatures, such as `train+val>test`, or `drawn:30>drawn:50`."""
        trained, tested = self.roles(divided)
        count = "" if self.train_per_class is None else f":{self.train_per_class}"
        most = "" if self.test_per_class is None else f":{self.test_per_class}"
        return f"{trained}{count}>{tested}{most}"


@dataclass(frozen=True, eq=False)
class Split:
    """Indices, int64 and ascending, over the examples of all parts in the order of `DividedSet.parts`.

    `fitting` and `validation` are `train` together: C is chosen by learning from the one and judging on the other,
    which is empty where no class has two training images. Then all of `train` is learnt from, and `test` is judged.
    """

    train: np.ndarray
    fitting: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def division_of(
    divided: DividedSet,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    splits: int | None = None,
) -> Division:
    """What was asked for, and else what the set's own protocol draws. Raises UserError for what cannot be."""
    data, drawn_so = f"data {divided.name!r}", f"--train-per-class {train_per_class}"
    if divided.multi and train_per_class is not None:
        raise UserError(f"{data}: its images are of several classes, which {drawn_so} cannot draw from; leave it out")
    if len(divided.parts) > 1 and test_per_class is not None:
        raise UserError(
            f"{data}: its test images are a part, judged whole; leave --test-per-class {test_per_class} out"
        )
    if len(divided.parts) == 1:
        own = usual(divided)
        train_per_class = own.train_per_class if train_per_class is None else train_per_class
        test_per_class = own.test_per_class if test_per_class is None else test_per_class
        if train_per_class is None:
            raise UserError(f"{data}: it has no parts; add --train-per-class N, the images of each class to learn from")
    if train_per_class is None and splits not in (None, 1):
        raise UserError(f"{data}: its parts are one split; for --splits {splits} add --train-per-class N, which draws")
    return Division(train_per_class, test_per_class, splits or (SPLITS if train_per_class else 1))


def splits_of(divided: DividedSet, division: Division, seed: int) -> list[Split]:
    """A set's splits. Of three parts, such as VOC's, the second validates; of two the last is tried on.

    Of one, and wherever images are drawn, the order of a class's images decides, which depends on seed, split and ids
    alone. Its first images are learnt from, so that more of them contain the fewer, the last of these validate, and the
    class's last are tried on. Raises UserError for a class of too few images.
    """
    examples = np.arange(sum(len(part) for part in divided.parts))
    *parts, test = np.split(examples, np.cumsum([len(part) for part in divided.parts])[:-1])
    if len(parts) == 2 and division.train_per_class is None:
        return [Split(np.concatenate(parts), parts[0], parts[1], test)]
    drawn = [_in_order(divided, parts[0] if parts else test, seed, split) for split in range(division.splits)]
    return [_split(divided, groups, division, test if parts else None) for groups in drawn]


def _split(divided: DividedSet, groups: list[np.ndarray], division: Division, test: np.ndarray | None) -> Split:
    """From each class's images in their order; without a part to test on those that are left of them are."""
    count = division.train_per_class
    if count is not None:
        for name, group in zip(divided.classes, groups, strict=True):
            _refuse_too_few(divided.name, name, len(group), count, spare=test is None)
    train = [group[:count] for group in groups]
    if test is None:
        most = division.test_per_class
        test = _together([group[count:] if most is None else group[count:][-most:] for group in groups])
    validating = [max(1, round(len(each) / VALIDATES)) if len(each) > 1 else 0 for each in train]
    ends = [len(each) - some for each, some in zip(train, validating, strict=True)]
    fitting = _together([each[:end] for each, end in zip(train, ends, strict=True)])
    validation = _together([each[end:] for each, end in zip(train, ends, strict=True)])
    return Split(_together(train), fitting, validation, test)


def _in_order(divided: DividedSet, examples: np.ndarray, seed: int, split: int) -> list[np.ndarray]:
    """The examples of each class in an order of its own; all together where they may be of several."""
    ids = [name for part in divided.parts for name in part.ids]
    present = np.concatenate([part.present for part in divided.parts])[examples]
    groups = [examples] if divided.multi else [examples[column] for column in present.T]
    return [
        np.array(sorted(group.tolist(), key=lambda each: _rank(seed, split, ids[each])), np.int64) for group in groups
    ]


def _refuse_too_few(data: str, name: str, images: int, wanted: int, spare: bool) -> None:
    """`spare` says that one more than is learnt from is needed, to test on."""
    if images < wanted + spare:
        most = max(images - spare, 0)
        raise UserError(
            f"data {data!r}: class {name!r} has {images} image{'s' * (images != 1)} to draw from, "
            f"--train-per-class {wanted} needs {wanted + spare}{', with one to test on' * spare}; "
            + (f"give at most {most}" if most else "add some, or remove the class" if spare else "leave it out")
        )


def _together(groups: list[np.ndarray]) -> np.ndarray:
    return np.sort(np.concatenate(groups))


def _rank(seed: int, split: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {split} {name}".encode("utf-8", "surrogateescape")).hexdigest()
