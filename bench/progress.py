"""One look for every progress bar: on standard error, with an estimate of the time left."""

import os
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
FIRST = os.environ.get("RANK", "0") == "0"  # of several workers one shows bars


def progress(items: Iterable[T], total: int, what: str, unit: str = "image") -> Iterable[T]:
    """Show a bar while iterating, if that takes more than a second; `what` names the work, in a few words."""
    return tqdm(items, total=total, desc=what, unit=unit, dynamic_ncols=True, delay=1, disable=not FIRST)


class Meter:
    """A bar for work whose steps cost differently: share done, time spent and time left."""

    def __init__(self, total: float, what: str) -> None:
        form = "{desc} {percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left"
        self.left = total
        self.bar = tqdm(
            total=total, desc=what, bar_format=form, dynamic_ncols=True, smoothing=0, disable=not FIRST or total == 0
        )

    def add(self, cost: float) -> None:
        self.left = max(0.0, self.left - cost)
        self.done((self.bar.total or 0) - self.left)  # not summed up, so that rounding carries it nowhere

    def done(self, share: float) -> None:
        """Say how much of the total is done by now."""
        self.bar.n = share
        self.bar.update(0)

    def close(self) -> None:
        self.bar.refresh()
        self.bar.close()


def above() -> AbstractContextManager[None]:
    """For printing to standard output above a bar that may stand there."""
    return tqdm.external_write_mode(sys.stdout)


def warn(text: str) -> None:
    """Say something on standard error, above a bar that may stand there."""
    tqdm.write(text, file=sys.stderr)
