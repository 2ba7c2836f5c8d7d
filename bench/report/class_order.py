"""An order of the classes in which those that are taken for each other stand together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.extras import needed

MOST = 10_000  # classes; as many take 2 s and 1 GB, and both grow with their square


def clustered(matrices: Sequence[pd.DataFrame], classes: int) -> list[int] | None:
    """All classes, in the order of the leaves of average linkage; `matrices` are `confusion_cells` of rows.

    Two classes are the nearer the larger the share of each that is taken for the other, mean of both and of all rows.
    None where there are too few to order, or more than can be clustered. Raises UserError without scipy.
    """
    if not 2 < classes <= MOST:
        return None
    hierarchy = needed("scipy.cluster.hierarchy", "report")
    distances = np.ones(classes * (classes - 1) // 2)
    for cells in matrices:
        share = cells["images"] / cells.groupby("true")["images"].transform("sum")
        low, high = np.sort(cells[["true", "predicted"]].to_numpy(), axis=1).T
        apart = low < high
        place = low * (2 * classes - low - 1) // 2 + high - low - 1  # of a pair in scipy's condensed form
        np.subtract.at(distances, place[apart], (share / 2 / len(matrices))[apart])
    return [int(leaf) for leaf in hierarchy.leaves_list(hierarchy.linkage(distances, "average"))]
