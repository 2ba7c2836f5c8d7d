"""Several tests at once: p values that count how many were looked at."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p value corrected for all of them, in the given order (Holm, 1979).

    The smallest of m is multiplied by m, the next by m - 1 and so on; none becomes smaller than one before it, nor
    larger than 1. Rejecting where the result is at most alpha keeps the chance of any false rejection among the m at
    most alpha, however the tests depend on each other.
    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979.
    Raises ValueError for what is not within 0 and 1.
    """
    given = np.asarray(p_values, dtype=float)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p values {list(p_values)}: each must be within 0 and 1")
    order = given.argsort(kind="stable")
    corrected = np.empty_like(given)
    corrected[order] = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)).clip(max=1)
    return corrected.tolist()
