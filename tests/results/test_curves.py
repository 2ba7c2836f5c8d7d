import numpy as np
import pandas as pd
import pytest

from results.curves import POINTS, thinned


@pytest.mark.parametrize("lines", [POINTS + 1, 999, 50_000])
def test_a_long_curve_keeps_its_ends_and_order(lines):
    curve = pd.DataFrame({"x": np.arange(lines), "y": np.sqrt(np.arange(lines))})
    thin = thinned(curve)
    assert len(thin) == POINTS
    assert thin["x"].iloc[[0, -1]].tolist() == [0, lines - 1]
    assert thin["x"].is_monotonic_increasing
    assert thin["x"].is_unique
    assert thin["y"].equals(np.sqrt(thin["x"]))
    assert thin.index.tolist() == list(range(POINTS))


@pytest.mark.parametrize("lines", [1, 2, POINTS])
def test_a_short_curve_stays_as_it_is(lines):
    curve = pd.DataFrame({"x": np.arange(lines)})
    assert thinned(curve).equals(curve)
