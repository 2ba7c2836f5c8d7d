"""Needed images and McNemar's test against statsmodels', on random counts."""

import math

import numpy as np
import pytest
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
        assert images_needed(only_first, only_second, n, power, alpha) == math.ceil(expected)
        assert images_needed(only_second, only_first, n, power, alpha) == math.ceil(expected)


def test_mcnemar_is_that_of_statsmodels():
    for only_first, only_second, n in counts(60):
        table = [[n - only_first - only_second, only_first], [only_second, 0]]
        expected = mcnemar_of_statsmodels(table, exact=True).pvalue
        assert mcnemar(only_first, only_second) == pytest.approx(expected, rel=1e-9)


def test_no_difference_is_seen_with_no_number_of_images():
    assert images_needed(0, 0, 10) is None
    assert images_needed(7, 7, 100) is None


def test_the_exact_test_sees_about_four_of_five_such_differences_on_the_needed_images():
    only_first, only_second, n = 60, 30, 1000
    needed = images_needed(only_first, only_second, n)
    shares = [only_first / n, only_second / n, 1 - (only_first + only_second) / n]
    drawn = np.random.default_rng(0).multinomial(needed, shares, 2000)
    seen = np.mean([mcnemar(int(one), int(other)) < 0.05 for one, other, _ in drawn])
    assert 0.75 < seen < 0.82
