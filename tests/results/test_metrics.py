import math
from fractions import Fraction

import numpy as np
import pytest

from results.metrics import mcnemar, paired_difference, ranks, standings, wilson
from results.posteriors import Posteriors


def scored(probs, labels):
    return Posteriors(np.array(probs), np.array(labels), np.array([f"{i}.jpg" for i in range(len(labels))]))


def test_a_perfect_classifier_has_nothing_wrong():
    labels = np.arange(50) % 10
    rank = ranks(scored(np.eye(10, dtype=np.float32)[labels], labels))
    assert (rank >= 1).sum() == 0
    assert (rank >= 5).sum() == 0


def test_the_worst_classifier_has_everything_wrong():
    labels = np.arange(50) % 10
    assert (ranks(scored((1 - np.eye(10)[labels]) / 9, labels)) == 9).all()


@pytest.mark.parametrize(
    ("probs", "label", "rank"),
    [
        ([0.5, 0.3, 0.2], 0, 0),
        ([0.5, 0.3, 0.2], 1, 1),
        ([0.5, 0.3, 0.2], 2, 2),
        ([0.4, 0.4, 0.2], 0, 0),  # a tie is no loss, on either side of it
        ([0.4, 0.4, 0.2], 1, 0),
        ([0.4, 0.4, 0.2], 2, 2),
        ([1 / 3, 1 / 3, 1 / 3], 2, 0),
        ([0.5, 0.25, 0.25], 1, 1),
        ([0.5, 0.25, 0.25], 2, 1),
    ],
)
def test_rank_counts_the_classes_strictly_above(probs, label, rank):
    assert ranks(scored([probs], [label])) == [rank]


def test_ranks_equal_a_count_by_hand_with_many_ties():
    draw = np.random.default_rng(0)
    probs, labels = draw.integers(0, 4, (200, 6)) / 8, draw.integers(0, 6, 200)
    own = probs[np.arange(200), labels]
    above = [sum(p > row[label] for p in row) for row, label in zip(probs, labels, strict=True)]
    assert ranks(scored(probs, labels)).tolist() == np.where(own > 0, above, 5).tolist()


def test_ties_are_the_images_that_are_wrong_only_if_ties_count_against_the_label():
    draw = np.random.default_rng(0)
    probs, labels = draw.integers(0, 4, (200, 8)) / 8, draw.integers(0, 8, 200)
    found = standings(scored(probs, labels))
    for k in (1, 2, 5):
        against = sum(
            row[label] == 0 or sum(p >= row[label] for p in row) > k for row, label in zip(probs, labels, strict=True)
        )
        assert found.wrong(k) + found.ties(k) == against
    assert found.ties(1) > 0


@pytest.mark.parametrize(
    ("probs", "label", "ties1", "wrong1"),
    [
        ([0.5, 0.5, 0.0], 0, 1, 0),
        ([0.5, 0.25, 0.25], 1, 0, 1),  # wrong either way
        ([1.0, 0.0, 0.0], 1, 0, 1),  # what the net gave up is no tie
        ([0.5, 0.3, 0.2], 0, 0, 0),
        ([0.25, 0.25, 0.25, 0.25], 3, 1, 0),
    ],
)
def test_only_a_tie_for_the_best_decides_top_1(probs, label, ties1, wrong1):
    found = standings(scored([probs], [label]))
    assert (found.ties(1), found.wrong(1)) == (ties1, wrong1)


@pytest.mark.parametrize("classes", [None, np.array([1, 2, 3, 4, 5, 6])])
def test_a_label_whose_posterior_is_exactly_0_is_wrong_at_every_k(classes):
    """Here only one class has any: 0 is no place among the best five, and no tie either."""
    probs = np.eye(7, dtype=np.float32)[[0, 0]]
    found = standings(scored(probs, [1, 6]), classes)
    assert all(found.wrong(k) == 2 and found.ties(k) == 0 for k in range(1, 6))


def test_ranks_do_not_depend_on_the_order_of_classes():
    draw = np.random.default_rng(1)
    probs, labels = draw.integers(0, 4, (200, 6)) / 8, draw.integers(0, 6, 200)
    order = draw.permutation(6)
    assert np.array_equal(ranks(scored(probs, labels)), ranks(scored(probs[:, order], np.argsort(order)[labels])))


def test_wrong_at_k_never_grows_with_k():
    draw = np.random.default_rng(2)
    rank = ranks(scored(draw.dirichlet(np.ones(10), 100), draw.integers(0, 10, 100)))
    wrong = [(rank >= k).sum() for k in range(1, 11)]
    assert wrong == sorted(wrong, reverse=True)
    assert wrong[-1] == 0


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_with_five_classes_or_fewer_nothing_is_wrong_at_five(classes):
    draw = np.random.default_rng(3)
    rank = ranks(scored(draw.dirichlet(np.ones(classes), 100), draw.integers(0, classes, 100)))
    assert rank.max() == classes - 1
    assert (rank >= 5).sum() == 0


def test_only_the_given_classes_compete():
    posteriors = scored([[0.4, 0.1, 0.3, 0.2], [0.4, 0.1, 0.3, 0.2]], [1, 3])
    assert ranks(posteriors).tolist() == [3, 2]
    assert ranks(posteriors, np.array([1, 3])).tolist() == [1, 0]
    assert ranks(posteriors, np.array([3, 2, 1])).tolist() == [2, 1]


