import numpy as np
import pytest

from results.average_precision import by_class, mean_over_classes
from results.bootstrap import Resampled, bootstrap_interval, interval, resampled


def shares(positive):
    return lambda counts: (counts * positive[:, None]).sum(axis=0) / counts.sum(axis=0)


def test_the_seed_decides():
    positive = np.arange(50) % 3 == 0
    values = resampled(Resampled(50, shares(positive)), 7, 250)
    assert values.shape == (250,)
    np.testing.assert_array_equal(values, resampled(Resampled(50, shares(positive)), 7, 250))
    assert not np.array_equal(values, resampled(Resampled(50, shares(positive)), 8, 250))


def test_every_sample_has_as_many_images():
    np.testing.assert_array_equal(resampled(Resampled(37, lambda counts: counts.sum(axis=0)), 0, 130), 37)


def test_the_interval_of_a_share_is_the_binomials():
    positive = np.arange(1000) < 300
    low, high = bootstrap_interval(Resampled(1000, shares(positive)), seed=0)
    deviation = np.sqrt(0.3 * 0.7 / 1000)
    assert (low, high) == (
        pytest.approx(0.3 - 1.96 * deviation, abs=0.004),
        pytest.approx(0.3 + 1.96 * deviation, abs=0.004),
    )


def test_a_measure_without_spread_has_none():
    assert bootstrap_interval(Resampled(9, lambda counts: np.full(counts.shape[1], 0.5)), 0, 20) == (0.5, 0.5)


def test_undefined_samples_are_left_out():
    assert interval(np.array([np.nan, 1.0, 1.0])) == (1, 1)
    assert np.isnan(interval(np.full(3, np.nan))).all()


def test_average_precision_lies_in_its_interval():
    random = np.random.default_rng(0)
    present = random.random((300, 3)) < 0.3
    scores, difficult = present + random.standard_normal(present.shape), random.random(present.shape) < 0.1
    present &= ~difficult
    (value,) = mean_over_classes(by_class(present, difficult, scores, "area"))
    measure = Resampled(300, lambda counts: mean_over_classes(by_class(present, difficult, scores, "area", counts)))
    low, high = bootstrap_interval(measure, 0, 200)
    assert low < value < high


def test_within_groups_every_sample_has_as_many_images_of_each():
    groups = np.array([2, 0, 2, 2, 0, 5])
    for group, size in ((0, 2), (2, 3), (5, 1)):
        own = Resampled(6, lambda counts, which=groups == group: counts[which].sum(axis=0), groups)
        np.testing.assert_array_equal(resampled(own, 0, 120), size)


def test_within_groups_the_mean_of_samples_is_the_measure_where_classes_are_small():
    """The mean of two classes' recalls, the one of 3 images; drawn together it would lack that class at times."""
    right, labels = np.array([1, 0, 0, *[1] * 30, *[0] * 10], bool), np.array([0] * 3 + [1] * 40)

    def measure(counts: np.ndarray) -> np.ndarray:
        of_class = [
            (counts * right[:, None])[labels == k].sum(axis=0) / counts[labels == k].sum(axis=0) for k in (0, 1)
        ]
        return np.mean(of_class, axis=0)

    values = resampled(Resampled(43, measure, labels), 0, 2000)
    spread = np.sqrt((1 / 3 * 2 / 3 / 3 + 0.75 * 0.25 / 40) / 4)
    assert values.mean() == pytest.approx((1 / 3 + 0.75) / 2, abs=4 * spread / np.sqrt(2000))
    assert values.std() == pytest.approx(spread, rel=0.06)
