"""One look for every progress bar: on standard error, with the time left; in a log file a line now and then."""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from io import StringIO
from typing import Any, TypeVar

from tqdm import tqdm

from bench.errors import BenchWarning
from bench.interrupt import heed
from bench.quiet import quiet
from results.formatting import shown_lines

T = TypeVar("T")
FIRST = os.environ.get("RANK", "0") == "0"  # of several workers one shows bars
_said: ContextVar[set[str] | None] = ContextVar("said", default=None)  # what a caller from Python was warned of
_hidden: ContextVar[bool] = ContextVar("hidden", default=False)
WIDGET = "{l_bar}{bar}| {elapsed} so far, {remaining} left"
SPARSE = 60.0  # seconds between two lines where no terminal draws one over the other


@contextmanager
def called_from_python(bars: bool) -> Iterator[None]:
    """While the body runs what would be said is a BenchWarning, and there are bars only if the caller wants them."""
    before = _said.set(set()), _hidden.set(not bars)
    try:
        yield
    finally:
        _said.reset(before[0])
        _hidden.reset(before[1])


def progress(items: Iterable[T], total: int, what: str, unit: str = "image") -> Iterator[T]:
    """Show a bar while iterating, if that takes more than a second; `what` names the work, in a few words.

    Raises KeyboardInterrupt where Ctrl-C came and was swallowed.
    """
    form = "{l_bar}{bar}{r_bar}" if _drawn() else "{desc}: {percentage:3.0f}% {r_bar}"
    for item in _bar(form, not FIRST, iterable=items, total=total, desc=what, unit=unit, delay=1):
        heed()
        yield item


class Meter:
    """A bar for work whose steps cost differently: share done, time spent and time left."""

    def __init__(self, total: float, what: str) -> None:
        form = "{desc} {percentage:3.0f}%" + ("|{bar}|" if _drawn() else ",") + " {elapsed} so far, {remaining} left"
        self.left = total
        self.bar = _bar(form, not FIRST or total == 0, total=total, desc=what, smoothing=0)

    def add(self, cost: float) -> None:
        """Say that a step is done. Raises KeyboardInterrupt where Ctrl-C came and was swallowed."""
        self.left = max(0.0, self.left - cost)
        self.done((self.bar.total or 0) - self.left)  # not summed up, so that rounding carries it nowhere

    def done(self, share: float) -> None:
        """Say how much of the total is done by now. Raises KeyboardInterrupt as `add` does."""
        heed()
        self.bar.n = share
        self.bar.update(0)

    def close(self) -> None:
        self.bar.close()


class _Bar(tqdm):
    """On a terminal as tqdm draws it."""

    disable = True  # until it is made: else one that Ctrl-C leaves half made fails in its destructor


class _Lines(_Bar):
    """What a bar is in a file or a pipe: lines of which none goes over another."""

    said: float | None = None  # how much was done when the last line was written

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        print(str(self) if msg is None else msg, file=self.fp, flush=True)
        self.said = self.n

    def close(self) -> None:
        """Where it ended is said last, where a terminal would have shown a bar."""
        if not self.disable and self.said != self.n and self.format_dict["elapsed"] >= (self.delay or 0):
            self.display()
        self.disable = True


def _drawn() -> bool:
    """Whether somebody looks on, for whom a bar is drawn again and again."""
    return sys.stderr is not None and sys.stderr.isatty()


def _silent() -> bool:
    return quiet() or _hidden.get()


def _bar(form: str, hidden: bool, **options: Any) -> tqdm:
    hidden = hidden or _silent()
    if _said.get() is not None and not hidden and (widget := _notebook()):
        return widget(bar_format=WIDGET, **options)
    if _drawn():
        return _Bar(bar_format=form, disable=hidden, dynamic_ncols=True, **options)
    return _Lines(bar_format=form, disable=hidden, mininterval=SPARSE, miniters=0, **options)


def _notebook() -> type[tqdm] | None:
    """tqdm's own widget, in a notebook that can show it."""
    if "IPython" not in sys.modules:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is said to be experimental, or to lack what shows it
        from tqdm.autonotebook import tqdm as chosen
    return None if chosen is tqdm else chosen


@contextmanager
def downloading() -> Iterator[None]:
    """For what torch and torchvision download: announced on standard error, with their bars on terminals alone."""
    bars = nullcontext() if _drawn() and not _silent() else redirect_stderr(StringIO())
    announced = redirect_stdout(StringIO() if _silent() else sys.stderr)
    with announced, bars:
        yield


def above() -> AbstractContextManager[None]:
    """For printing to standard output above a bar that may stand there."""
    return tqdm.external_write_mode(sys.stdout) if _drawn() else nullcontext()


def _levels_to_caller() -> int:
    """How far above `warn` the first line is that is not of this package, for a warning to name it."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("bench", "contextlib"):
        level, frame = level + 1, frame.f_back
    return level


def warn(text: str) -> None:
    """Say something on standard error, above a bar that may stand there; a caller from Python gets a warning."""
    said = _said.get()
    if said is None:
        _tell(text)
    elif text not in said:
        said.add(text)
        warnings.warn(text, BenchWarning, stacklevel=_levels_to_caller())


def note(text: str) -> None:
    """Say how a command goes on, or where it wrote, on standard error; nothing if it is to be quiet."""
    if not quiet():
        _tell(text)


def _tell(text: str) -> None:
    text = shown_lines(text)
    if _drawn():
        tqdm.write(text, file=sys.stderr)
    else:
        print(text, file=sys.stderr, flush=True)
