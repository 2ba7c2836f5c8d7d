"""Sets in their parts, without an image behind them."""

import numpy as np

from bench.images.divided import DividedSet, SetPart


def part(name: str, labels: list[int], classes: int, ids: list[str] | None = None) -> SetPart:
    present = np.array(labels)[:, None] == np.arange(classes)
    names = ids or [f"{name}/{label}/{place}" for place, label in enumerate(labels)]
    return SetPart(name, tuple(names), (), present, np.zeros_like(present))


def of_parts(*parts: SetPart, multi: bool = False, kind: str = "folder") -> DividedSet:
    return DividedSet("made", kind, tuple(f"class {k}" for k in range(parts[0].present.shape[1])), parts, multi)


def whole(counts: list[int], kind: str = "folder") -> DividedSet:
    """A set without parts with so many images of each class."""
    return of_parts(part("all", np.repeat(np.arange(len(counts)), counts).tolist(), len(counts)), kind=kind)
