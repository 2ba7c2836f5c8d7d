import numpy as np
import pytest

from results.calibration import BINS, expected_calibration_error, reliability


def error(confidence, right) -> float:
    return expected_calibration_error(reliability(np.array(confidence, float), np.array(right, bool)))


def test_a_perfect_and_sure_classifier_has_no_error():
    assert error([1.0] * 20, [True] * 20) == 0


@pytest.mark.parametrize("tenths", range(1, 11))
def test_a_classifier_that_is_right_as_often_as_it_says_has_no_error(tenths):
    assert error([tenths / 10] * 10, [k < tenths for k in range(10)]) == pytest.approx(0, abs=1e-12)


def test_sure_and_always_wrong_is_the_worst():
    assert error([1.0] * 9, [False] * 9) == 1


def test_over_and_under_confidence_in_one_bin_cancel_and_in_two_do_not():
    assert error([0.5, 0.5], [True, False]) == 0
    assert error([0.2] * 5 + [0.9] * 15, [True] * 5 + [False] * 15) == pytest.approx((5 * 0.8 + 15 * 0.9) / 20)


def test_bins_are_fifteen_and_closed_above():
    """Guo et al. (2017), section 2: bin m is the interval ((m-1)/M, m/M]."""
    assert BINS == 15
    table = reliability(np.arange(1, 16) / 15, np.ones(15, bool))
    assert table["images"].tolist() == [1] * 15
    assert table["confidence"].tolist() == pytest.approx(table["high"].tolist())
    just_above = reliability(np.nextafter(np.arange(15) / 15, 1), np.ones(15, bool))
    assert just_above["images"].tolist() == [1] * 15
    assert reliability(np.zeros(3), np.ones(3, bool))["images"][0] == 3


def test_every_image_is_in_one_bin_and_means_are_those_of_the_whole():
    random = np.random.RandomState(0)
    confidence, right = random.rand(1000), random.rand(1000) < 0.4
    table = reliability(confidence, right)
    assert table["images"].sum() == 1000
    for name, values in (("confidence", confidence), ("accuracy", right)):
        assert (table[name] * table["images"]).sum() / 1000 == pytest.approx(values.mean())
    assert ((table["low"] < table["confidence"]) & (table["confidence"] <= table["high"])).all()


def test_the_error_with_one_bin_is_the_gap_of_the_means_and_more_bins_never_lessen_it():
    random = np.random.RandomState(1)
    confidence, right = random.rand(500), random.rand(500) < 0.3
    one, all_bins = (expected_calibration_error(reliability(confidence, right, bins)) for bins in (1, 15))
    assert one == pytest.approx(abs(confidence.mean() - right.mean()))
    assert all_bins >= one


def test_empty_bins_are_unknown_and_count_nothing():
    table = reliability(np.array([0.9, 0.9]), np.array([True, False]))
    assert table["accuracy"].isna().sum() == 14
    assert expected_calibration_error(table) == pytest.approx(0.4)
