"""Whether a row of results got slower, where that can be told."""

import math
from itertools import chain
from typing import NamedTuple

from results.written_tables import UNKNOWN, WrittenRow


class Speed(NamedTuple):
    """Images/s of BASELINE and of NEW, NaN where unknown; `verdict` is "slower", empty, or why there is none."""

    old: float
    new: float
    verdict: str

    @property
    def slower(self) -> bool:
        return self.verdict == "slower"


def compare_speeds(old: WrittenRow, new: WrittenRow, share: float) -> Speed:
    """Slower is what falls below this share of the baseline's images/s, on the same device and machine."""
    verdict = _apart(old, new) or ("slower" if new.speed < share * old.speed else "")
    return Speed(old.speed, new.speed, verdict)


def _apart(old: WrittenRow, new: WrittenRow) -> str:
    """Why two speeds cannot be compared, if so."""
    places = [(row["machine"], row["device"]) for row in (old, new)]
    if any(place in UNKNOWN for place in chain(*places)):
        return "not compared: unknown device"
    if places[0] != places[1]:
        return "not compared: other device"
    return "not compared: no speed" if math.isnan(old.speed + new.speed) else ""
