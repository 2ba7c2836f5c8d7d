import numpy as np
import pandas as pd
import pytest

from results.errors import ResultError
from results.inspection import distinct, inspect
from results.posteriors import Posteriors
from results.written_tables import Counts, WrittenRow

CLASSES = ["class", "true", "images"]  # as our own columns are named


def row(wrong1: int, wrong5: int | None = None) -> WrittenRow:
    beside = dict.fromkeys(("model", "S", "protocol", "data"), "x")
    return WrittenRow("model=x", Counts(6, wrong1, wrong5), 1.0, beside)


def blocks(predicted: list[int]) -> list[Posteriors]:
    """Six images of three classes in two blocks, each given wholly to one class."""
    probs, labels, ids = np.eye(3, dtype=np.float32)[predicted], np.arange(6) % 3, np.arange(6).astype(str)
    return [Posteriors(probs[k : k + 3], labels[k : k + 3], ids[k : k + 3]) for k in (0, 3)]


def test_a_perfect_row_has_neither_mistakes_nor_confusions(tmp_path):
    found = inspect(row(0), blocks([0, 1, 2, 0, 1, 2]), CLASSES, None)
    found.write(tmp_path)
    assert "- Accuracy 100.00 %: 6 of 6 right" in found.summary()
    assert "- Expected calibration error 0.00 %" in found.summary()
    assert "confusions (0 of 0; share of the true class in %):\n\nNone." in found.summary()
    assert found.mistakes(24).empty


def test_tables_name_the_classes_whatever_those_are_called(tmp_path):
    found = inspect(row(2), blocks([0, 1, 1, 0, 1, 1]), CLASSES, None)
    found.write(tmp_path)
    matrix = pd.read_csv(tmp_path / "confusion.csv", index_col=0)
    assert (list(matrix.index), list(matrix.columns)) == (CLASSES, CLASSES)
    assert matrix.loc["images", "true"] == 2
    assert pd.read_csv(tmp_path / "classes.csv")["class"].tolist() == CLASSES
    assert found.mistakes(1)[["id", "true", "predicted"]].to_numpy().tolist() == [["2", "images", CLASSES[1]]]


def test_names_are_distinct_though_one_looks_like_another_with_its_index():
    found = distinct(["twin", "twin", "twin [0]", "other"])
    assert len(set(found)) == 4
    assert found[1::2] == ["twin [1]", "other"]


def test_mistakes_are_the_surest_ones_and_the_surest_first():
    confidences = np.array([0.9, 0.6, 0.8, 0.7, 0.95, 0.5], dtype=np.float32)
    probs = np.zeros((6, 3), np.float32)
    predicted = np.array([1, 2, 0, 1, 1, 0])  # of images 0 to 5 of the classes 0, 1, 2, 0, 1, 2: only 4 is right
    probs[:] = (1 - confidences[:, None]) / 2
    probs[np.arange(6), predicted] = confidences
    block = Posteriors(probs, np.arange(6) % 3, np.arange(6).astype(str))
    found = inspect(row(5), [block], CLASSES, None).mistakes(4)
    assert found["id"].tolist() == ["0", "2", "3", "1"]
    assert found["confidence"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6])
    assert found["true"].tolist() == [CLASSES[k] for k in (0, 2, 0, 1)]
    assert found["predicted"].tolist() == [CLASSES[k] for k in (1, 0, 1, 2)]


@pytest.mark.parametrize("wrong1", [1, 3])
def test_a_row_whose_count_does_not_come_out_is_refused(wrong1):
    with pytest.raises(ResultError, match=f"wrong1 2 of 6, but its table says {wrong1} of 6"):
        inspect(row(wrong1), blocks([0, 1, 1, 0, 1, 1]), CLASSES, None)


@pytest.mark.parametrize("wrong5", [0, 2])
def test_a_row_whose_count_at_top_5_does_not_come_out_is_refused(wrong5):
    """Of 6 classes the true one is the last for one image, and the first for all others."""
    probs = np.eye(6, dtype=np.float32)
    probs[5] = [0.3, 0.25, 0.2, 0.15, 0.1, 0]
    block = Posteriors(probs, np.arange(6), np.arange(6).astype(str))
    names = list("abcdef")
    assert len(inspect(row(1, 1), [block], names, None).predictions) == 6
    with pytest.raises(ResultError, match=f"wrong5 1 of 6, but its table says {wrong5} of 6"):
        inspect(row(1, wrong5), [block], names, None)


def test_an_image_in_two_blocks_is_refused():
    """Even where the counts come out."""
    (first, _) = blocks([0, 1, 2, 0, 1, 2])
    with pytest.raises(ResultError, match="an image stands in two of its blocks"):
        inspect(row(0), [first, first], CLASSES, None)
