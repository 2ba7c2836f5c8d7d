"""When the learning rate falls and when training ends (section 3.1), in a bounded number of epochs."""

import math
from collections.abc import Sequence

DROP = 0.1  # what the rate is multiplied by when it falls


def rate_share(schedule: str, errors: Sequence[float], longest: Sequence[int], patience: int) -> float | None:
    """The next epoch's share of the first rate; None when training is over.

    `errors` are the validation errors of the epochs so far, and all that is known of them: a resumed training goes on
    at the same rate. `plateau` is the paper's; `step` falls after `longest` epochs at each rate and never earlier;
    `cosine` goes down to zero over the sum of `longest`.
    """
    if schedule == "cosine":
        total = sum(longest)
        return (1 + math.cos(math.pi * len(errors) / total)) / 2 if len(errors) < total else None
    falls = level(errors, longest, patience if schedule == "plateau" else math.inf)
    return None if falls is None else DROP**falls


def level(errors: Sequence[float], longest: Sequence[int], patience: float) -> int | None:
    """How often the rate has fallen before the next epoch; None when training is over.

    `errors` are the validation errors of the epochs so far. The rate falls when the error has not improved for
    `patience` epochs, as in the paper, and at the latest after `longest[level]` epochs, so that the time is known.
    """
    now, spent, stale, best = 0, 0, 0, float("inf")
    for error in errors:
        spent += 1
        stale = 0 if error < best else stale + 1
        best = min(best, error)
        if stale == patience or spent == longest[now]:
            now, spent, stale = now + 1, 0, 0
        if now == len(longest):
            return None
    return now
