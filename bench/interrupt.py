"""Ctrl-C and its like at any moment: one that is swallowed on its way, as in a destructor, still ends the work."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

ENDING = {  # what ends a process, a terminal's Ctrl-C, a batch system's time limit, a terminal that is gone; as usual
    number: usual
    for name, usual in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if (number := getattr(signal, name, None)) is not None
}
_came: list[int] = []


class Stopped(KeyboardInterrupt):
    """Raised for any of them, by its `number`."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def noted() -> Iterator[None]:
    """While the body runs each of them raises Stopped, and `heed` raises it again where that was lost."""
    ours = {}
    if current_thread() is main_thread():  # not those ignored, as by nohup or a shell's background jobs, or somebody's
        ours = {number: usual for number, usual in ENDING.items() if signal.getsignal(number) == usual}
    for number in ours:
        signal.signal(number, _note)
    try:
        yield
        if ours:
            heed()
    finally:
        for number, usual in ours.items():
            signal.signal(number, usual)
        if ours:
            _came.clear()


def heed() -> None:
    """Called in every step of long work. Raises KeyboardInterrupt once it is to end."""
    if _came:
        raise Stopped(_came[0])


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
    _came.append(number)
    raise Stopped(number)
