import numpy as np
import pandas as pd
import pytest

from results.confusion import (
    by_class,
    by_class_of_cells,
    confusion,
    confusion_cells,
    frequent_cells,
    frequent_confusions,
    occurring,
)

K, N = 7, 500
LABELS = pd.Series(np.random.RandomState(1).randint(0, K, N))
PREDICTED = LABELS.where(np.random.RandomState(2).rand(N) < 0.6, np.random.RandomState(3).randint(0, K, N))
WRONG = int((LABELS != PREDICTED).sum())


@pytest.fixture
def matrix() -> pd.DataFrame:
    return confusion(LABELS, PREDICTED, range(K))


def test_sums_are_the_counts(matrix):
    assert np.trace(matrix) == N - WRONG
    assert matrix.sum(axis=1).tolist() == np.bincount(LABELS, minlength=K).tolist()
    assert matrix.sum(axis=0).tolist() == np.bincount(PREDICTED, minlength=K).tolist()


def test_a_cell_counts_its_pair(matrix):
    for true in range(K):
        for predicted in range(K):
            assert matrix.loc[true, predicted] == ((true == LABELS) & (predicted == PREDICTED)).sum()


def test_recall_weighted_by_images_and_precision_by_predictions_are_the_accuracy(matrix):
    classes = by_class(matrix)
    for measure, weight in (("recall", "images"), ("precision", "predicted")):
        assert np.average(classes[measure], weights=classes[weight]) == pytest.approx(1 - WRONG / N)


def test_f1_is_the_harmonic_mean(matrix):
    classes = by_class(matrix)
    assert classes["f1"].tolist() == pytest.approx((2 / (1 / classes["precision"] + 1 / classes["recall"])).tolist())


def test_a_perfect_classifier_has_ones_and_no_confusions():
    perfect = confusion(LABELS, LABELS, range(K))
    assert (by_class(perfect)[["precision", "recall", "f1"]] == 1).all(axis=None)
    assert frequent_confusions(perfect).empty


def test_by_hand_with_what_is_undefined():
    """One image of class 0 taken for 1, one of 0 right; class 2 never occurs, and nothing is said of 3."""
    matrix = confusion(pd.Series([0, 0, 3]), pd.Series([0, 1, 0]), range(4))
    found = by_class(matrix).to_dict("list")
    assert (found["images"], found["predicted"], found["right"]) == ([2, 0, 0, 1], [2, 1, 0, 0], [1, 0, 0, 0])
    assert found["precision"] == pytest.approx([0.5, 0, np.nan, np.nan], nan_ok=True)
    assert found["recall"] == pytest.approx([0.5, np.nan, np.nan, 0], nan_ok=True)
    assert found["f1"] == pytest.approx([0.5, 0, np.nan, 0], nan_ok=True)
    assert list(occurring(matrix).index) == list(occurring(matrix).columns) == [0, 1, 3]


def test_confusions_are_the_mistakes_most_frequent_first(matrix):
    pairs = frequent_confusions(matrix)
    assert pairs["images"].sum() == WRONG
    assert pairs["images"].is_monotonic_decreasing
    assert (pairs["true"] != pairs["predicted"]).all()
    first = pairs.loc[0]
    assert first["images"] == matrix.loc[first["true"], first["predicted"]]
    assert first["share"] == pytest.approx(first["images"] / matrix.loc[first["true"]].sum())


def test_the_order_of_the_classes_is_kept():
    matrix = confusion(pd.Series([4, 2]), pd.Series([2, 2]), [4, 2, 9])
    assert matrix.to_numpy().tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("classes", [range(K), [6, 0, 3, 1, 2, 5, 4], range(K + 2)])
def test_cells_say_what_the_matrix_says(classes):
    matrix, cells = confusion(LABELS, PREDICTED, classes), confusion_cells(LABELS, PREDICTED, classes)
    whole = np.zeros((len(classes), len(classes)), int)
    whole[cells["true"], cells["predicted"]] = cells["images"]
    assert whole.tolist() == matrix.to_numpy().tolist()
    assert (cells["images"] > 0).all()
    pd.testing.assert_frame_equal(
        by_class_of_cells(cells, len(classes)), by_class(matrix).reset_index(drop=True), check_names=False
    )
    name = dict(enumerate(classes))
    pairs = frequent_cells(cells).replace({"true": name, "predicted": name})
    pd.testing.assert_frame_equal(pairs, frequent_confusions(matrix), check_dtype=False)


def test_cells_of_images_that_are_all_right():
    cells = confusion_cells(LABELS, LABELS, range(K))
    assert frequent_cells(cells).empty
    assert cells["images"].sum() == N
