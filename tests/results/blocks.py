"""Stored blocks for the tests of the store."""

import numpy as np

from results.posteriors import Posteriors
from results.store import Block

KEY = {"weights": "0123", "part": "dense@256", "data": "4567"}


def block(n=6, corrupt=()):
    probs = np.random.default_rng(n).dirichlet(np.ones(3), n).astype(np.float32)
    ids = np.array([f"n01440764/é {i}.jpg" for i in range(n)], dtype=str)
    return Block(Posteriors(probs, np.arange(n) % 3, ids), 1 / 3, "cpu", corrupt, {"torch": "2.6.0", "é": "\n"})


def same(one, other):
    arrays = ("probs", "labels", "ids")
    plain = ("seconds", "device", "corrupt", "made")
    return all(getattr(one, name) == getattr(other, name) for name in plain) and all(
        np.array_equal(getattr(one.rows, name), getattr(other.rows, name)) for name in arrays
    )


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())
