"""Files that are there whole or not at all, whatever ends the process that writes them."""

import errno
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from results.names import unicode_of

DEAD = 24 * 3600  # seconds without a change after which nobody writes it any more: a writing takes seconds
NO_FOLDERS = (errno.EINVAL, errno.ENOTSUP)  # what file systems answer that flush files only


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Write a file under another name, flush it to disk, then rename it. Raises OSError."""
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _flush_names(path.parent)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text in UTF-8 aside, bytes that are no letters as their codes. Raises OSError."""
    write_atomically(path, unicode_of(text).encode())


def write_named_text(path: Path, text: str) -> None:
    """As `write_text_atomically`, where a user said: the file behind a link, and a device or a pipe as it stands.

    Renaming would put a file in their place. Raises OSError.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(unicode_of(text).encode())
    else:
        write_text_atomically(Path(os.path.realpath(path)), text)


def abandoned(candidates: Iterable[Path]) -> list[Path]:
    """What killed writers left, of what was set aside; what is younger than DEAD may be another's who still writes."""
    found = []
    for path in candidates:
        with suppress(OSError):  # its writer may have just renamed it
            if time.time() - path.stat().st_mtime > DEAD:
                found.append(path)
    return found


def _flush_names(folder: Path) -> None:
    """A renamed file outlasts a loss of power once its folder is on disk too; elsewhere than on POSIX none can be."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in NO_FOLDERS:
                raise
        finally:
            os.close(descriptor)
