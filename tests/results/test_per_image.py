import numpy as np
import pytest

from results.metrics import ranks
from results.per_image import per_image
from results.posteriors import Posteriors


def posteriors(rows, labels) -> Posteriors:
    return Posteriors(np.array(rows, np.float32), np.array(labels), np.arange(len(labels)).astype(str))


@pytest.fixture
def tied() -> Posteriors:
    """300 images over 6 classes, probabilities in eighths, so that most images have ties."""
    random = np.random.RandomState(0)
    return posteriors(random.multinomial(8, np.ones(6) / 6, 300) / 8, random.randint(0, 6, 300))


def test_a_true_class_that_ties_for_the_best_is_the_predicted_one():
    found = per_image(posteriors([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]], [0, 1, 2]))
    assert found["predicted"].tolist() == [0, 1, 0]
    assert found["rank"].tolist() == [1, 1, 3]
    assert found["confidence"].tolist() == pytest.approx([0.4] * 3)


@pytest.mark.parametrize("competing", [None, np.arange(6), np.array([5, 0, 2, 1, 3, 4])])
def test_predictions_differ_from_labels_exactly_where_images_count_as_wrong(tied, competing):
    found = per_image(tied, competing)
    wrong = ranks(tied, competing) >= 1
    assert wrong.any()
    assert not wrong.all()
    assert ((found["predicted"] != found["label"]) == wrong).all()
    assert ((found["rank"] > 1) == wrong).all()


def test_the_predicted_class_has_the_highest_probability_and_that_is_the_confidence(tied):
    found = per_image(tied)
    own = tied.probs[np.arange(len(tied)), found["predicted"]]
    assert (own == tied.probs.max(1)).all()
    assert (found["confidence"] == own).all()


def test_only_competing_classes_are_predicted_and_confidence_is_their_share():
    found = per_image(posteriors([[0.5, 0.1, 0.3, 0.1], [0.7, 0.2, 0.0, 0.1]], [3, 1]), np.array([1, 2, 3]))
    assert found["predicted"].tolist() == [2, 1]
    assert found["confidence"].tolist() == pytest.approx([0.3 / 0.5, 0.2 / 0.3])
    assert found["rank"].tolist() == [2, 1]


def test_competing_classes_that_got_nothing_are_as_likely_as_one_another():
    """None of them is the true one: a label that got nothing is wrong."""
    found = per_image(posteriors([[1, 0, 0, 0]], [2]), np.array([2, 3]))
    assert found.loc[0, ["predicted", "rank"]].tolist() == [3, 2]
    assert found["confidence"].tolist() == [0.5]


def test_names_that_are_no_unicode_stay_as_they_are(tied):
    ids = np.array([f"a\udcff {k}.jpg" for k in range(len(tied.ids))])
    assert per_image(Posteriors(tied.probs, tied.labels, ids))["id"].tolist() == ids.tolist()


def test_confidence_never_passes_1():
    assert per_image(posteriors([[np.nextafter(np.float32(1), np.float32(2)), 0]], [0]))["confidence"].tolist() == [1]
