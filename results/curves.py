"""Curves as they go into pages and figures."""

import numpy as np
import pandas as pd

POINTS = 200  # no page shows more of a curve than this


def thinned(curve: pd.DataFrame, points: int = POINTS) -> pd.DataFrame:
    """At most so many of a curve's lines, evenly spread by number, with the first and the last; all if there are fewer.

    `points` is at least 2. Lines stay as they are: none is averaged or made up.
    """
    if len(curve) <= points:
        return curve
    return curve.iloc[np.linspace(0, len(curve) - 1, points).round().astype(int)].reset_index(drop=True)
