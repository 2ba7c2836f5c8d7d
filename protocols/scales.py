"""The training scale S, and the paper's rules from S to the test scales Q (sections 4.1 and 4.2)."""

import re
from typing import NamedTuple


class TrainingScale(NamedTuple):
    """S: the shorter side of training images, drawn from [low;high]; fixed where the two are equal."""

    low: int
    high: int

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"[{self.low};{self.high}]"


JITTERED = TrainingScale(256, 512)
SIDE = 224  # pixels; the side of the paper's crops, which its scales belong to


def in_proportion(scale: int, side: int) -> int:
    """A scale that the paper gives for crops of 224 pixels, for crops of another side."""
    return round(scale * side / SIDE)


def assumed_S(side: int = SIDE) -> TrainingScale:
    """What weights that state no S are treated as: drawn from [256;512], in proportion to the crops' side in pixels."""
    return TrainingScale(in_proportion(JITTERED.low, side), in_proportion(JITTERED.high, side))


def parse_S(text: str) -> TrainingScale:
    """Read `256`, `256-512` or `[256;512]`. Raises ValueError that says what is allowed."""
    found = re.fullmatch(r"(\[)?(\d{1,4})(?:[-;](\d{1,4}))?(?(1)\])", text.strip())
    if found:
        low = int(found[2])
        high = int(found[3] or low)
        if 0 < low <= high:
            return TrainingScale(low, high)
    raise ValueError(f"S {text!r}: give one scale such as 256, or a range such as 256-512")


def single_scale(S: TrainingScale) -> tuple[int]:
    """Q = S for fixed S, the middle of the range for jittered S (Table 3)."""
    return ((S.low + S.high) // 2,)


def multi_scale(S: TrainingScale, side: int = SIDE) -> tuple[int, int, int]:
    """{S-32, S, S+32} for fixed S, {low, middle, high} for jittered S (Table 4); the 32 in proportion to the side."""
    (middle,) = single_scale(S)
    if S.low == S.high:
        step = in_proportion(32, side)
        return middle - step, middle, middle + step
    return S.low, middle, S.high
