"""Whether a command was told to be quiet (`--quiet`): results, warnings and errors are all that it says then."""

import os
from contextlib import suppress
from typing import TextIO

_quiet = False  # of the process: what is said in other threads counts too


def be_quiet(yes: bool = True) -> None:
    """From now on nothing is said of the work as it goes on; or it is again."""
    global _quiet
    _quiet = yes


def quiet() -> bool:
    return _quiet


def discard(stream: TextIO) -> None:
    """What is still written to a stream goes nowhere: its reader went away, and leaving would fail on it again."""
    with suppress(OSError, ValueError):  # of a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
