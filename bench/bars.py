"""What a bar is: on a terminal drawn again and again, elsewhere lines now and then; both say the same facts."""

import os
import sys
import time
from collections.abc import Callable
from threading import Thread
from typing import Any
from weakref import WeakSet

from tqdm import tqdm
from tqdm.utils import disp_len

from bench.quiet import discard
from results.formatting import shortened

SPARSE = 60.0  # seconds between two lines where no terminal draws one over the other
BEAT = 1.0  # seconds after which a bar is drawn again though no step is done, so that its clock goes on
NARROW = "{desc} {percentage:3.0f}% {remaining} left"  # where there is no room for more
NAME = 16  # columns that what is at work should have
BAR = 6  # and the bar itself
USUAL = 80  # columns of a terminal that does not say


def drawn() -> bool:
    """Whether somebody looks on at a terminal that can draw a line again."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class Bar(tqdm):
    """On a terminal: one line, as wide as it is by now."""

    disable = True  # until it is made: else one that Ctrl-C leaves half made fails in its destructor
    _time: Callable[[], float]  # tqdm's clock
    _decr_instances: Callable[[tqdm], None]  # gives its place on a terminal back
    seen = False  # whether it was ever drawn

    def __init__(self, **options: Any) -> None:
        if os.environ.get("NO_COLOR"):
            options["colour"] = None  # whatever TQDM_COLOUR says
        super().__init__(**options)
        if not self.disable:
            _watch(self)

    def __str__(self) -> str:
        return _on_one_line(self)

    __repr__ = __str__  # what older tqdm draws

    def beat(self) -> None:
        """Draw it again if its step takes long."""
        if not self.disable and self._time() - max(self.last_print_t, self.start_t + (self.delay or 0)) >= BEAT:
            self.refresh(nolock=True)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """That nobody can read it any more is no reason to end the work."""
        if not self.disable and self._time() < getattr(self, "start_t", 0) + (self.delay or 0):
            return  # words beside it do not draw it sooner
        self.seen = True
        try:
            super().display(msg, pos)
        except OSError:
            discard(sys.stderr)

    def close(self) -> None:
        if self.disable:
            return
        if self.seen:
            self.delay = 0.0  # else tqdm, which does not know of all that drew it, may leave its line open
        try:
            if self.seen and self.pos:
                self.clear()  # it stays above those that were there before it, not where it stood as well
            super().close()
            if self.seen and not self.leave:
                self.fp.write("\r")
        except OSError:
            discard(sys.stderr)


class Lines(Bar):
    """In a file or a pipe: lines of which none goes over another, one in `SPARSE` seconds and one at the end."""

    said: float | None = None  # how much was done when the last line was written
    when = 0.0  # it was written

    def __str__(self) -> str:
        return self.format_meter(**self.format_dict)

    __repr__ = __str__

    def beat(self) -> None:
        if not self.disable and self._time() - self.start_t >= SPARSE:
            self.display()

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if self._time() - self.when >= SPARSE:
            self._write()

    def close(self) -> None:
        """Where it ended is said last, where a terminal would have shown a bar."""
        if not self.disable and self.leave and self.said != self.n and self.format_dict["elapsed"] >= (self.delay or 0):
            self._write()
        if not self.disable:
            self._decr_instances(self)  # else a bar on a terminal leaves room for it as long as anybody holds it
        self.disable = True

    def _write(self) -> None:
        self.said, self.when = self.n, self._time()
        try:
            print(str(self), file=self.fp, flush=True)
        except OSError:
            discard(sys.stderr)


def plain() -> bool:
    """Whether the locale is one without letters but ASCII's; Python itself changes LC_CTYPE, and then writes UTF-8."""
    return (os.environ.get("LC_ALL") or os.environ.get("LANG")) in ("C", "POSIX")


def _on_one_line(bar: Bar) -> str:
    """All facts, with what is at work cut in its middle where the terminal is narrow; the main ones where it is too."""
    facts: dict[str, Any] = dict(bar.format_dict)
    width = facts["ncols"] or USUAL
    form, room = NARROW, 0
    for form in (bar.bar_format or NARROW, NARROW):
        without = {"bar_format": form.replace("{bar}", ""), "prefix": "-", "ncols": None}
        room = width - (disp_len(bar.format_meter(**{**facts, **without})) - 1) - BAR * ("{bar}" in form)
        if room >= min(NAME, disp_len(bar.desc)):
            break
    name = shortened(bar.desc, max(1, room), disp_len)
    if bar.ascii is True:
        name = name.replace("…", "~")
    line = bar.format_meter(**{**facts, "bar_format": form, "prefix": name, "ncols": width})
    return line + " " * (width - disp_len(line))  # over what another left there


_watched: WeakSet[Bar] = WeakSet()
_clock: Thread | None = None


def _watch(bar: Bar) -> None:
    """Have a bar looked at every second as long as it is there."""
    global _clock
    with tqdm.get_lock():
        _watched.add(bar)
        if _clock is None or not _clock.is_alive():  # a fork has none
            _clock = Thread(target=_look, name="progress", daemon=True)
            _clock.start()


def end_all() -> None:
    """Close bars that nobody has closed."""
    for bar in list(_watched):
        bar.close()


def _look() -> None:
    while True:
        time.sleep(BEAT)
        with tqdm.get_lock():
            for bar in list(_watched):
                bar.beat()
