"""What an image is read from: a file of its own, the bytes of one inside another file, or what only Python knows."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.errors import UserError
from bench.images.python_image import PythonImage


class Stamp(NamedTuple):
    """By which a file is known again: one written anew has other images in the places that were listed."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, about: os.stat_result) -> "Stamp":
        return cls(about.st_size, about.st_mtime_ns, about.st_ino)

    def require(self, file: Path, about: os.stat_result) -> None:
        """Raise UserError unless what the system says of the file now is what it said."""
        if self.of(about) != self:
            raise UserError(
                f"data {str(file)!r}: it has changed since its images were listed, so others may be in their places; "
                "run again, and leave it as it is meanwhile"
            )


@dataclass(frozen=True)
class EnclosedImage(ABC):
    """An image's file as it stands within another: a member of a tar, a row of a parquet file.

    `file` is what it is within, and `name` what it is called there; `stamp` is the file's, from before its images were
    listed, and the same object for all of them. Kinds of these are small, frozen, and can be sent to other processes:
    there are millions in a set.
    """

    file: Path
    name: str
    stamp: Stamp

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"

    @property
    @abstractmethod
    def within(self) -> str:
        """Where in `file` it is, unlike any other there: by it digests are kept as long as the file stays as it is."""

    @abstractmethod
    def size(self) -> int:
        """Of its bytes, without reading them, or as many as there can be.

        Raises UndecodableError for what has none there, and OSError.
        """

    @abstractmethod
    def content(self) -> bytes:
        """Its bytes, encoded as they are; called from several threads at once.

        Raises UndecodableError where the image itself is at fault, UserError where the file is no longer as its stamp
        says, and OSError.
        """


Encoded = Path | EnclosedImage
Source = Encoded | PythonImage
