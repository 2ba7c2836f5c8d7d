"""Needed images and McNemar's test against statsmodels', on random counts."""

import math

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.power import normal_sample_size_one_tail

from results.metrics import mcnemar
from results.power import images_needed


def counts(most: int) -> list[tuple[int, int, int]]:
    """Only the first wrong, only the second, all."""
    draw = np.random.default_rng(0)
    pairs = [(int(one), int(other)) for one, other in draw.integers(0, most, (60, 2))]
    return [(one, other, one + other + int(draw.integers(0, 5 * most)) + 1) for one, other in pairs]


@pytest.mark.parametrize(("power", "alpha"), [(0.8, 0.05), (0.9, 0.01)])
def test_needed_images_are_those_of_statsmodels(power, alpha):
    for only_first, only_second, n in counts(40):
        if only_first == only_second:
            continue
        share, difference = (only_first + only_second) / n, (only_first - only_second) / n
        expected = normal_sample_size_one_tail(
            abs(difference), power, alpha / 2, math.sqrt(share), math.sqrt(share - difference**2)
        )
        needed = images_needed(only_first, only_second, n, power, alpha)
        assert needed == images_needed(only_second, only_first, n, power, alpha)
        assert needed == max(math.ceil(expected), fewest(alpha))


def fewest(alpha: float) -> int:
    """Images that one row alone has wrong, until the exact test is below alpha."""
    return next(m for m in range(100) if mcnemar(m, 0) < alpha)


def test_mcnemar_is_that_of_statsmodels():
    for only_first, only_second, n in counts(60):
        table = [[n - only_first - only_second, only_first], [only_second, 0]]
        expected = mcnemar_of_statsmodels(table, exact=True).pvalue
        assert mcnemar(only_first, only_second) == pytest.approx(expected, rel=1e-9)


def test_no_difference_is_seen_with_no_number_of_images():
    assert images_needed(0, 0, 10) is None
    assert images_needed(7, 7, 100) is None


@pytest.mark.parametrize(("only_first", "only_second", "n"), [(1, 0, 1), (8, 0, 8), (12, 0, 16), (0, 3, 3)])
def test_no_fewer_images_than_the_exact_test_needs_at_all(only_first, only_second, n):
    needed = images_needed(only_first, only_second, n)
    assert mcnemar(needed, 0) < 0.05
    assert needed == 6 or mcnemar(needed - 1, 0) < 0.05


def power_of_the_exact_test(only_first: float, only_second: float, images: int) -> float:
    """How often McNemar's exact p is below 5 %, from the shares of images that only one row has wrong."""
    differing = only_first + only_second
    least, most = binom.ppf([1e-9, 1 - 1e-9], images, differing).astype(int)
    power = 0.0
    for m in range(least, most + 1):
        seen = [k for k in range(m + 1) if mcnemar(k, m - k) < 0.05]
        power += binom.pmf(m, images, differing) * binom.pmf(seen, m, only_first / differing).sum()
    return power


@pytest.mark.parametrize(
    ("only_first", "only_second", "n"), [(2, 0, 100), (11, 4, 64), (60, 30, 1000), (400, 100, 50_000), (30, 20, 250)]
)
def test_the_exact_test_sees_somewhat_less_than_80_percent_and_a_tenth_more_images_are_enough(
    only_first, only_second, n
):
    needed = images_needed(only_first, only_second, n)
    assert 0.75 < power_of_the_exact_test(only_first / n, only_second / n, needed) < 0.8
    assert power_of_the_exact_test(only_first / n, only_second / n, math.ceil(1.1 * needed)) > 0.8
