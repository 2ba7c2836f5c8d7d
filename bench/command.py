"""What every command line has in common: its parser, how it ends, and how it says what was asked for."""

import argparse
import io
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from bench.errors import UserError
from bench.interrupt import noted
from bench.memory import keep_freed_memory
from bench.quiet import be_quiet, discard
from bench.version import __version__
from protocols.protocol import ProtocolError
from results.errors import ResultError
from results.formatting import shown

SCRIPT = "vgg-protocols"  # the console script that has all commands
OTHERS_WAIT = 10.0  # seconds


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A shell's `*` gives names of files, which may hold what a terminal obeys."""
        super().error(shown(message))


class _Quiet(argparse.Action):
    """At once, not as a value for every command to hand on; until the command is `finished`."""

    def __call__(self, *_: object) -> None:
        be_quiet()


def command_parser(command: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """A parser whose help shows the examples as they are written, for the console script as for `python -m`.

    It knows `--version`, and `--quiet`, which takes effect when it is read.
    """
    written, called = "python -m bench.", "python -m bench."
    if Path(sys.argv[0]).stem == SCRIPT:
        called = f"{SCRIPT} "
    parser = _Parser(
        prog=called + command.removeprefix("bench."),
        description=description,
        epilog=epilog.replace(written, called),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{SCRIPT} {__version__}")
    parser.add_argument(
        "--quiet",
        action=_Quiet,
        nargs=0,
        dest=argparse.SUPPRESS,
        help="say nothing but results, warnings and errors: no progress, no sentences on what is done",
    )
    return parser


def finished(
    command: str,
    work: Callable[[], int],
    kept: str = "what is finished is kept, the same command goes on from there",
    shared: bool = False,
) -> int:
    """Do a command's work and return its exit code: an error of the user's is one line and code 2.

    `kept` says what there is when it was stopped; `shared` is work that the workers of `torchrun` do together.
    """
    try:
        _open_streams()
        keep_freed_memory()
        with noted(), _library_warnings():
            if not shared:
                _refuse_workers()
            return work()
    except (UserError, ProtocolError, ResultError) as error:
        code, said = 2, f"error: {shown(' '.join(str(error).split()))}"
    except KeyboardInterrupt as error:
        exec("")  # Python ends by the signal, not with a code, if the last exec of a text was interrupted
        number = signal.Signals(getattr(error, "number", signal.SIGINT))
        by = f" by {number.name}" * (number != signal.SIGINT)
        code, said = 128 + number, f"stopped{by}; {kept}"
    finally:
        _end_bars()
        be_quiet(False)
    try:
        print(f"{command}: {said}", file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any more, and the code says it too
        discard(sys.stderr)
    return code


@contextmanager
def _library_warnings() -> Iterator[None]:
    """Those that are not ours are said as ours are: above a bar that may stand there."""

    def tell(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any) -> None:
        from bench.progress import warn

        warn(warnings.formatwarning(message, category, filename, lineno).rstrip())

    before, warnings.showwarning = warnings.showwarning, tell
    try:
        yield
    finally:
        warnings.showwarning = before


def _end_bars() -> None:
    """What was raised may keep them, and what is said next belongs on a line of its own."""
    if bars := sys.modules.get("bench.bars"):
        bars.end_all()


def _open_streams() -> None:
    """Where the shell closed one (`2>&-`) its number would go to the next file, such as a block, and words into it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, as long as the process


def _refuse_workers() -> None:
    """End all but the first of several workers, which raises UserError: each would do the whole work, in one place."""
    workers = int(os.environ.get("WORLD_SIZE", 1))
    if workers == 1:
        return
    if os.environ.get("RANK", "0") != "0":
        time.sleep(OTHERS_WAIT)  # torchrun ends all with the first that ends, which should have said why
        raise SystemExit(2)
    raise UserError(
        f"torchrun started {workers} workers, and this is work for one process; start it without torchrun "
        "(bench.run, bench.transfer and bench.tables share their work)"
    )


def say(text: str) -> None:
    """Print what was asked for; a reader that went away, such as `head`, is no fault of the command's."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal has every letter
    try:
        print(text, flush=True)
    except OSError as error:
        discard(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise UserError(f"cannot write to standard output: {error.strerror}; write elsewhere") from None
