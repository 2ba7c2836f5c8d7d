"""What is said of a set in its parts: which are learnt from and which judged on."""

from collections.abc import Sequence

import numpy as np

from bench.images.divided import DividedSet, SetPart
from bench.linear.splits import Division, Split
from results.published_transfer import DRAWN, Drawn


def roles(divided: DividedSet, division: Division) -> tuple[str, str]:
    """The names of what is learnt from and of what is judged on, such as `train+val` and `test`."""
    *learnt, test = [part.name for part in divided.parts]
    if not learnt:
        return DRAWN
    return (learnt[0] if division.train_per_class else "+".join(learnt)), test


def drawn(division: Division) -> Drawn | None:
    """How many images of each class are drawn, None where parts are taken whole."""
    return None if division.train_per_class is None else Drawn(division.train_per_class, division.test_per_class)


def division_text(divided: DividedSet, division: Division) -> str:
    """For signatures, such as `train+val>test`, or `drawn:30>drawn:50`."""
    trained, tested = roles(divided, division)
    count = "" if division.train_per_class is None else f":{division.train_per_class}"
    most = "" if division.test_per_class is None else f":{division.test_per_class}"
    return f"{trained}{count}>{tested}{most}"


def scales_text(scales: Sequence[int]) -> str:
    return "/".join(map(str, scales))


def whole(divided: DividedSet) -> bool:
    """Whether all images of the set are there."""
    return all(len(look.images) == look.images.total for part in divided.parts for look in part.looks)


def learnt_before(divided: DividedSet, splits: Sequence[Split]) -> list[str]:
    """A sentence where test images are training images too, whatever they are called: their files are the same ones."""
    seen = np.array([each for part in divided.parts for each in _itself(part)])
    counts = [int(np.isin(seen[split.test], seen[split.train]).sum()) for split in splits]
    most = max(counts)
    among = "the test images" if len(counts) == 1 else "a split's test images"
    return [f"{'up to ' * (min(counts) < most)}{most} of {among} are training images too"] * bool(most)


def _itself(part: SetPart) -> list[str]:
    """What is seen of each example, as a text."""
    looks = [(look, look.images.contents, look.images.boxes) for look in part.looks]
    return [
        " ".join(f"{contents[look.rows[k]]} {boxes and boxes[look.rows[k]]}" for look, contents, boxes in looks)
        for k in range(len(part))
    ]
