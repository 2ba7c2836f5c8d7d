"""What an image is read from: a file of its own, the bytes of one inside another file, or what only Python knows."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from bench.images.python_image import PythonImage


@dataclass(frozen=True)
class EnclosedImage(ABC):
    """An image's file as it stands within another: a member of a tar, a row of a parquet file.

    `file` is what it is within, and `name` what it is called there. Kinds of these are small, frozen, and can be sent
    to other processes: there are millions in a set.
    """

    file: Path
    name: str

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

        Raises UndecodableError where the image itself is at fault, and OSError.
        """


Encoded = Path | EnclosedImage
Source = Encoded | PythonImage
