import numpy as np
import pytest
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from bench.linear import machines
from bench.linear.machines import Machines, kernel_of, learn
from results.descriptors import normalised


def drawn(images: int = 120, classes: int = 4, length: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors of length 1 around their classes' own, and labels (N, K) of which an image may have several."""
    random = np.random.default_rng(seed)
    present = random.random((images, classes)) < 0.3
    present[:classes] = np.eye(classes, dtype=bool)
    centres = random.standard_normal((classes, length))
    return normalised(present @ centres + random.standard_normal((images, length))), present


def learnt(vectors, present, Cs=(1.0,), difficult=None, kernel=True) -> list[Machines]:
    none = np.zeros_like(present) if difficult is None else difficult
    return learn(vectors, present, none, Cs, kernel_of(vectors) if kernel else None)


def test_the_kernel_is_all_products(monkeypatch):
    vectors, _ = drawn()
    monkeypatch.setattr(machines, "ROWS", 50)
    kernel = kernel_of(vectors)
    assert kernel is not None
    np.testing.assert_allclose(kernel, vectors.astype(float) @ vectors.T.astype(float), atol=1e-6)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-6)  # within a block BLAS promises no more
    monkeypatch.setattr(machines, "MOST_IN_KERNEL", 119)
    assert kernel_of(vectors) is None


@pytest.mark.parametrize("C", [0.1, 1, 50])
def test_the_machines_are_scikit_learns_one_against_the_rest(C):
    vectors, present = drawn()
    labels = present.argmax(axis=1)
    (ours,) = learnt(vectors, labels[:, None] == np.arange(4), [C])
    theirs = OneVsRestClassifier(SVC(C=C, kernel="linear", tol=1e-6)).fit(vectors.astype(float), labels)
    np.testing.assert_allclose(ours.scores(vectors), theirs.decision_function(vectors), atol=2e-3)
    assert ours.converged.all()


def test_every_C_is_learnt_as_if_alone():
    vectors, present = drawn()
    for C, several in zip((0.1, 1, 10), learnt(vectors, present, (0.1, 1, 10)), strict=True):
        np.testing.assert_array_equal(several.weights, learnt(vectors, present, [C])[0].weights)


@pytest.mark.parametrize("kernel", [True, False])
class TestBothWays:
    def test_a_separable_set_is_separated(self, kernel):
        present = np.random.default_rng(0).random((60, 3)) < 0.4
        vectors = normalised(np.concatenate([present - 0.5, present[:, :1]], axis=1))
        (own,) = learnt(vectors, present, [64.0], kernel=kernel)
        np.testing.assert_array_equal(own.scores(vectors) > 0, present)

    def test_the_number_of_threads_changes_no_bit(self, kernel, monkeypatch):
        vectors, present = drawn()
        found = []
        for threads in (1, 3):
            monkeypatch.setattr(machines, "cores", lambda threads=threads: threads)
            found.append(learnt(vectors, present, [4.0], kernel=kernel)[0])
        np.testing.assert_array_equal(found[0].weights, found[1].weights)
        np.testing.assert_array_equal(found[0].scores(vectors), found[1].scores(vectors))

    def test_difficult_images_change_nothing_of_their_class(self, kernel):
        vectors, present = drawn()
        difficult = np.zeros_like(present)
        difficult[::3, 1] = True
        present = present & ~difficult
        (own,) = learnt(vectors, present, difficult=difficult, kernel=kernel)
        others = vectors.copy()
        others[::3] = np.random.default_rng(1).standard_normal(others[::3].shape)
        (again,) = learnt(normalised(others), present, difficult=difficult, kernel=kernel)
        np.testing.assert_allclose(own.weights[1], again.weights[1], atol=1e-5)
        assert not np.allclose(own.weights[0], again.weights[0], atol=1e-2)
        kept = ~difficult[:, 1]
        (without,) = learnt(vectors[kept], present[kept], kernel=kernel)
        np.testing.assert_allclose(own.weights[1], without.weights[1], atol=1e-5)

    def test_classes_of_all_images_or_none_say_so(self, kernel):
        vectors, present = drawn()
        present[:, 0], present[:, 1] = True, False
        (own,) = learnt(vectors, present, kernel=kernel)
        assert (own.scores(vectors)[:, :2] == [1, -1]).all()


def test_the_order_of_images_moves_scores_within_the_tolerance():
    vectors, present = drawn()
    order = np.random.default_rng(3).permutation(len(vectors))
    (own,), (other,) = learnt(vectors, present), learnt(vectors[order], present[order])
    np.testing.assert_allclose(own.scores(vectors), other.scores(vectors), atol=1e-3)


def test_descent_comes_near_the_optimum():
    vectors, present = drawn(1500, 3)
    (exact,), (near,) = learnt(vectors, present), learnt(vectors, present, kernel=False)

    def objective(own: Machines) -> np.ndarray:
        slack = np.maximum(0, 1 - np.where(present, 1, -1) * own.scores(vectors))
        return (own.weights**2).sum(axis=1) / 2 + slack.sum(axis=0)

    assert (objective(near) < 1.02 * objective(exact)).all()
    assert (objective(near) > 0.999 * objective(exact)).all()


def test_what_does_not_reach_its_optimum_is_told(monkeypatch):
    vectors, present = drawn()
    monkeypatch.setattr(machines, "MOST_STEPS", 3)
    assert not learnt(vectors, present)[0].converged.any()


def test_nothing_is_nothings_score():
    vectors, present = drawn()
    assert learnt(vectors, present)[0].scores(vectors[:0]).shape == (0, 4)
