"""Class posteriors of images, and their averages: the only arithmetic between the net and the error counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np

from results.atomic_files import write_atomically
from results.errors import ResultError


@dataclass(frozen=True)
class Posteriors:
    """Posteriors of N images over K classes.

    `probs` (N, K) float32, rows add up to 1; `labels` (N,) int64; `ids` (N,) the images' names.
    """

    probs: np.ndarray
    labels: np.ndarray
    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def check(self) -> None:
        """Raise ValueError unless these can be posteriors: kinds and shapes fit, each image once, values finite,
        not negative, and rows that add up to 1 within 1e-4."""
        n = len(self.ids)
        kinds = "".join(array.dtype.kind for array in (self.probs, self.labels, self.ids))
        if n and kinds not in ("fiU", "fuU"):
            raise ValueError(f"posteriors, labels and ids of other kinds: {kinds}")
        if self.probs.ndim != 2 or len(self.probs) != n or self.labels.shape != (n,):
            raise ValueError(f"{n} ids, {self.labels.shape} labels and posteriors of shape {self.probs.shape}")
        if len(set(self.ids.tolist())) < n:
            raise ValueError("an image stands twice")
        if n and not (np.abs(self.probs.sum(1, dtype=np.float64) - 1).max() < 1e-4 and self.probs.min() >= 0):
            raise ValueError("posteriors that are negative or do not add up to 1")

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What a block's file holds of them."""
        return {"probs": self.probs, "labels": self.labels, "ids": self.ids}

    @classmethod
    def of_arrays(cls, found: Mapping[str, np.ndarray]) -> "Posteriors":
        return cls(found["probs"], found["labels"], found["ids"])

    def are_of(self, ids: Sequence[str], labels: np.ndarray) -> bool:
        """Whether they are of these images, in this order, under these labels."""
        return self.ids.tolist() == list(ids) and np.array_equal(self.labels, labels)

    def save(self, path: Path) -> None:
        """Write `ids`, `labels` and `posteriors` as a compressed `.npz`."""
        file = BytesIO()
        np.savez_compressed(file, ids=self.ids, labels=self.labels, posteriors=self.probs)
        write_atomically(path, file.getbuffer())

    @classmethod
    def load(cls, path: Path) -> "Posteriors":
        """What `save` wrote. Raises ResultError."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                loaded = cls(archive["posteriors"], archive["labels"], archive["ids"])
            loaded.check()
        except Exception:  # damage shows as nearly any type
            raise ResultError(f"saved posteriors '{path}' are damaged; remove them to take the stored blocks") from None
        return loaded


def average(members: Sequence[Posteriors], weights: Iterable[Fraction]) -> Posteriors:
    """Weighted mean of several parts' posteriors for the same images. Raises ValueError where the images differ."""
    first, *shares = members[0], *weights
    if len(members) == 1 and shares == [1]:
        return first
    for other in members[1:]:
        same_images = np.array_equal(first.ids, other.ids) and np.array_equal(first.labels, other.labels)
        if not same_images or first.probs.shape != other.probs.shape:
            raise ValueError("posteriors of different images or classes cannot be averaged")
    total = sum(float(weight) * member.probs.astype(np.float64) for weight, member in zip(shares, members, strict=True))
    return Posteriors(np.asarray(total, dtype=np.float32), first.labels, first.ids)


def fuse(members: Sequence[Posteriors]) -> Posteriors:
    """Soft-max fusion (section 4.4): the plain mean of several nets' posteriors."""
    return average(members, [Fraction(1, len(members))] * len(members))


def combine(nets: Sequence[Sequence[tuple[Posteriors, Fraction]]]) -> Posteriors:
    """A row: of each net its parts by their shares, then the nets fused. Raises ValueError where the images differ."""
    judged = [average(*zip(*net, strict=True)) for net in nets]
    return fuse(judged) if len(judged) > 1 else judged[0]


def resolved(posteriors: Posteriors, right: Mapping[str, Sequence[int]]) -> Posteriors:
    """Each image under the most probable of its right classes, by id; those that have none are left out.

    The posteriors of its other right classes become 0, so that none of them stands above or level with that one: the
    image is among the best k exactly if any of its right classes is.
    """
    kept = [k for k, name in enumerate(posteriors.ids) if right[name]]
    probs, labels = posteriors.probs[kept], np.zeros(len(kept), np.int64)
    for number, k in enumerate(kept):
        classes = list(right[posteriors.ids[k]])
        own = probs[number, classes]
        labels[number] = classes[own.argmax()]
        probs[number, classes] = 0
        probs[number, labels[number]] = own.max()
    return Posteriors(probs, labels, posteriors.ids[kept])


def join(blocks: Sequence[Posteriors]) -> Posteriors:
    """Consecutive blocks as one. Raises ValueError where an image stands twice."""
    ids = np.concatenate([block.ids for block in blocks])
    if len(np.unique(ids)) < len(ids):
        raise ValueError("an image stands in two blocks")
    return Posteriors(
        np.concatenate([block.probs for block in blocks]), np.concatenate([block.labels for block in blocks]), ids
    )
