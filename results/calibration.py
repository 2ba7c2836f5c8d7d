"""Does a confidence of 70 % mean that 70 % are right? Reliability by bins and the expected calibration error."""

import numpy as np
import pandas as pd

BINS = 15


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Bins of equal width over (0, 1], each closed above: `low`, `high`, `images`, mean `confidence`, `accuracy`.

    `confidence` (N,) in [0, 1], `right` (N,) bool. Means are NaN in an empty bin. A confidence of 0 is in the first.
    """
    edges = np.arange(bins + 1) / bins
    place = np.digitize(confidence, edges[1:-1], right=True)
    groups = pd.DataFrame({"confidence": confidence, "accuracy": right}, dtype=float).groupby(place)
    means = groups.mean().reindex(range(bins))
    images = groups.size().reindex(range(bins), fill_value=0)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "images": images}).join(means)


def expected_calibration_error(table: pd.DataFrame) -> float:
    """Mean distance of accuracy from confidence over a `reliability` table's bins, weighted by images, in [0, 1].

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3. Few images per bin make it too high.
    """
    gaps = (table["accuracy"] - table["confidence"]).abs()
    return float((gaps * table["images"]).sum() / table["images"].sum())  # empty bins: NaN, which the sum leaves out
