import numpy as np
import pytest

from results.selective import area_under_risk_coverage, risk_coverage


def test_by_hand_surest_first():
    curve = risk_coverage(np.array([0.2, 0.9, 0.5, 0.7]), np.array([False, True, True, False]))
    assert curve["confidence"].tolist() == [0.9, 0.7, 0.5, 0.2]
    assert curve["coverage"].tolist() == [0.25, 0.5, 0.75, 1]
    assert curve["risk"].tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert area_under_risk_coverage(curve) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_images_of_one_confidence_are_kept_together_in_whatever_order_they_stand():
    confidence, right = np.array([0.9, 0.5, 0.5, 0.5]), np.array([True, False, True, True])
    curve = risk_coverage(confidence, right)
    assert curve["coverage"].tolist() == [0.25, 1]
    assert curve["risk"].tolist() == [0, 0.25]
    assert risk_coverage(confidence[::-1], right[::-1]).equals(curve)
    assert area_under_risk_coverage(curve) == pytest.approx(0.25 * 3 / 4)


def test_at_full_coverage_the_risk_is_the_error():
    rng = np.random.default_rng(0)
    confidence, right = rng.random(1000).round(2), rng.random(1000) < 0.7
    curve = risk_coverage(confidence, right)
    assert curve["coverage"].is_monotonic_increasing
    assert curve["coverage"].iloc[-1] == 1
    assert curve["risk"].iloc[-1] == pytest.approx((~right).mean(), rel=1e-12)
    for _, kept in curve.iterrows():  # the definition: the error among those at least as sure
        assert kept["risk"] == pytest.approx((~right[confidence >= kept["confidence"]]).mean(), rel=1e-12)


def test_an_order_that_knows_every_mistake_has_the_known_least_area():
    """Mistakes last: n right images, then m wrong ones, whose risks are 1/(n+1), ..., m/(n+m)."""
    n, m = 70, 30
    right = np.arange(n + m) < n
    least = sum(k / (n + k) for k in range(1, m + 1)) / (n + m)
    assert area_under_risk_coverage(risk_coverage(-np.arange(n + m), right)) == pytest.approx(least)
    assert area_under_risk_coverage(risk_coverage(np.zeros(n + m), right)) == pytest.approx(m / (n + m))


def test_all_right_has_no_area_and_one_image_is_a_curve():
    assert area_under_risk_coverage(risk_coverage(np.array([0.3, 0.4]), np.array([True, True]))) == 0
    assert risk_coverage(np.array([0.3]), np.array([False])).values.tolist() == [[0.3, 1, 1]]
