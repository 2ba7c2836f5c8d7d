"""One look for every progress bar: on standard error, with what is at work, rate and time left; in a log file lines."""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from io import StringIO
from typing import Any, TypeVar

from tqdm import tqdm

from bench import bars
from bench.bars import Bar, Lines, drawn, plain
from bench.errors import BenchWarning
from bench.interrupt import heed
from bench.quiet import discard, quiet
from results.formatting import shown, shown_lines

T = TypeVar("T")
LIBRARIES = "loading libraries"  # torch takes seconds to import, on a cluster's disk a minute
FIRST = os.environ.get("RANK", "0") == "0"  # of several workers one shows bars
_said: ContextVar[set[str] | None] = ContextVar("said", default=None)  # what a caller from Python was warned of
_hidden: ContextVar[bool] = ContextVar("hidden", default=False)
WIDGET = "{l_bar}{bar}| {elapsed} so far, {remaining} left"


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
    form = "{desc}: {percentage:3.0f}%|{bar}{r_bar}" if drawn() else "{desc}: {percentage:3.0f}% {r_bar}"
    bar = _bar(form, total=total, desc=what, unit=unit, delay=1)
    try:
        for item in items:
            heed()
            yield item
            bar.update()
    finally:
        bar.close()


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Say what is at work where its steps cannot be counted, if that takes seconds; at the end the line is empty."""
    bar = _bar("{desc}, {elapsed} so far", desc=what, leave=False, delay=2)
    try:
        yield
    finally:
        bar.close()


class Meter:
    """A bar for work whose steps cost differently: what is at work, share done, time spent and time left.

    Where the whole of the work is `count` units, such as images, it says how many of them a second are done. Work that
    may be over before anybody looks has a `delay`, in seconds.
    """

    def __init__(self, total: float, what: str, count: float | None = None, unit: str = "", delay: float = 0) -> None:
        form = "{desc} {percentage:3.0f}%" + ("|{bar}|" if drawn() else ",") + " {elapsed} so far, {remaining} left"
        form += ", {rate_fmt}" * bool(unit)
        self.what, self.total, self.left = what, total, total
        self.count = total if count is None else count
        self.bar = _bar(form, total == 0, total=self.count, desc=what, unit=unit, smoothing=0, miniters=0, delay=delay)

    def at(self, part: str) -> None:
        """Say what is at work from now on, in a few words."""
        self.bar.desc = shown(f"{self.what} {part}".strip())

    def add(self, cost: float) -> None:
        """Say that a step is done. Raises KeyboardInterrupt where Ctrl-C came and was swallowed."""
        self.left = max(0.0, self.left - cost)
        self.done(self.total - self.left)  # not summed up, so that rounding carries it nowhere

    def done(self, share: float) -> None:
        """Say how much of the total is done by now. Raises KeyboardInterrupt as `add` does."""
        heed()
        self.bar.n = share * self.count / self.total if self.total else share
        if share >= self.total * (1 - 1e-9):  # but for rounding; the last words are on all of it
            self.bar.desc = shown(self.what)
        self.bar.update(0)

    def close(self) -> None:
        self.bar.close()


def _silent() -> bool:
    return quiet() or _hidden.get() or sys.stderr is None  # as where Python is called with it closed


def _bar(form: str, hidden: bool = False, **options: Any) -> tqdm:
    options["desc"] = shown(options["desc"])
    hidden = hidden or not FIRST or _silent()
    if _said.get() is not None and not hidden and (widget := _notebook()):
        form = WIDGET + ", {rate_fmt}" * bool(options.get("unit"))
        return widget(bar_format=form, **options)
    if drawn():
        return Bar(bar_format=form, disable=hidden, dynamic_ncols=True, ascii=plain() or None, **options)
    return Lines(**{**options, "bar_format": form, "disable": hidden, "mininterval": bars.SPARSE, "miniters": 0})


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
    bars = nullcontext() if drawn() and not _silent() else redirect_stderr(StringIO())
    with redirect_stdout(StringIO() if _silent() else _above_bars()), bars:
        yield


def _above_bars() -> Any:
    """Standard error, above a bar that may stand there."""
    if not drawn():
        return sys.stderr
    from tqdm.contrib import DummyTqdmFile  # with asyncio, and in a notebook with warnings

    return DummyTqdmFile(sys.stderr)


def above() -> AbstractContextManager[None]:
    """For printing to standard output above a bar that may stand there."""
    return tqdm.external_write_mode(sys.stdout) if drawn() else nullcontext()


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
    try:
        if drawn():
            tqdm.write(text, file=sys.stderr)
        elif sys.stderr is not None:  # for print that would be standard output
            print(text, file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any more: no reason to end the work
        discard(sys.stderr)
