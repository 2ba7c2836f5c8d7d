"""Test images that are training images too, whatever they are called."""

from collections.abc import Sequence

import numpy as np

from bench.images.divided import DividedSet, SetPart
from bench.linear.splits import Split


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
