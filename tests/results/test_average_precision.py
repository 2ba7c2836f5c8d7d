import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from results.average_precision import (
    RULES,
    average_precision,
    by_class,
    mean_over_classes,
    precision_recall,
    voc_average_precision,
)


def drawn(images: int = 60, values: int = 15, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores with ties, the scores with something of the labels in them."""
    random = np.random.default_rng(seed)
    positive = random.random(images) < 0.3
    positive[:2] = True, False
    return positive, (random.integers(0, values, images) + 3 * positive) / values


def as_the_kit_does(positive: np.ndarray, score: np.ndarray, rule: str) -> float:
    """VOCevalcls.m and VOCap.m of the development kits of 2007 and 2012, line by line, for scores without ties."""
    right = positive[np.argsort(-score)]
    found = np.cumsum(right)
    recall, precision = found / found[-1], found / np.arange(1, len(right) + 1)
    if rule == "11 points":
        return sum(max(precision[recall >= tenths / 10 - 1e-9]) / 11 for tenths in range(11))
    recall, precision = np.r_[0, recall, 1], np.r_[0, precision, 0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    grows = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    return float(((recall[grows] - recall[grows - 1]) * precision[grows]).sum())


def voc(positive, score, rule, **more) -> float:
    (value,) = voc_average_precision(np.asarray(positive, bool), np.asarray(score, float), rule, **more)
    return float(value)


# Ranked: right, wrong, right, right, wrong, wrong, right, and a difficult one that would be second.
# Recall     1/4   1/4   2/4   3/4   3/4   3/4   4/4
# Precision  1     1/2   2/3   3/4   3/5   3/6   4/7
# Monotone   1     3/4   3/4   3/4   3/5   4/7   4/7   (the best from there on)
# 11 points: the recalls 0, 0.1, 0.2 are reached by the first; 0.3, 0.4, 0.5 and 0.6, 0.7 with a precision of 3/4;
#            0.8, 0.9, 1 with 4/7: (3 * 1 + 5 * 3/4 + 3 * 4/7) / 11
# Area:      1/4 * 1 + 1/4 * 3/4 + 1/4 * 3/4 + 1/4 * 4/7
# Plain:     1/4 * (1 + 2/3 + 3/4 + 4/7)
RANKED = np.array([1, 0, 0, 1, 1, 0, 0, 1], bool)
SCORE = np.array([0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
COUNTED = np.arange(8) != 1


@pytest.mark.parametrize(
    ("rule", "value"), [("11 points", (3 + 5 * 3 / 4 + 3 * 4 / 7) / 11), ("area", (1 + 3 / 4 + 3 / 4 + 4 / 7) / 4)]
)
def test_an_example_by_hand(rule, value):
    assert voc(RANKED, SCORE, rule, counted=COUNTED) == pytest.approx(value)
    assert average_precision(RANKED[COUNTED], SCORE[COUNTED]) == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 7) / 4)


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_are_the_development_kits(rule):
    for seed in range(20):
        positive, score = drawn(seed=seed)
        score = score + np.random.default_rng(seed).permutation(len(score)) * 1e-6  # no ties, of which the kit's depend
        assert voc(positive, score, rule) == pytest.approx(as_the_kit_does(positive, score, rule))


def test_the_curve_and_plain_precision_are_scikit_learns():
    for seed in range(10):
        positive, score = drawn(seed=seed)
        precision, recall, thresholds = precision_recall_curve(positive, score)
        curve = precision_recall(positive, score)
        np.testing.assert_allclose(curve.precision, precision[:-1][::-1])  # theirs ascends, with a last point at (0, 1)
        np.testing.assert_allclose(curve.recall, recall[:-1][::-1])
        np.testing.assert_array_equal(curve.thresholds, thresholds[::-1])
        assert average_precision(positive, score) == pytest.approx(average_precision_score(positive, score))


@pytest.mark.parametrize("rule", RULES)
class TestIdentities:
    def test_a_perfect_order_is_one(self, rule):
        assert voc([1, 1, 0, 0], [4, 3, 2, 1], rule) == 1

    def test_all_of_one_score_are_the_prevalence(self, rule):
        assert voc([1, 0, 0, 1, 0], [7] * 5, rule) == pytest.approx(2 / 5)

    def test_scores_count_by_their_order_alone(self, rule):
        positive, score = drawn()
        assert voc(positive, np.exp(3 * score) - 8, rule) == voc(positive, score, rule)

    def test_the_order_of_images_does_not_matter(self, rule):
        positive, score = drawn()
        order = np.random.default_rng(1).permutation(len(score))
        assert voc(positive[order], score[order], rule) == voc(positive, score, rule)

    def test_difficult_images_are_as_if_not_there(self, rule):
        positive, score = drawn()
        counted = np.random.default_rng(2).random(len(score)) < 0.7
        assert voc(positive, score, rule, counted=counted) == voc(positive[counted], score[counted], rule)

    def test_counts_are_repeated_images(self, rule):
        positive, score = drawn()
        counts = np.random.default_rng(3).integers(0, 4, (len(score), 5))
        values = voc_average_precision(positive, score, rule, weights=counts)
        for column, value in zip(counts.T, values, strict=True):
            assert value == pytest.approx(voc(np.repeat(positive, column), np.repeat(score, column), rule))
        assert voc(positive, score, rule, weights=np.ones((len(score), 1), int)) == voc(positive, score, rule)

    def test_without_an_image_of_the_class_there_is_none(self, rule):
        assert np.isnan(voc([0, 0], [1, 2], rule))
        counts = np.array([[0, 1], [3, 1]])
        np.testing.assert_array_equal(
            voc_average_precision(np.array([True, False]), np.array([1.0, 0.0]), rule, weights=counts), [np.nan, 1]
        )


def test_monotone_precision_is_never_lower_than_the_plain_one():
    for seed in range(20):
        positive, score = drawn(seed=seed)
        assert voc(positive, score, "area") >= average_precision(positive, score) - 1e-12


def test_a_recall_of_three_in_ten_reaches_the_point_three_tenths():
    positive = np.array([1, 1, 1, 0] + [1] * 7, bool)  # 3 / 10 < 0.3 in none, 0.1 * 3 > 0.3 in floating point
    # 0 to 0.3 at a precision of 1, the other seven at 10/11, that of the end
    assert voc(positive, -np.arange(11.0), "11 points") == pytest.approx((4 + 7 * 10 / 11) / 11)


def test_the_mean_is_over_classes_that_have_images():
    present = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 0]], bool)
    difficult = np.zeros_like(present)
    difficult[1, 0] = True
    scores = np.array([[3, 1, 0], [2, 2, 1], [1, 3, 2]], float)
    values = by_class(present, difficult, scores, "area")
    np.testing.assert_allclose(values[:, 0], [1, np.nan, 1 / 3])
    assert mean_over_classes(values) == pytest.approx(2 / 3)
    assert np.isnan(mean_over_classes(values[1:2]))


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="finite"):
        voc([1, 0], [np.nan, 1], "area")
    with pytest.raises(ValueError, match="no image counts"):
        precision_recall(np.array([True]), np.array([1.0]), np.zeros(1, bool))
