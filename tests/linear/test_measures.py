"""Intervals over test images that several splits are judged on, or one."""

from dataclasses import replace

import numpy as np
import pytest
from divided_sets import of_parts, part, whole

from bench.images.divided import DividedSet
from bench.linear.judging import Judged, truth_of
from bench.linear.measures import measures_of
from bench.linear.splits import Division, Split, splits_of
from results.transfer_result import Measure

TESTED = of_parts(part("train", [0, 0, 1, 1], 2), part("test", [0] * 60 + [1] * 60, 2))


def judged(divided: DividedSet, split: Split, wrong: np.ndarray) -> Judged:
    """Scores that are right but for the `wrong` test images, by their places in the split."""
    scores = truth_of(divided).present[split.test].astype(np.float32)
    scores[wrong] = 1 - scores[wrong]
    return Judged(1.0, {}, scores, ())


def recall(divided: DividedSet, splits: list[Split], wrong: list[np.ndarray]) -> Measure:
    found = [judged(divided, split, own) for split, own in zip(splits, wrong, strict=True)]
    return measures_of(divided, splits, found, 0)["recall"]


def width(measure: Measure) -> float:
    assert measure.low is not None
    assert measure.high is not None
    return measure.high - measure.low


def test_splits_that_say_the_same_of_the_same_images_are_no_more_certain_than_one():
    splits = splits_of(TESTED, Division(1, None, 3), 0)
    wrong = np.arange(0, 120, 4)
    one, three = (recall(TESTED, splits[:count], [wrong] * count) for count in (1, 3))
    assert (one.value, three.value) == (0.75, 0.75)
    assert (one.low, one.high) == pytest.approx((three.low, three.high))


def test_splits_of_other_images_are_by_the_root_of_their_number():
    """Two halves of a set, each a split's own."""
    divided = whole([400, 400])
    every = np.arange(800)
    halves = [Split(every, every, every[:0], every[start::2]) for start in (0, 1)]
    wrong = [np.arange(0, 400, 4)] * 2
    one, two = (recall(divided, halves[:count], wrong[:count]) for count in (1, 2))
    assert width(two) == pytest.approx(width(one) / np.sqrt(2), rel=0.15)


def test_the_interval_is_around_the_mean_over_splits():
    splits = splits_of(whole([40, 60]), Division(10, 25, 3), 0)
    random = np.random.default_rng(0)
    wrong = [np.flatnonzero(random.random(50) < share) for share in (0.1, 0.3, 0.5)]
    found = recall(whole([40, 60]), splits, wrong)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert abs((found.low + found.high) / 2 - found.value) < 0.03


@pytest.mark.parametrize(("kind", "first"), [("voc2007-cls", "mAP11"), ("voc2012-cls", "mAP"), ("images", "mAP")])
def test_the_sets_own_measure_is_the_first(kind, first):
    divided = replace(TESTED, kind=kind, multi=True)
    splits = splits_of(divided, Division(), 0)
    found = measures_of(divided, splits, [judged(divided, splits[0], np.arange(3))], 0)
    assert next(iter(found)) == first
    assert set(found) == {"mAP11", "mAP"}
