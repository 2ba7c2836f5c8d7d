import numpy as np
import pytest

from results.corruption import ALEXNET, EXTRA, GROUPS, IMAGES, PROTOCOL, CorruptionErrors, corruption_errors


def counts(n: int = IMAGES, wrong: int = 0) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(GROUPS, (n, wrong))


def test_alexnet_has_an_mce_of_100_percent():
    million = 1_000_000
    found = CorruptionErrors({group: (million, round(million * ALEXNET[group[:-2]])) for group in GROUPS})
    assert found.mean_corruption_error == pytest.approx(1, abs=1e-9)
    # its errors as they are often quoted, in %
    quoted = [88.6, 89.4, 92.3, 82.0, 82.6, 78.6, 79.8, 86.7, 82.7, 81.9, 56.5, 85.3, 64.6, 71.8, 60.7]
    assert [100 * error for error in ALEXNET.values()] == pytest.approx(quoted, abs=0.051)


def test_errors_are_summed_over_severities_before_they_are_divided():
    found = CorruptionErrors(counts(10) | {"snow/1": (10, 4), "snow/5": (10, 6), "fog/2": (10, 5)})
    assert found.error("snow", 5) == 0.6
    assert found.mean("snow") == pytest.approx(0.2)
    assert found.corruption_error("snow") == pytest.approx(1 / (5 * 0.866816))
    assert found.mean_corruption_error == pytest.approx((0.2 / 0.866816 + 0.1 / 0.819324) / 15)
    assert found.mean_error == pytest.approx(0.3 / 15)
    assert found.record()["corruptions"]["snow"]["wrong1"] == [4, 0, 0, 0, 6]


@pytest.mark.parametrize("group", ["snow/3", "jpeg_compression/5"])
def test_there_is_no_mce_where_a_group_is_not_there(group):
    groups = [name for name in GROUPS if name != group]
    found = corruption_errors(groups, np.zeros(74, bool), {})
    assert found.mean_corruption_error is found.mean(group[:-2]) is found.mean_error is None
    assert found.mean("frost") == 0
    assert f"no mCE: {group} is not there" in found.notes(PROTOCOL)


def test_there_is_no_mce_where_a_group_is_not_whole():
    wrong = np.ones(75, bool)
    cut = corruption_errors(GROUPS, wrong, {"fog/1": "has 2 of 3 images", "fog/2": "has 1 of 3 images"})
    skipped = corruption_errors(GROUPS, wrong, {}, ["snow/1", "snow/1"])
    assert cut.mean_corruption_error is skipped.mean_corruption_error is None
    assert "no mCE: fog/1 has 2 of 3 images, and 1 more groups are not whole" in cut.notes(PROTOCOL)
    assert "no mCE: snow/1 lacks 2 that cannot be decoded" in skipped.notes(PROTOCOL)


def test_the_four_extra_corruptions_are_in_no_mean():
    found = CorruptionErrors(counts(10, 1) | {f"{name}/{k}": (10, 10) for name in EXTRA for k in range(1, 6)})
    assert found.mean_error == pytest.approx(0.1)
    assert found.mean("saturate") == 1
    assert found.corruption_error("saturate") is None
    assert found.cells()[-2]["corruption"] == "(saturate)"
    assert "corruptions in brackets are in no mean" in found.notes(PROTOCOL)


def test_what_differs_from_the_papers_is_said():
    assert len(CorruptionErrors(counts()).notes(PROTOCOL)) == 1
    few = CorruptionErrors(counts(10) | {"snow/1": (9, 1)}).notes("dense@256")
    assert "9-10 images a group, not 50,000" in few
    assert "under dense@256; published mCE are under centre@224" in few
