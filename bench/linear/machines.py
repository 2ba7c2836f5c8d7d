"""One-against-rest linear support vector machines with the hinge loss, by scikit-learn, for several C at once.

A machine sees the images by their products alone. So these are computed once (the kernel of all training images) and
libsvm solves each class from them: how long descriptors are costs nothing more. Where there are too many images for
that, stochastic gradient descent comes near the same optimum. Classes are learnt on threads, each on one of them and
with random numbers of its own, so that their number changes no bit.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from bench.cores import cores
from bench.extras import needed

MOST_IN_KERNEL = 20_000  # images: 3.2 GB of products. Below it the kernel takes a tenth of the others' time, or less
TOLERANCE = 1e-4  # of libsvm's optimum; a tenth of its default, for a quarter more time
MOST_STEPS = 1_000_000  # of libsvm; VOC 2007 takes some 10,000 with the largest C
EPOCHS, AVERAGED = 20, 10  # of gradient descent; the mean of all steps of the last ones is what is learnt
ROWS = 512  # at once in products, so that these are the same ones whatever the number of threads

T = TypeVar("T")
U = TypeVar("U")
Step = Callable[[], object]  # called when a class is learnt
Solved = tuple[np.ndarray, float, bool]  # weights (D,), intercept, whether the optimum was reached


def no_step() -> None:
    """Where nobody waits."""


@dataclass(frozen=True, eq=False)
class Machines:
    """A machine for each of K classes: `weights` (K, D) and `intercepts` (K,) float32, and which `converged`, bool."""

    weights: np.ndarray
    intercepts: np.ndarray
    converged: np.ndarray

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Decision values of descriptors (N, D): (N, K) float32, above 0 where a class's machine says yes."""
        with _alone():
            found = in_threads(lambda rows: vectors[rows] @ self.weights.T + self.intercepts, blocks(len(vectors)))
            return np.concatenate([*found, np.empty((0, len(self.weights)))]).astype(np.float32)


def kernel_of(vectors: np.ndarray) -> np.ndarray | None:
    """The products of all pairs of descriptors (N, D): (N, N) float64; None where they are too many."""
    if len(vectors) > MOST_IN_KERNEL:
        return None
    kernel = np.empty((len(vectors), len(vectors)))

    def fill(rows: slice) -> None:
        kernel[rows, : rows.stop] = vectors[rows] @ vectors[: rows.stop].T
        kernel[: rows.start, rows] = kernel[rows, : rows.start].T

    with _alone():
        list(in_threads(fill, blocks(len(vectors))))
    return kernel


def learn(
    vectors: np.ndarray,
    present: np.ndarray,
    difficult: np.ndarray,
    Cs: Sequence[float],
    kernel: np.ndarray | None,
    step: Step = no_step,
) -> list[Machines]:
    """Machines for each C, from descriptors (N, D) float32 of length 1, labels (N, K) bool, and `kernel_of` them.

    Images that are difficult for a class are left out where it is learnt. A class that all images are of, or none, has
    a machine that says so of everything.
    """
    needed("sklearn.svm", "transfer"), needed("sklearn.linear_model", "transfer")  # before there are threads

    def solve(k: int) -> list[Solved]:
        kept = np.flatnonzero(~difficult[:, k])
        positive = present[kept, k]
        if positive.all() or not positive.any():
            return [(np.zeros(vectors.shape[1], np.float32), 1.0 if positive.any() else -1.0, True)] * len(Cs)
        if kernel is None:
            own = vectors if len(kept) == len(vectors) else vectors[kept]
            return [_by_descent(own, positive, C) for C in Cs]
        products = kernel if len(kept) == len(vectors) else kernel[np.ix_(kept, kept)]
        return [_by_kernel(products, vectors, kept, positive, C) for C in Cs]

    classes = present.shape[1]
    with _alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what did not converge is said by the caller
        solved = []
        for of_class in in_threads(solve, range(classes)):
            solved.append(of_class)
            step()
    return [_together([of_class[place] for of_class in solved]) for place in range(len(Cs))]


def _by_kernel(products: np.ndarray, vectors: np.ndarray, kept: np.ndarray, positive: np.ndarray, C: float) -> Solved:
    with needed("sklearn", "transfer").config_context(assume_finite=True):  # else 2 GB are looked through each time
        svc = needed("sklearn.svm", "transfer").SVC
        machine = svc(C=C, kernel="precomputed", tol=TOLERANCE, max_iter=MOST_STEPS).fit(products, positive)
    weights = machine.dual_coef_[0].astype(np.float32) @ vectors[kept[machine.support_]]
    return weights, float(machine.intercept_[0]), machine.fit_status_ == 0


def _by_descent(vectors: np.ndarray, positive: np.ndarray, C: float) -> Solved:
    """The same loss: its mean over images and alpha times half the squared weights, so that alpha is 1 / (C N)."""
    classifier = needed("sklearn.linear_model", "transfer").SGDClassifier
    machine = classifier(
        loss="hinge",
        alpha=1 / (C * len(vectors)),
        max_iter=EPOCHS,
        tol=None,
        average=AVERAGED * len(vectors),
        random_state=0,
    ).fit(vectors, positive)
    return machine.coef_[0].astype(np.float32), float(machine.intercept_[0]), True


def _together(solved: Sequence[Solved]) -> Machines:
    weights, intercepts, converged = zip(*solved, strict=True)
    return Machines(np.stack(weights), np.array(intercepts, np.float32), np.array(converged))


def in_threads(function: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """What a function makes of items, in their order, on as many threads as there are cores."""
    pool = ThreadPoolExecutor(cores())
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _alone() -> Iterator[Any]:
    """While the body runs a product is computed on the thread that asks for it: its bits depend on nothing else."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    """Those that compute products, looked for once, when all that is needed is loaded: it takes milliseconds."""
    needed("sklearn.svm", "transfer")
    return needed("threadpoolctl", "transfer").ThreadpoolController()


def blocks(rows: int) -> list[slice]:
    """All rows, some hundreds at once."""
    return [slice(start, stop) for start, stop in pairwise([*range(0, rows, ROWS), rows])]
