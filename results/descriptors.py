"""Descriptors of images: what a net's last layer sees of each, and their combinations over Q and nets (appendix B)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

ROWS = 512  # that are combined at once


@dataclass(frozen=True)
class Descriptors:
    """Descriptors of N images: `vectors` (N, D) float32; `ids` (N,) the images' names."""

    vectors: np.ndarray
    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def check(self) -> None:
        """Raise ValueError unless these can be descriptors: shapes fit, each image once, values finite."""
        n = len(self.ids)
        if self.vectors.ndim != 2 or len(self.vectors) != n:
            raise ValueError(f"{n} ids and descriptors of shape {self.vectors.shape}")
        if len(set(self.ids.tolist())) < n:
            raise ValueError("an image stands twice")
        if not np.isfinite(self.vectors).all():
            raise ValueError("descriptors that are not finite")

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What a block's file holds of them."""
        return {"vectors": self.vectors, "ids": self.ids}

    @classmethod
    def of_arrays(cls, found: Mapping[str, np.ndarray]) -> "Descriptors":
        return cls(found["vectors"], found["ids"])

    def are_of(self, ids: Sequence[str], labels: np.ndarray) -> bool:
        """Whether they are of these images, in this order; labels say nothing of a descriptor."""
        return self.ids.tolist() == list(ids)


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, D) of length 1, float32, by sums in float64; a vector of zeros stays one."""
    return _by_rows(_of_length_one, [vectors], vectors.shape[1])


def stacked(members: Sequence[np.ndarray]) -> np.ndarray:
    """Several descriptors of the same images (N, D) side by side, each of length 1, and so the whole: (N, sum of D)."""
    return _by_rows(
        lambda *rows: _of_length_one(np.concatenate([_of_length_one(each) for each in rows], axis=1)),
        members,
        sum(each.shape[1] for each in members),
    )


def averaged(members: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of several descriptors of the same images (N, D), each of length 1; it is made so again."""
    return _by_rows(
        lambda *rows: _of_length_one(np.mean([_of_length_one(each) for each in rows], axis=0)),
        members,
        members[0].shape[1],
    )


def _of_length_one(rows: np.ndarray) -> np.ndarray:
    """In float64."""
    rows = rows.astype(np.float64)
    lengths = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return rows / np.where(lengths > 0, lengths, 1)


def _by_rows(combine: Callable[..., np.ndarray], members: Sequence[np.ndarray], length: int) -> np.ndarray:
    """What is made of some rows of all members at once, as float32: in float64 whole sets would be gigabytes."""
    found = np.empty((len(members[0]), length), np.float32)
    for start in range(0, len(found), ROWS):
        found[start : start + ROWS] = combine(*(each[start : start + ROWS] for each in members))
    return found
