"""What was found of files, kept in the cache as long as they stay as they are: 50,000 are read in full once."""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from bench.images.image_source import EnclosedImage, Encoded

LATEST = 2_000_000_000  # ns: what was changed less than that ago may change again and keep its times
AT_ONCE = 500  # places in a question
TOGETHER = 1000  # findings in a writing: what an interrupted first pass has found is not lost
MOST_BYTES = 1 << 30  # of the cache, which begins anew beyond
TABLE = "CREATE TABLE IF NOT EXISTS files (place BLOB PRIMARY KEY, stamp TEXT, found TEXT) WITHOUT ROWID"

try:
    import sqlite3
except ImportError:  # some builds of Python have none: all is read every time
    sqlite3 = None  # type: ignore[assignment]


class KnownFiles(AbstractContextManager):
    """Findings, texts by the files that they were made of; `how` says what they are and how they are made: others
    find nothing of them.

    A file is known again by its path, size, inode and times. A cache that cannot be read or written is as
    good as empty.
    """

    def __init__(self, cache: Path, how: str) -> None:
        self.file, self.how = cache / "files.sqlite", how
        self.stamps: dict[Path, str | None] = {}
        self.waiting: list[tuple[bytes, str, str]] = []
        self.connection: Any = None

    def __enter__(self) -> "KnownFiles":
        if sqlite3 is None:
            return self
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if self.file.exists() and self.file.stat().st_size > MOST_BYTES:
                self.file.unlink()
            self.connection = sqlite3.connect(self.file, timeout=10)
            self.connection.execute(TABLE)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
        if self.connection:
            self.connection.close()

    def find(self, sources: Iterable[Encoded]) -> dict[Encoded, str]:
        """What is known of the sources; from now on what is found of them is of files as they are now."""
        places = {self._place(source): source for source in sources if self._stamp(source)}
        found = {}
        for place, stamp, text in self._asked(list(places)):
            source = places[place]
            if stamp == self._stamp(source):
                found[source] = text
        return found

    def keep(self, source: Encoded, found: str) -> None:
        """Remember what was found of a source, after `find` has looked for it."""
        if stamp := self._stamp(source):
            self.waiting.append((self._place(source), stamp, found))
            if len(self.waiting) >= TOGETHER:
                self._write()

    def _asked(self, places: list[bytes]) -> Iterator[tuple[bytes, str, str]]:
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            marks = ", ".join("?" * len(some))
            yield from self._run(f"SELECT place, stamp, found FROM files WHERE place IN ({marks})", some)

    def _write(self) -> None:
        if self.waiting:
            self._run("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", self.waiting, many=True)
            self.waiting.clear()

    def _run(self, command: str, values: list[Any], many: bool = False) -> list[Any]:
        if not self.connection:
            return []
        try:
            with self.connection:
                run = self.connection.executemany if many else self.connection.execute
                return run(command, values).fetchall()
        except sqlite3.Error as error:
            self._give_up(error)
            return []

    def _give_up(self, error: Exception) -> None:
        """Go on without; what is no such file, or a broken one, is none the next time."""
        if self.connection:
            self.connection.close()
        self.connection = None
        if type(error) is sqlite3.DatabaseError:
            with suppress(OSError):
                self.file.unlink()

    def _place(self, source: Encoded) -> bytes:
        file, within = (source.file, source.within) if isinstance(source, EnclosedImage) else (source, "")
        name = "\0".join((self.how, os.path.abspath(file), within))
        return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()

    def _stamp(self, source: Encoded) -> str | None:
        """Of its file, None where that cannot be told, or may change and keep it."""
        file = source.file if isinstance(source, EnclosedImage) else source
        if file not in self.stamps:
            self.stamps[file] = stamp_of(file)
        return self.stamps[file]


def stamp_of(file: Path) -> str | None:
    """A file's size, inode and times, None where they cannot be told, or it may change and keep them."""
    try:
        about = os.stat(file)
    except (OSError, ValueError):
        return None
    if time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) < LATEST:
        return None
    return f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}"
