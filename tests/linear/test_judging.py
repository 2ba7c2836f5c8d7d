from dataclasses import replace

import numpy as np
import pytest
from divided_sets import of_parts, part, whole

from bench.linear import machines
from bench.linear.combinations import combinations_of
from bench.linear.judging import GRID, Truth, judge, learnings, truth_of
from bench.linear.splits import Division, Split, splits_of
from results.descriptors import normalised


def separable(classes: int = 5, images: int = 12) -> tuple[Truth, np.ndarray, Split]:
    """A set whose classes point in directions of their own, which its descriptors follow, but for their length."""
    divided = whole([images] * classes)
    truth = truth_of(divided)
    random = np.random.default_rng(0)
    vectors = truth.present @ np.eye(classes, 8) + 0.1 * random.standard_normal((len(truth.present), 8))
    (split,) = splits_of(divided, Division(5, None, 1), 0)
    return truth, normalised(vectors), split


@pytest.mark.parametrize("Cs", [GRID, [2.0]])
@pytest.mark.parametrize("validated", [True, False])
def test_each_class_is_learnt_as_often_as_was_foretold(Cs, validated):
    truth, vectors, split = separable()
    if not validated:
        split = replace(split, fitting=split.train, validation=split.validation[:0])
    steps = []
    judge(vectors, truth, split, Cs, lambda: steps.append(1))
    assert len(steps) == learnings(split, Cs) * len(truth.classes)


def overlapping(rule: str | None = "area", seed: int = 0) -> tuple[Truth, np.ndarray, Split]:
    random = np.random.default_rng(seed)
    present = random.random((150, 4)) < 0.3
    vectors = present @ random.standard_normal((4, 20)) + 2 * random.standard_normal((150, 20))
    places = np.arange(150)
    split = Split(places[:100], places[:60], places[60:100], places[100:])
    return Truth(("a", "b", "c", "d"), present, np.zeros_like(present), rule), normalised(vectors), split


def test_a_separable_set_is_judged_perfectly():
    truth, vectors, split = separable()
    judged = judge(vectors, truth, split)
    assert truth.take(split.test).measure(judged.scores) == 1
    assert judged.scores.shape == (35, 5)
    assert judged.scores.dtype == np.float32


@pytest.mark.parametrize("rule", ["11 points", "area"])
def test_so_is_one_with_several_labels_an_image(rule):
    random = np.random.default_rng(0)
    present = random.random((200, 3)) < 0.4
    vectors = normalised(present - 0.5)
    places = np.arange(200)
    split = Split(places[:120], places[:80], places[80:120], places[120:])
    truth = Truth(("a", "b", "c"), present, np.zeros_like(present), rule)
    judged = judge(vectors, truth, split)
    assert truth.take(split.test).measure(judged.scores) == 1


def test_the_length_of_descriptors_does_not_matter():
    truth, vectors, split = overlapping()
    longer = vectors * np.random.default_rng(1).uniform(0.5, 20, (150, 1)).astype(np.float32)
    (alone,) = combinations_of([(256,)], ["mean"], fuse=False)
    one, other = (judge(alone.vectors({(0, 256): each}), truth, split) for each in (vectors, longer))
    assert one.C == other.C
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-3)


def test_the_best_on_validation_images_is_chosen_and_the_smallest_of_equals():
    truth, vectors, split = overlapping()
    judged = judge(vectors, truth, split)
    assert tuple(judged.tried) == GRID
    assert judged.tried[judged.C] == max(judged.tried.values())
    truth, vectors, split = separable()
    C = judge(vectors, truth, split).C
    assert min(GRID) == C  # all are perfect


def test_what_validates_is_learnt_from_in_the_end():
    truth, vectors, split = overlapping()
    fixed = judge(vectors, truth, split, [2.0])
    assert (fixed.C, dict(fixed.tried), fixed.notes) == (2, {}, ())
    alone = judge(vectors, truth, replace(split, train=split.fitting), [2.0])
    assert not np.allclose(fixed.scores, alone.scores, atol=1e-2)


def test_without_validation_images_C_is_fixed_and_that_is_said():
    truth, vectors, _ = separable()
    (split,) = splits_of(whole([12] * 5), Division(1, None, 1), 0)
    judged = judge(vectors, truth, split)
    assert (judged.C, dict(judged.tried)) == (1, {})
    assert judged.notes == ("no image validates, so that C is 1 unchosen",)


def test_an_end_of_the_grid_is_said(monkeypatch):
    truth, vectors, split = overlapping()
    best = judge(vectors, truth, split).C
    smaller, larger = (judge(vectors, truth, split, [best, best * factor]) for factor in (4**6, 4**-6))
    assert smaller.C == larger.C == best
    assert f"{best:g}, is the smallest of those tried; --C tries smaller ones" in smaller.notes[0]
    assert f"{best:g}, is the largest of those tried; --C tries larger ones" in larger.notes[0]


def test_classes_without_images_are_named():
    truth, vectors, split = overlapping()
    truth.present[split.test, 1] = False
    truth.present[split.train, 2:] = False
    judged = judge(vectors, truth, split, [1.0])
    assert judged.notes == (
        "2 classes, such as 'c', are each without a training image, so that nothing is learnt of it",
        "class 'b' is without a test image, and left out of the mean",
    )
    (of_b,) = truth.take(split.test).by_class(judged.scores)[1]
    assert np.isnan(of_b)
    assert np.isfinite(truth.take(split.test).measure(judged.scores)).all()


def test_the_measure_is_the_sets_own():
    labels = [0, 1, 1]
    multi = of_parts(part("train", labels, 2), part("test", labels, 2), multi=True, kind="voc2007-cls")
    assert truth_of(multi).rule == "11 points"
    assert truth_of(multi, "area").rule == "area"
    assert truth_of(replace(multi, kind="voc2012-cls")).rule == "area"
    assert truth_of(replace(multi, multi=False, kind="folder")).rule is None
    scores = np.array([[1, 0], [1, 0], [0, 1]])
    assert truth_of(whole([1, 2])).measure(scores) == 0.75


def test_counts_are_those_of_resampled_images():
    for truth in (overlapping("area")[0], truth_of(whole([30, 40, 80]))):
        scores = np.random.default_rng(0).standard_normal(truth.present.shape)
        counts = np.random.default_rng(1).integers(0, 3, (150, 4))
        for column, value in zip(counts.T, truth.measure(scores, counts), strict=True):
            repeated = np.repeat(np.arange(150), column)
            assert value == pytest.approx(truth.take(repeated).measure(scores[repeated])[0])


def test_descriptors_of_nothing_are_said():
    truth, vectors, split = separable()
    vectors[split.train[:3]] = 0
    assert (
        f"the descriptors of 3 of {len(split.train)} training images are zero" in judge(vectors, truth, split).notes[-1]
    )


def test_classes_that_did_not_converge_are_said(monkeypatch):
    truth, vectors, split = overlapping()
    monkeypatch.setattr("bench.linear.machines.MOST_STEPS", 3)
    assert "learnt without reaching the optimum" in judge(vectors, truth, split).notes[-1]


def test_where_gradient_descent_learns_it_is_said_and_a_separable_set_is_judged_perfectly_too(monkeypatch):
    truth, vectors, split = separable()
    assert not any("gradient descent" in note for note in judge(vectors, truth, split).notes)
    monkeypatch.setattr(machines, "MOST_IN_KERNEL", 10)
    judged = judge(vectors, truth, split)
    assert any("gradient descent" in note for note in judged.notes)
    assert truth.take(split.test).measure(judged.scores) == 1
