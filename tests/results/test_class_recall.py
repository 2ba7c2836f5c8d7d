import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from results.average_precision import mean_over_classes
from results.class_recall import mean_and_deviation, recall_by_class


def test_recall_is_scikit_learns():
    random = np.random.default_rng(0)
    labels, predicted = random.integers(0, 5, 200), random.integers(0, 5, 200)
    recall = recall_by_class(labels, predicted, 5)
    np.testing.assert_allclose(recall[:, 0], recall_score(labels, predicted, average=None))
    assert mean_over_classes(recall) == pytest.approx(balanced_accuracy_score(labels, predicted))


def test_large_classes_count_no_more_than_small_ones():
    labels = np.array([0] * 98 + [1] * 2)
    assert mean_over_classes(recall_by_class(labels, np.zeros_like(labels), 2)) == 0.5


def test_a_class_without_images_has_none():
    recall = recall_by_class(np.array([0, 2, 2]), np.array([0, 2, 1]), 3)
    np.testing.assert_array_equal(recall[:, 0], [1, np.nan, 0.5])
    assert mean_over_classes(recall) == 0.75


def test_counts_are_repeated_images():
    random = np.random.default_rng(1)
    labels, predicted = random.integers(0, 4, 50), random.integers(0, 4, 50)
    counts = random.integers(0, 3, (50, 6))
    counts[labels == 3, 0] = 0
    for column, recall in zip(counts.T, recall_by_class(labels, predicted, 4, counts).T, strict=True):
        again = recall_by_class(np.repeat(labels, column), np.repeat(predicted, column), 4)
        np.testing.assert_array_equal(recall, again[:, 0])


def test_mean_and_sample_deviation_over_splits():
    assert mean_and_deviation(np.array([0.9, 0.92, 0.94])) == pytest.approx((0.92, 0.02))
    mean, deviation = mean_and_deviation(np.array([0.9]))
    assert mean == 0.9
    assert np.isnan(deviation)
