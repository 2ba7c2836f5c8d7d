"""What a row says of every image: the predicted class, how sure it is, and where the true class came."""

import numpy as np
import pandas as pd

from results.metrics import ranks
from results.posteriors import Posteriors


def per_image(posteriors: Posteriors, competing: np.ndarray | None = None) -> pd.DataFrame:
    """One line per image: `id`, `label` and `predicted` (class indices), `confidence` in [0, 1], `rank` from 1.

    With `competing` (class indices) only those compete, and confidences are shares of what they got together. `rank` is
    one more than the number of classes above the true one, so a true class that ties for the best is the predicted one,
    and `predicted` differs from `label` exactly where an image counts as wrong. Other ties go to the lower index.
    Raises what `ranks` raises.
    """
    above = ranks(posteriors, competing)
    indices = np.arange(posteriors.probs.shape[1]) if competing is None else competing
    probs = posteriors.probs if competing is None else posteriors.probs[:, competing]
    best, second = indices[probs.argmax(1)], indices[min(1, len(indices) - 1)]
    other = np.where(best == posteriors.labels, second, best)  # where a wrong image's best is true, all got 0
    confidence = probs.max(1).astype(np.float64)
    if competing is not None:
        together = probs.sum(1, dtype=np.float64)
        unknown = np.full(len(probs), 1 / len(indices))  # where none of them got anything
        confidence = np.divide(confidence, together, out=unknown, where=together > 0)
    return pd.DataFrame(
        {
            "id": pd.Series(posteriors.ids, dtype=object),  # names may be no Unicode, which pandas' text has to be
            "label": posteriors.labels,
            "predicted": np.where(above == 0, posteriors.labels, other),
            "confidence": confidence.clip(0, 1),  # float32 sums may pass 1 by a rounding
            "rank": above + 1,
        }
    )