def test_all_classes_given_is_none_given():
    draw = np.random.default_rng(4)
    posteriors = scored(draw.dirichlet(np.ones(6), 50), draw.integers(0, 6, 50))
    assert np.array_equal(ranks(posteriors, draw.permutation(6)), ranks(posteriors))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_a_posterior_that_is_not_finite_is_an_error_never_a_hit(value, place):
    probs = [[0.5, 0.5], [0.5, 0.5]]
    probs[1][place] = value
    with pytest.raises(ValueError, match=r"1\.jpg are not finite"):
        ranks(scored(probs, [0, 0]))


@pytest.mark.parametrize("label", [-1, 3, 1000])
def test_a_label_out_of_range_is_an_error(label):
    with pytest.raises(ValueError, match=rf"label {label} of 1\.jpg"):
        ranks(scored(np.full((2, 3), 1 / 3), [2, label]))


def test_a_label_outside_the_given_classes_is_an_error():
    with pytest.raises(ValueError, match=r"label 2 of 1\.jpg is not one of the scored classes"):
        ranks(scored(np.full((2, 3), 1 / 3), [0, 2]), np.array([0, 1]))


NEWCOMBE = [  # Newcombe, Statistics in Medicine 17 (1998) 857-872, Table I, method 3
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
BY_HAND = [  # (w + z^2/2 -+ z sqrt(w (n - w) / n + z^2/4)) / (n + z^2) with z = 1.959964
    (0, 10, 0.0000, 0.2775),
    (5, 10, 0.2366, 0.7634),
    (10, 10, 0.7225, 1.0000),
    (1, 1, 0.2065, 1.0000),
]


@pytest.mark.parametrize(("wrong", "n", "low", "high"), NEWCOMBE + BY_HAND)
def test_wilson_interval_as_published(wrong, n, low, high):
    assert wilson(wrong, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("wrong", "n"), [(1, 29), (81, 263), (12_800, 50_000)])
@pytest.mark.parametrize(("confidence", "z"), [(0.9, 1.644854), (0.95, 1.959964), (0.99, 2.575829)])
def test_wilson_ends_where_the_score_test_rejects(wrong, n, confidence, z):
    for end in wilson(wrong, n, confidence):
        assert abs(wrong / n - end) / math.sqrt(end * (1 - end) / n) == pytest.approx(z, rel=1e-5)


def test_wilson_is_symmetric_and_stays_between_0_and_1():
    for wrong in range(31):
        low, high = wilson(wrong, 30)
        assert 0 <= low <= wrong / 30 <= high <= 1
        assert wilson(30 - wrong, 30) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    # the exact sign test, as any table of the binomial distribution with probability 1/2 gives it
    [(0, 6, 0.03125), (6, 0, 0.03125), (1, 9, 22 / 1024), (5, 15, 0.0413895), (5, 5, 1), (0, 0, 1), (0, 1, 1)],
)
def test_mcnemar_is_the_exact_sign_test_on_the_discordant_images(only_first, only_second, p):
    assert mcnemar(only_first, only_second) == pytest.approx(p, rel=1e-5)


def test_mcnemar_stays_exact_where_floats_would_not():
    assert 0 < mcnemar(1000, 2000) < 1e-70
    assert mcnemar(5000, 5000) == 1


@pytest.mark.parametrize("counts", [(0, 0), (3, 0), (400, 380), (900, 40), (1500, 1499), (0, 2000), (7000, 100)])
def test_mcnemar_is_to_the_last_bit_the_sum_of_all_its_terms(counts):
    n = sum(counts)
    exact = Fraction(2 * sum(math.comb(n, k) for k in range(min(counts) + 1)), 2**n)
    assert mcnemar(*counts) == min(1.0, float(exact))


def test_paired_difference_as_published():
    # Bentur et al., 2009, 21 children: 1 and 7 discordant, in Fagerland, Lydersen and Laake, 2014
    difference, low, high = paired_difference(1, 7, 21)
    assert difference == pytest.approx(-0.286, abs=5e-4)
    assert (low, high) == (pytest.approx(-0.508, abs=5e-4), pytest.approx(-0.013, abs=1e-3))


@pytest.mark.parametrize(("only_first", "only_second", "n"), [(3, 9, 40), (0, 0, 10), (10, 0, 10), (50, 60, 2000)])
def test_paired_difference_turns_its_sign_with_the_order_and_stays_in_range(only_first, only_second, n):
    difference, low, high = paired_difference(only_first, only_second, n)
    assert paired_difference(only_second, only_first, n) == pytest.approx((-difference, -high, -low))
    assert -1 <= low <= difference <= high <= 1


def test_paired_difference_covers_the_truth_about_as_often_as_it_says():
    random = np.random.RandomState(0)
    covered = 0
    for _ in range(2000):
        only_first, only_second, _ = random.multinomial(200, [0.10, 0.15, 0.75])
        _, low, high = paired_difference(int(only_first), int(only_second), 200)
        covered += low <= -0.05 <= high
    assert 0.94 <= covered / 2000 <= 0.965
