"""Stored parts as their folders describe them: of which net, by which method, at which Q."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from protocols.methods import METHODS
from protocols.protocol import Part
from results.errors import ResultError
from results.posteriors import Posteriors
from results.store import Blocks, Store

LONGEST = 1 << 16  # letters of a description


@dataclass(frozen=True)
class StoredPart:
    """A part, all that its folder's name stands for, and the folder's blocks."""

    part: Part
    key: Mapping[str, str]
    blocks: Blocks[Posteriors]

    def without_flips(self, blocks: int) -> "StoredPart | None":
        """The same of the straight views alone; None where not all of its blocks are kept beside this part."""
        part = self.part.without_flips
        if part is None:
            return None
        key = {**self.key, "part": str(part)}
        beside: Store[Posteriors] = Store(self.blocks.folder.parent, key)
        return StoredPart(part, key, beside) if all(map(beside.has, range(blocks))) else None


def stored_part(blocks: Blocks[Posteriors]) -> StoredPart:
    """What `key.json` says of a part's folder. Raises ResultError unless the folder is named by it."""
    path = blocks.folder / "key.json"
    try:
        with path.open(encoding="utf-8") as file:
            key = json.loads(file.read(LONGEST))
        if Store(blocks.folder.parent, key).folder.name != blocks.folder.name:
            raise ValueError("another part's")
        method, _, Q = key["part"].partition("@")
        if method not in METHODS:
            raise ValueError("no method of ours")
        return StoredPart(Part(method, int(Q)), key, blocks)
    except OSError as error:
        why = error.strerror
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        why = "it is damaged, or of another version"
    raise ResultError(f"'{path}': {why}; it says which part's blocks these are; run bench.run again with --fresh")
