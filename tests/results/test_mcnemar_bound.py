"""The largest p that counts alone allow."""

from itertools import product

import pytest

from results.metrics import mcnemar, mcnemar_bound


def test_it_is_the_largest_p_of_every_possible_pairing():
    for n in (1, 2, 5, 8, 13):
        for first, second in product(range(n + 1), repeat=2):
            both = range(max(0, first + second - n), min(first, second) + 1)
            possible = [mcnemar(first - each, second - each) for each in both]
            assert mcnemar_bound(first, second, n) == max(possible)


@pytest.mark.parametrize("apart", [1, 2, 9, 100, 1001, 10_000])
@pytest.mark.parametrize("deviations", [0, 0.5, 1, 2, 3, 5, 9])
def test_the_bound_beyond_exact_sums_is_never_below_the_exact_p(apart, deviations, monkeypatch):
    fewer = max(0, round(apart / 2 - deviations * apart**0.5 / 2))
    exact = mcnemar(fewer, apart - fewer)
    assert mcnemar_bound(fewer, apart - fewer, apart) == exact
    monkeypatch.setattr("results.metrics.MOST_EXACT", 0)
    bound = mcnemar_bound(fewer, apart - fewer, apart)
    assert exact <= bound <= 1
    if apart == 10_000 and 0.5 < deviations < 5:
        assert bound < 1.25 * exact


def test_equal_counts_say_nothing_and_a_trillion_images_take_no_time():
    assert mcnemar_bound(7, 7, 20) == mcnemar_bound(0, 0, 0) == 1
    assert mcnemar_bound(10**11, 10**11 + 10**9, 10**12) < 1e-100
