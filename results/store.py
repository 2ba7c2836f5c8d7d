"""Finished blocks of a part on disk: written aside and renamed, so that a killed run loses at most one block."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

from results.errors import ResultError
from results.posteriors import Posteriors

BLOCK = 32  # images; a constant, since blocks of another length would be other blocks


class StoreError(ResultError):
    """The store cannot be read or written: one line saying where and why."""


@dataclass(frozen=True)
class Block:
    """Posteriors of consecutive images, the seconds they took on which device, and the ids that cannot be decoded."""

    posteriors: Posteriors
    seconds: float
    device: str
    corrupt: tuple[str, ...] = ()


class Store:
    """The blocks of one part under one key; `key` holds everything that changes the numbers."""

    def __init__(self, root: Path, key: Mapping[str, str]) -> None:
        text = json.dumps(dict(key), sort_keys=True, indent=1)
        self.folder = root / hashlib.sha256(text.encode()).hexdigest()[:24]
        self.key_text = text

    def path(self, block: int) -> Path:
        return self.folder / f"{block:06d}.npz"

    def has(self, block: int) -> bool:
        return self.path(block).exists()

    def write(self, block: int, content: Block) -> None:
        """Keep a block; another process that keeps the same one at the same time does no harm. Raises StoreError."""
        posteriors = content.posteriors
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_aside(self.folder / "key.json", lambda file: file.write(self.key_text.encode()))
            _write_aside(
                self.path(block),
                lambda file: np.savez(
                    file,
                    probs=posteriors.probs,
                    labels=posteriors.labels,
                    ids=posteriors.ids,
                    seconds=np.float64(content.seconds),
                    device=np.array(content.device),
                    corrupt=np.array(content.corrupt, dtype=str),
                ),
            )
        except OSError as error:
            raise StoreError(
                f"cannot write to the store {self.folder.parent}: {error.strerror}; finished blocks are kept; "
                "free space or give --store DIR"
            ) from None

    def read(self, block: int) -> Block | None:
        """A stored block, or None where it is missing or damaged (the archive's CRC-32 tells)."""
        try:
            with np.load(self.path(block), allow_pickle=False) as archive:
                posteriors = Posteriors(archive["probs"], archive["labels"], archive["ids"])
                posteriors.check()
                return Block(
                    posteriors, float(archive["seconds"]), str(archive["device"]), tuple(archive["corrupt"].tolist())
                )
        except Exception:  # damage shows as nearly any type: a flipped flag asks for a password
            return None


def reopen(folder: Path) -> Store:
    """The store of a part by its folder, as it was left. Raises StoreError where it is not there any more."""
    try:
        return Store(folder.parent, json.loads((folder / "key.json").read_text()))
    except (OSError, ValueError, TypeError):
        raise StoreError(
            f"no stored blocks in {folder}; give --store DIR if they were moved, else run bench.run again"
        ) from None


def _write_aside(path: Path, write: Callable) -> None:
    """Write a file under another name, flush it to disk, then rename: it is there whole or not at all."""
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with aside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
