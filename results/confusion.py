"""Which class is taken for which: the confusion matrix, whole or by its cells, and what follows from it by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def confusion(labels: pd.Series, predicted: pd.Series, classes: Sequence[int]) -> pd.DataFrame:
    """Counts of images, true classes down and predicted ones across, both in the order of `classes` (K, K)."""
    counts, order = pd.crosstab(labels.to_numpy(), predicted.to_numpy()), list(classes)
    return counts.reindex(index=order, columns=order, fill_value=0).rename_axis(index="true", columns="predicted")


def confusion_cells(labels: pd.Series, predicted: pd.Series, classes: Sequence[int]) -> pd.DataFrame:
    """The matrix's cells that are not 0, by `true` and `predicted`, places in `classes`, ascending; and their `images`.

    At most one an image, however many classes there are.
    """
    place = pd.Series(range(len(classes)), list(classes))
    pairs = pd.DataFrame({"true": place[labels].to_numpy(), "predicted": place[predicted].to_numpy()})
    return pairs.value_counts(sort=False).sort_index().rename("images").reset_index()


def by_class(matrix: pd.DataFrame) -> pd.DataFrame:
    """Per class: `images` of it, `predicted` as it, `right`, and `precision`, `recall` and `f1` in [0, 1].

    NaN where a measure is undefined: recall without images, precision without predictions, F1 without either.
    """
    return _measures(matrix.sum(axis=1), matrix.sum(axis=0), pd.Series(np.diag(matrix), matrix.index))


def by_class_of_cells(cells: pd.DataFrame, classes: int) -> pd.DataFrame:
    """The same from `confusion_cells`, a line for each of so many classes."""
    right = cells[cells["true"] == cells["predicted"]]
    counted = (cells.groupby("true"), cells.groupby("predicted"), right.groupby("true"))
    return _measures(*(group["images"].sum().reindex(range(classes), fill_value=0) for group in counted))


def _measures(images: pd.Series, predicted: pd.Series, right: pd.Series) -> pd.DataFrame:
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
    true, predicted = np.nonzero(counts)
    cells = pd.DataFrame({"true": true, "predicted": predicted, "images": counts[true, predicted]})
    pairs = frequent_cells(cells)
    return pairs.assign(true=matrix.index[pairs["true"]], predicted=matrix.columns[pairs["predicted"]])


def frequent_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """The same from `confusion_cells`: those that are confusions, with the `share` of the true class's images."""
    share = cells["images"] / cells.groupby("true")["images"].transform("sum")
    wrong = cells.assign(share=share)[cells["true"] != cells["predicted"]]
    return wrong.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def occurring(matrix: pd.DataFrame) -> pd.DataFrame:
    """The matrix without classes that no image has and none is taken for."""
    seen = matrix.any(axis=0) | matrix.any(axis=1)
    return matrix.loc[seen, seen]
