"""Ctrl-C at any moment: one that is swallowed on its way, as Python does in a destructor, still ends the work."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from types import FrameType

_came = Event()


@contextmanager
def noted() -> Iterator[None]:
    """While the body runs Ctrl-C raises KeyboardInterrupt, as ever, and `heed` raises it again where that was lost."""
    ours = current_thread() is main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not ours:  # ignored, as by a shell's background jobs, or somebody else's
        yield
        return
    signal.signal(signal.SIGINT, _note)
    try:
        yield
        heed()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _came.clear()


def heed() -> None:
    """Called in every step of long work. Raises KeyboardInterrupt once Ctrl-C was pressed."""
    if _came.is_set():
        raise KeyboardInterrupt


@contextmanager
def ours_alone() -> Iterator[None]:
    """Processes started in the body leave Ctrl-C to this one, which ends them; one that comes meanwhile comes after."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _note(number: int, frame: FrameType | None) -> None:
    _came.set()
    raise KeyboardInterrupt
