import numpy as np
import pytest
from divided_sets import of_parts, part, whole

from bench.errors import UserError
from bench.images.divided import DividedSet, SetPart
from bench.linear.splits import Division, Split, division_of, splits_of

PARTS = ("train", "fitting", "validation", "test")


def names(divided: DividedSet, indices: np.ndarray) -> set[str]:
    ids = [name for each in divided.parts for name in each.ids]
    return {ids[index] for index in indices}


def labels(divided: DividedSet, indices: np.ndarray) -> np.ndarray:
    return np.concatenate([each.present for each in divided.parts])[indices].argmax(axis=1)


def per_class(divided: DividedSet, indices: np.ndarray) -> list[int]:
    return np.bincount(labels(divided, indices), minlength=len(divided.classes)).tolist()


def check(split: Split) -> None:
    for name in PARTS:
        indices = getattr(split, name)
        assert indices.dtype == np.int64
        assert (np.diff(indices) > 0).all()
    assert sorted([*split.fitting, *split.validation]) == split.train.tolist()
    assert not set(split.train) & set(split.test)


def test_caltechs_own_numbers():
    divided = whole([31, 60, 200], "caltech101")
    division = division_of(divided)
    assert division == Division(30, 50, 3)
    splits = splits_of(divided, division, 0)
    assert len({tuple(split.train) for split in splits}) == 3
    for split in splits:
        check(split)
        assert per_class(divided, split.train) == [30, 30, 30]
        assert per_class(divided, split.validation) == [6, 6, 6]
        assert per_class(divided, split.test) == [1, 30, 50]
    assert division_of(whole([90], "caltech256")) == Division(60, None, 3)
    assert division_of(divided, 5, 7, 2) == Division(5, 7, 2)


def test_more_training_images_contain_the_fewer_on_the_same_test_images():
    divided = whole([40, 50])
    one, five, twenty = (splits_of(divided, Division(count, 10, 2), 3) for count in (1, 5, 20))
    for few, more, most in zip(one, five, twenty, strict=True):
        assert set(few.train) < set(more.train) < set(most.train)
        assert few.test.tolist() == more.test.tolist() == most.test.tolist()


def test_the_rest_is_tried_on():
    split = splits_of(whole([9, 12]), Division(4, None, 1), 0)[0]
    assert len(split.test) == 13


def test_one_training_image_leaves_none_to_validate():
    split = splits_of(whole([9, 9]), Division(1, None, 1), 0)[0]
    check(split)
    assert (len(split.fitting), len(split.validation)) == (2, 0)
    assert per_class(whole([9, 9]), splits_of(whole([9, 9]), Division(2, None, 1), 0)[0].validation) == [1, 1]


def test_seed_and_ids_alone_decide():
    divided = whole([20, 30, 25])
    split, other = splits_of(divided, Division(8, 6, 2), 5)
    assert names(divided, split.train) != names(divided, other.train)
    assert names(divided, split.train) != names(divided, splits_of(divided, Division(8, 6, 1), 6)[0].train)

    (all_of_it,) = divided.parts
    turned = np.arange(len(all_of_it))[::-1]
    order = SetPart("all", tuple(all_of_it.ids[i] for i in turned), (), all_of_it.present[turned], all_of_it.difficult)
    again = splits_of(of_parts(order), Division(8, 6, 1), 5)[0]
    kept = np.flatnonzero(all_of_it.present[:, 0])  # the first class by itself
    alone = of_parts(SetPart("all", tuple(all_of_it.ids[i] for i in kept), (), np.ones((20, 1), bool), None))
    single = splits_of(alone, Division(8, 6, 1), 5)[0]
    for name in PARTS:
        drawn = names(divided, getattr(split, name))
        assert drawn == names(of_parts(order), getattr(again, name))
        assert {each for each in drawn if each.startswith("all/0/")} == names(alone, getattr(single, name))


def test_of_three_parts_the_second_validates():
    divided = of_parts(part("train", [0, 1], 2), part("val", [1, 0, 1], 2), part("test", [0, 1], 2), multi=True)
    (split,) = splits_of(divided, division_of(divided), 0)
    check(split)
    assert (split.fitting.tolist(), split.validation.tolist(), split.test.tolist()) == ([0, 1], [2, 3, 4], [5, 6])


@pytest.mark.parametrize("multi", [False, True])
def test_of_two_parts_a_fifth_of_the_first_validates(multi):
    divided = of_parts(part("train", [0, 1] * 10, 2), part("test", [0, 1] * 3, 2), multi=multi)
    (split,) = splits_of(divided, division_of(divided), 0)
    check(split)
    assert split.train.tolist() == list(range(20))
    assert split.test.tolist() == list(range(20, 26))
    assert len(split.validation) == 4
    assert multi or per_class(divided, split.validation) == [2, 2]


def test_training_images_are_drawn_from_their_part():
    divided = of_parts(part("train", [0, 1] * 10, 2), part("val", [0, 1], 2), part("test", [0, 1] * 3, 2))
    division = division_of(divided, 5)
    assert division == Division(5, None, 3)
    for split in splits_of(divided, division, 0):
        check(split)
        assert per_class(divided, split.train) == [5, 5]
        assert split.train.max() < 20
        assert split.test.tolist() == list(range(22, 28))


MULTI = of_parts(part("train", [0, 1], 2), part("test", [0, 1], 2), multi=True)
TWO = of_parts(part("train", [0, 1], 2), part("test", [0, 1], 2))


@pytest.mark.parametrize(
    ("divided", "asked", "said"),
    [
        (MULTI, {"train_per_class": 5}, "of several classes, which --train-per-class 5 cannot draw from"),
        (TWO, {"test_per_class": 5}, "leave --test-per-class 5 out"),
        (TWO, {"splits": 3}, "for --splits 3 add --train-per-class N"),
        (whole([5, 5]), {}, "it has no parts; add --train-per-class N"),
    ],
)
def test_what_cannot_be_drawn_is_refused(divided, asked, said):
    with pytest.raises(UserError, match=said):
        division_of(divided, **asked)


@pytest.mark.parametrize(
    ("divided", "count", "said"),
    [
        (
            whole([40, 30], "caltech101"),
            30,
            "class 'class 1' has 30 images .* needs 31, with one to test .* at most 29",
        ),
        (TWO, 2, "class 'class 0' has 1 image .* --train-per-class 2 needs 2; give at most 1"),
        (whole([4, 1]), 1, "class 'class 1' has 1 image .* add some, or remove the class"),
    ],
)
def test_a_class_of_too_few_images_is_named(divided, count, said):
    with pytest.raises(UserError, match=said):
        splits_of(divided, Division(count, None, 1), 0)
