import numpy as np
import pytest

from results.front import front


def test_what_costs_more_and_errs_as_much_is_beaten():
    points = [(3, 5.0), (1, 9.0), (2, 9.0), (2, 7.0), (4, 5.0), (5, 1.0)]
    assert front(points) == [1, 3, 0, 5]


def test_equal_points_do_not_beat_each_other():
    assert front([(2, 4.0), (1, 5.0), (2, 4.0), (1, 6.0)]) == [1, 0, 2]


def test_it_is_the_definition_on_random_points_with_ties():
    rng = np.random.default_rng(2)
    for _ in range(50):
        points = [tuple(each) for each in rng.integers(0, 6, (rng.integers(1, 12), 2)).tolist()]
        unbeaten = {
            i
            for i, (cost, error) in enumerate(points)
            if not any(c <= cost and e <= error and (c, e) != (cost, error) for c, e in points)
        }
        found = front(points)
        assert set(found) == unbeaten
        assert [points[i] for i in found] == sorted(points[i] for i in found)


def test_no_points_and_points_that_are_none():
    assert front([]) == []
    with pytest.raises(ValueError, match="NaN"):
        front([(1, float("nan"))])
