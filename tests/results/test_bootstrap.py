import numpy as np
import pytest

from results.average_precision import by_class, mean_over_classes
from results.bootstrap import interval, resampled


def share(positive):
    return lambda weights: (weights * positive[:, None]).sum(axis=0) / weights.sum(axis=0)


def test_the_seed_decides():
    positive = np.arange(50) % 3 == 0
    values = resampled(50, share(positive), 7, 250)
    assert values.shape == (250,)
    np.testing.assert_array_equal(values, resampled(50, share(positive), 7, 250))
    assert not np.array_equal(values, resampled(50, share(positive), 8, 250))


def test_the_interval_of_a_share_is_the_binomials():
    positive = np.arange(1000) < 300
    low, high = interval(resampled(1000, share(positive), 0))
    deviation = np.sqrt(0.3 * 0.7 / 1000)
    assert (low, high) == (
        pytest.approx(0.3 - 1.96 * deviation, abs=0.004),
        pytest.approx(0.3 + 1.96 * deviation, abs=0.004),
    )


def test_a_share_has_the_moments_of_rubins_posterior():
    """Of n images with the share p they are p and p (1 - p) / (n + 1): Dirichlet's (Rubin, 1981)."""
    values = resampled(20, share(np.arange(20) < 5), 0, 4000)
    variance = 0.25 * 0.75 / 21
    assert values.mean() == pytest.approx(0.25, abs=4 * np.sqrt(variance / 4000))
    assert values.var() == pytest.approx(variance, rel=0.1)


def test_a_measure_without_spread_has_none():
    assert interval(resampled(9, lambda weights: np.full(weights.shape[1], 0.5), 0, 20)) == (0.5, 0.5)


@pytest.mark.parametrize("rule", ["11 points", "area"])
@pytest.mark.parametrize("images", [20, 300])
def test_average_precision_lies_in_its_interval_also_where_a_class_has_one_image(images, rule):
    for seed in range(5):
        random = np.random.default_rng(seed)
        present = random.random((images, 3)) < 0.1
        present[0] = True
        scores, difficult = present + random.standard_normal(present.shape), random.random(present.shape) < 0.1
        difficult &= ~present

        def mean(weights, present=present, difficult=difficult, scores=scores):
            return mean_over_classes(by_class(present, difficult, scores, rule, weights))

        (value,) = mean(None)
        low, high = interval(resampled(images, mean, 0, 300))
        assert low < value < high


def test_the_mean_of_samples_is_the_mean_recall_where_classes_are_small():
    """Of two classes, the one of 3 images, which sampling whole images would lack at times."""
    right, labels = np.array([1, 0, 0, *[1] * 30, *[0] * 10], bool), np.array([0] * 3 + [1] * 40)

    def mean(weights: np.ndarray) -> np.ndarray:
        return np.mean([share(right[labels == k])(weights[labels == k]) for k in (0, 1)], axis=0)

    values = resampled(43, mean, 0, 2000)
    spread = np.sqrt((1 / 3 * 2 / 3 / 4 + 0.75 * 0.25 / 41) / 4)
    assert values.mean() == pytest.approx((1 / 3 + 0.75) / 2, abs=4 * spread / np.sqrt(2000))
    assert values.std() == pytest.approx(spread, rel=0.06)
