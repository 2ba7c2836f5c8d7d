"""Descriptors of images: what a net's last layer sees of each, and their combinations over Q and nets (appendix B)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


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
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    return (vectors / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)


def stacked(members: Sequence[np.ndarray]) -> np.ndarray:
    """Several descriptors of the same images (N, D) side by side, each of length 1, and so the whole: (N, sum of D)."""
    return normalised(np.concatenate([normalised(each) for each in members], axis=1))


def averaged(members: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of several descriptors of the same images (N, D), each of length 1; it is made so again."""
    return normalised(np.asarray(np.mean([normalised(each) for each in members], axis=0, dtype=np.float64)))
