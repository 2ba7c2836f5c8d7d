"""Top-k errors for every k."""

import numpy as np
import pandas as pd

from results.metrics import wilson


def top_k_errors(ranks: np.ndarray, classes: int) -> pd.DataFrame:
    """For every k from 1 to `classes`: `k`, `wrong` images, their `error`, and its 95 % Wilson interval, `low`, `high`.

    `ranks` (N,) says how many classes stand above each image's own (`Tally.ranks`), N at least 1: an image is wrong@k
    where k do. The counts at 1 and 5 are a `Result`'s `wrong1` and `wrong5`. Errors are shares, not %.
    """
    n, k = len(ranks), np.arange(1, classes + 1)
    wrong = n - np.bincount(ranks, minlength=classes)[:classes].cumsum()
    low, high = np.array([wilson(int(each), n) for each in wrong]).T
    return pd.DataFrame({"k": k, "wrong": wrong, "error": wrong / n, "low": low, "high": high})
