"""Descriptors combined: lengths are 1, and what is said of one set of vectors holds for its rows one by one."""

import numpy as np
import pytest

from results.descriptors import ROWS, Descriptors, averaged, normalised, stacked


def vectors(count: int, length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1, 3, (count, length)).astype(np.float32)


@pytest.mark.parametrize("combine", [stacked, averaged])
def test_what_comes_out_has_length_one_whatever_went_in(combine):
    members = [vectors(7, 5, seed) * scale for seed, scale in ((0, 1), (1, 1000), (2, 1e-3))]
    found = combine(members)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(found, combine([normalised(each) for each in members]), atol=1e-7)


def test_stacked_vectors_count_alike_and_their_products_are_the_mean_of_theirs():
    one, other = vectors(9, 4), vectors(9, 6, 1) * 50
    products = [normalised(each) @ normalised(each).T for each in (one, other)]
    both = stacked([one, other])
    assert np.allclose(both @ both.T, np.mean(products, axis=0), atol=1e-6)


def test_the_mean_of_a_vector_with_itself_is_its_direction():
    one = vectors(3, 8)
    assert np.allclose(averaged([one, 7 * one]), normalised(one), atol=1e-7)


def test_a_vector_of_zeros_stays_one():
    assert not normalised(np.zeros((2, 3), np.float32)).any()


@pytest.mark.parametrize("combine", [stacked, averaged])
def test_rows_do_not_depend_on_one_another(combine):
    members = [vectors(ROWS + 3, 4), vectors(ROWS + 3, 4, 1)]
    last = [each[-1:] for each in members]
    assert np.array_equal(combine(members)[-1:], combine(last))


@pytest.mark.parametrize(
    "wrong",
    [
        Descriptors(np.ones((2, 3), np.float32), np.array(["a", "a"])),
        Descriptors(np.ones((3, 3), np.float32), np.array(["a", "b"])),
        Descriptors(np.array([[1, np.nan], [1, 1]], np.float32), np.array(["a", "b"])),
    ],
    ids=["an image twice", "too many", "not finite"],
)
def test_what_cannot_be_descriptors_is_refused(wrong):
    with pytest.raises(ValueError, match=r"twice|descriptors"):
        wrong.check()
