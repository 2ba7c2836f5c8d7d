"""Folders for what comes out: made before hours of work, and what stands in the way of writing in one line."""

import os
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bench.errors import UserError
from results.errors import ResultError

T = TypeVar("T")


def place(text: str) -> Path:
    """An option's type: a file or folder. An empty text, as of a shell's variable that is not set, is none."""
    if not text:
        raise ArgumentTypeError("'': give a name, or leave the option out; . is this folder")
    return Path(text)


def made(option: str, folder: Path) -> Path:
    """The folder, made if it is not there. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{option} '{folder}': {error.strerror}; give {option} DIR that can be written to") from None
    return folder


def spare(option: str, file: Path, read: Iterable[Path]) -> None:
    """Refuse to write over what a command reads, before anything is made. Raises UserError."""
    if any(_same(file, each) for each in read):
        raise UserError(f"{option} '{file}': it belongs to what is read, and would be lost; give another {option}")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)  # of which none need be there


@contextmanager
def made_to_fill(folder: Path) -> Iterator[None]:
    """Make a folder for what comes into it; what was made for it and stays empty is taken away. Raises OSError."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for each in new:
            if any(each.iterdir()):
                break
            each.rmdir()


def dated(parent: Path, kind: str = "") -> Path:
    """A new folder named after date and time; runs started in the same second get one each. Raises UserError."""
    name, number = datetime.now().strftime(f"{kind}%Y%m%d-%H%M%S"), 1
    while True:
        folder = parent / (f"{name}-{number}" if number > 1 else name)
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
        except OSError as error:
            raise UserError(f"'{folder}': {error.strerror}; give --out DIR that can be written to") from None


def writable(option: str, folder: Path) -> Path:
    """A folder for what comes out, made if it is not there; asked before hours of work. Raises UserError."""
    if not os.access(made(option, folder), os.W_OK):
        raise UserError(f"{option} '{folder}' cannot be written to; give {option} DIR that can be")
    return folder


def replaced(table: Path, read: Callable[[Path], Collection[str]], new: Collection[str]) -> list[str]:
    """A sentence if a table that is to be written anew has rows of another run; `read` gives its rows' signatures."""
    try:
        old = read(table)
        when = datetime.fromtimestamp(table.stat().st_mtime)
    except (OSError, ResultError):
        return []  # there is none, or none that is whole
    gone = [each for each in old if each not in new]
    said = f"warning: {table}, written {when:%Y-%m-%d %H:%M}, had {len(gone)} other row(s), which are replaced"
    return [said] if gone else []


def writing_to(folder: Path, write: Callable[[], T]) -> T:
    """Call `write`; what stands in its way, such as a full disk, is a UserError."""
    try:
        return write()
    except OSError as error:
        why = error.strerror or error
        raise UserError(
            f"cannot write to {folder}: {why}; what is finished is kept; free space or give --out DIR"
        ) from None
