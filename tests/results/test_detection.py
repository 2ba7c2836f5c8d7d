import numpy as np
import pytest

from results.detection import average_precision, detection


def by_definition(positive: list[bool], score: list[float]) -> float:
    """Precision at each threshold, times what the recall grows there."""
    area = recall = 0.0
    for threshold in sorted(set(score), reverse=True):
        taken = [each for each, s in zip(positive, score, strict=True) if s >= threshold]
        grown = sum(taken) / sum(positive)
        area, recall = area + (grown - recall) * sum(taken) / len(taken), grown
    return area


@pytest.mark.parametrize(
    ("positive", "score", "area"),
    [
        ([True, False, True], [0.9, 0.8, 0.7], (1 + 2 / 3) / 2),
        ([True, True, False, False], [4, 3, 2, 1], 1),
        ([False, False, True], [3, 2, 1], 1 / 3),
        ([True, False, False, True], [1, 1, 1, 1], 1 / 2),  # by chance
        ([False, True, True], [2, 2, 1], (1 / 2 + 2 / 3) / 2),
    ],
)
def test_the_area_is_that_of_steps(positive, score, area):
    assert average_precision(np.array(positive), np.array(score)) == pytest.approx(area)


def test_any_order_and_ties_agree_with_the_definition():
    random = np.random.default_rng(0)
    for _ in range(50):
        positive = random.random(30) < 0.3
        positive[0] = True
        score = random.integers(0, 12, 30) / 12
        found = average_precision(positive, score)
        assert found == pytest.approx(by_definition(positive.tolist(), score.tolist()))


def test_the_least_sure_are_taken_for_outside():
    outside = np.array([True, False, False, False])
    found = detection(outside, np.array([0.2, 0.9, 0.8, 0.7]))
    assert (found.aupr, found.outside, found.within) == (1, 1, 3)
    assert "AUPR 100.00 %, by chance 25.00 %" in str(found)
    assert detection(outside, np.array([0.9, 0.2, 0.3, 0.4])).aupr == 0.25
