"""What a row's counts say against its labels: said where they show it, and only there."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from bench.images.labels.imagenet_names import wnids
from bench.images.labels.relabellings import devkit, relabellings
from results.doubts import ALPHA, at_least, label_doubts, no_better_than_guessing
from results.posteriors import Posteriors
from results.store import Block, Expected, Store
from results.tally import Tally, tally

GROUND_TRUTH = {  # the first images of ILSVRC2012_validation_ground_truth.txt, and what they show
    490: "n01751748",
    361: "n09193705",
    171: "n02105855",
    822: "n04263257",
    297: "n03125729",
    482: "n01735189",
    13: "n02346627",
    704: "n02776631",
    599: "n03794056",
    164: "n02328150",
}


def counted(folder, labels: np.ndarray, seen: np.ndarray, count: int, scored=None) -> Tally:
    """A row of a net of `count` classes that is sure of what it has `seen`, on images that are labelled so."""
    probs = np.full((len(labels), count), 0.1 / (count - 1), np.float32)
    probs[np.arange(len(seen)), seen] = 0.9
    ids = np.arange(len(labels)).astype(str)
    store = Store(folder, {"part": "x"})
    store.write(0, Block(Posteriors(probs, labels, ids), 1, "x"))
    blocks = [Expected(ids.tolist(), labels)]
    (found,) = tally([[[(store, Fraction(1))]]], blocks, scored, relabellings(count))
    return found


def doubts(found: Tally) -> list[str]:
    return label_doubts(len(found.ranks), found.standings.wrong(1), found.classes, found.trials)


def test_the_devkits_order_is_that_of_its_ground_truth():
    assert sorted(devkit()) == list(wnids())
    assert devkit()[:5] == ("n02119789", "n02100735", "n02110185", "n02096294", "n02102040")
    assert devkit()[-1] == "n03255030"
    assert {number: devkit()[number - 1] for number in GROUND_TRUTH} == GROUND_TRUTH


@pytest.mark.parametrize("count", [2, 10, 11, 1000])
def test_every_reading_of_labels_maps_classes_to_classes_each_once(count):
    for each in relabellings(count):
        meant = each.classes[each.classes >= 0]
        assert each.classes.shape == (count,)
        assert len(np.unique(meant)) == len(meant) >= count - 1
        assert meant.max() < count


def test_the_readings_undo_one_another():
    by_name = {each.said: each.classes for each in relabellings(1000)}
    lower, higher, text, of_text, one, zero, of_devkit = by_name.values()
    assert (higher[lower[1:]] == np.arange(1, 1000)).all()
    assert (text[of_text] == of_devkit[zero]).all()
    assert text[:4].tolist() == [0, 1, 10, 100]
    assert wnids()[one[1]] == wnids()[zero[0]] == "n02119789"
    assert one[0] == -1


@pytest.mark.parametrize("which", range(7))
def test_labels_that_are_read_wrongly_are_doubted_and_how_is_said(tmp_path, which):
    """A net that errs on a tenth of the images, which are labelled in one of the wrong ways."""
    labels = np.random.default_rng(which).integers(1, 999, 50)
    reading = relabellings(1000)[which]
    seen = reading.classes[labels]
    seen[::10] = (seen[::10] + 500) % 1000
    found = counted(tmp_path, labels, seen, 1000)
    wrong = found.standings.wrong(1)
    assert f"with {reading.said} 5 of 50 images are wrong, not {wrong}; labels, class order" in doubts(found)[-1]
    assert wrong > 40


def test_other_readings_are_tried_among_the_classes_that_compete_then(tmp_path):
    """Labels 10 to 29 compete; read one lower, 9 to 28 do."""
    labels = np.tile(np.arange(10, 30), 2)
    found = counted(tmp_path, labels, labels - 1, 60, np.unique(labels))
    assert any("every label one lower 0 of 40 images are wrong" in text for text in doubts(found))


def test_labels_that_are_right_are_not_doubted(tmp_path):
    """Nor does it matter how hard the images are, as long as the net does better than guesses."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 1000, 200)
    for right in (200, 100, 20, 4):
        seen = np.where(np.arange(200) < right, labels, random.integers(0, 1000, 200))
        assert doubts(counted(tmp_path / str(right), labels, seen, 1000)) == []


def test_guesses_are_called_guesses(tmp_path):
    random = np.random.default_rng(1)
    labels, seen = random.integers(0, 8, (2, 96))
    found = counted(tmp_path, labels, seen, 8)
    right = 96 - found.standings.wrong(1)
    assert doubts(found) == [
        f"no better than guessing: {right} of 96 right among 8 classes; labels, class order or pixels may not be those "
        "of the weights"
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_few_images_are_no_evidence(tmp_path, count):
    labels = np.arange(count) + 1
    assert doubts(counted(tmp_path, labels, labels - 1, 1000)) == []


def test_one_class_alone_is_never_wrong():
    assert label_doubts(9, 0, 1, []) == ["only one class competes, so that nothing can be wrong"]


def test_halving_alone_is_not_enough(tmp_path):
    """One of three images is wrong, and none if every label is one lower: chance."""
    labels, seen = np.array([5] * 3), np.array([4, 5, 5])
    assert doubts(counted(tmp_path, labels, seen, 6)) == []


@pytest.mark.parametrize(("n", "p"), [(1, 0.5), (7, 0.001), (30, 0.25), (60, 0.9)])
def test_binomial_probabilities_are_those_of_their_definition(n, p):
    share = Fraction(p)
    for successes in range(n + 1):
        exact = sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(successes, n + 1))
        assert at_least(successes, n, p) == pytest.approx(float(exact), rel=1e-9)


def test_binomial_probabilities_of_a_whole_set_add_up():
    assert at_least(0, 50_000, 0.001) == pytest.approx(1, abs=1e-6)
    assert at_least(50, 50_000, 0.001) + at_least(50_000 - 49, 50_000, 0.999) == pytest.approx(1, abs=1e-6)


def test_guessing_is_told_from_knowing_at_1_percent():
    """The fewest right answers of 400 among 10 classes that guesses reach in fewer than 1 % of cases."""
    fewest = next(right for right in range(400) if at_least(right, 400, 0.1) < ALPHA)
    assert no_better_than_guessing(fewest - 1, 400, 10)
    assert not no_better_than_guessing(fewest, 400, 10)
