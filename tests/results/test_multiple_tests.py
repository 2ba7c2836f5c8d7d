import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from results.multiple_tests import holm


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_holm_is_that_of_statsmodels(count):
    rng = np.random.default_rng(count)
    for shape in (0.05, 0.5, 1):  # from mostly small p values to even ones
        p = rng.random(count) ** (1 / shape)
        p[: count // 3] = p[0]  # ties
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist(), rel=1e-12)


def test_holm_by_hand():
    """4 x 0.01, then 3 x 0.04, 2 x 0.03 lifted to no less than what stands before it, and 1 x 0.2."""
    assert holm([0.04, 0.01, 0.2, 0.03]) == pytest.approx([0.09, 0.04, 0.2, 0.09])


def test_one_test_stays_as_it_is_and_none_are_none():
    assert holm([0.03]) == [0.03]
    assert holm([]) == []
    assert holm([0.9, 0.8, 1.0]) == [1, 1, 1]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(ValueError, match="within 0 and 1"):
        holm([0.5, wrong])
