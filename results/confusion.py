"""Which class is taken for which: the confusion matrix and what follows from it class by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def confusion(labels: pd.Series, predicted: pd.Series, classes: Sequence[int]) -> pd.DataFrame:
    """Counts of images, true classes down and predicted ones across, both in the order of `classes` (K, K)."""
    counts, order = pd.crosstab(labels.to_numpy(), predicted.to_numpy()), list(classes)
    return counts.reindex(index=order, columns=order, fill_value=0).rename_axis(index="true", columns="predicted")


def by_class(matrix: pd.DataFrame) -> pd.DataFrame:
    """Per class: `images` of it, `predicted` as it, `right`, and `precision`, `recall` and `f1` in [0, 1].

    NaN where a measure is undefined: recall without images, precision without predictions, F1 without either.
    """
    images, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    right = pd.Series(np.diag(matrix), matrix.index)
    return pd.DataFrame(
        {
            "images": images,
            "predicted": predicted,
            "right": right,
            "precision": right / predicted,  # pandas divides 0 by 0 to NaN
            "recall": right / images,
            "f1": 2 * right / (images + predicted),
        }
    )


def frequent_confusions(matrix: pd.DataFrame) -> pd.DataFrame:
    """Pairs of classes by how often one is taken for the other: `true`, `predicted`, `images`, `share` of the true."""
    counts = matrix.to_numpy()
    wrong = counts - np.diag(np.diag(counts))
    true, predicted = np.nonzero(wrong)
    images = wrong[true, predicted]
    names = {"true": matrix.index[true], "predicted": matrix.columns[predicted]}
    pairs = pd.DataFrame({**names, "images": images, "share": images / counts.sum(1)[true]})
    return pairs.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def occurring(matrix: pd.DataFrame) -> pd.DataFrame:
    """The matrix without classes that no image has and none is taken for."""
    seen = matrix.any(axis=0) | matrix.any(axis=1)
    return matrix.loc[seen, seen]
