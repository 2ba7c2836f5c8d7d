"""One look for every progress bar: on standard error, with an estimate of the time left."""

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], total: int, what: str, unit: str = "image") -> Iterable[T]:
    """Show a bar while iterating; `what` names the work, in a few words."""
    return tqdm(items, total=total, desc=what, unit=unit, dynamic_ncols=True)
