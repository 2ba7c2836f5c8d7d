"""Class names that are numbers, and labels that are: which class of the weights is meant, or why nobody can say."""

from pathlib import Path

import numpy as np
import pytest
from labelled_sets import folders, label_of, listed, refused, seen

from bench.images.dataset import Images
from bench.images.labels.classes import reconcile
from bench.images.labels.imagenet_names import nouns, wnids
from bench.images.labels.numbered_classes import by_number
from bench.images.sources import DataSpec, open_data

BY_TEXT = tuple(sorted(map(str, range(12))))  # 0 1 10 11 2 ..., as ImageFolder and bench.train have them
BY_NUMBER = tuple(map(str, range(12)))
LETTERS = tuple("abcdefghijkl")


@pytest.mark.parametrize("names", [BY_TEXT, BY_NUMBER, BY_NUMBER[::-1], tuple(f"{k:02d}" for k in range(12))])
def test_names_that_are_numbers_decide_over_folders_and_lists(tmp_path, names):
    place = {int(name): k for k, name in enumerate(names)}
    for name, spec in (("folder", folders(tmp_path / "f", BY_NUMBER)), ("list", listed(tmp_path, range(12)))):
        images = seen(DataSpec(spec), 12, names)
        assert label_of(images) == {str(number): place[number] for number in range(12)}, name
        assert (images.classes, images.assumed) == (names, frozenset())


TWO_ORDERS = {
    "numbers at the end": [f"class {k}" for k in range(12)],
    "in another case": ["Class1", "class2", "class10"],
    "numbers at the beginning": [f"{k}_x" for k in range(12)],
    "most of them": [*BY_NUMBER, "other"],
    "below zero": ["-1", *BY_NUMBER[:11]],
    "fractions": ["0.5", "2.0", "10.0"],
    "with a gap": ["2", "3", "10"],
}
ONE_ORDER = {
    "digits": BY_NUMBER[:10],
    "padded": [f"{k:03d}" for k in range(1, 13)],
    "partly padded": ["00", "1", "10"],
    "letters": LETTERS,
    "numbers behind different words": ["A300", "DC-10", "DC-9"],
}


@pytest.mark.parametrize("named", TWO_ORDERS.values(), ids=TWO_ORDERS)
def test_two_orders_are_refused_unless_one_is_chosen(tmp_path, named):
    spec, count = folders(tmp_path, named), len(named)
    message = refused(DataSpec(spec), count)
    assert "--class-order number" in message
    assert "--class-order text" in message
    for order, names in (("text", sorted(named)), ("number", named)):
        images = seen(DataSpec(spec, class_order=order), count)
        assert label_of(images) == {name: names.index(name) for name in named}
        assert images.assumed == frozenset()


@pytest.mark.parametrize("named", ONE_ORDER.values(), ids=ONE_ORDER)
def test_one_order_needs_no_choice_and_is_assumed(tmp_path, named):
    images = seen(DataSpec(folders(tmp_path, named)), len(named))
    assert label_of(images) == {name: sorted(named).index(name) for name in named}
    assert images.assumed == {"class order"}


@pytest.mark.parametrize("names", [None, LETTERS])
def test_folders_that_are_numbers_are_the_nets_indices_whatever_their_order_as_text(tmp_path, names):
    spec = folders(tmp_path, BY_NUMBER)
    images = seen(DataSpec(spec), 12, names)
    assert label_of(images) == {name: int(name) for name in BY_NUMBER}
    assert (images.classes or BY_NUMBER, images.assumed) == (names or BY_NUMBER, {"class order"})
    assert "'11' as 11; --class-order text" in images.notes[-1]
    if names is None:
        by_text = seen(DataSpec(spec, class_order="text"), 12)
        assert label_of(by_text) == {name: BY_TEXT.index(name) for name in BY_NUMBER}
        assert (by_text.assumed, by_text.notes) == (frozenset(), ())


@pytest.mark.parametrize("names", [None, LETTERS, nouns(), wnids()])
def test_few_folders_that_are_numbers_are_indices_below_the_nets_count(tmp_path, names):
    images = seen(DataSpec(folders(tmp_path, ["0", "10", "3"])), len(names or LETTERS), names)
    assert label_of(images) == {"0": 0, "10": 10, "3": 3}
    assert images.assumed == {"class order"}
    assert "'10' as 10" in images.notes[-1]


def test_padded_numbers_in_full_have_one_order_and_need_no_note(tmp_path):
    images = seen(DataSpec(folders(tmp_path, [f"{k:02d}" for k in range(12)])), 12)
    assert (images.labels.tolist(), images.notes) == (list(range(12)), ())


@pytest.mark.parametrize("names", [None, LETTERS])
@pytest.mark.parametrize("named", [["1", "2", "3"], ["01", "02"]])
def test_folders_from_1_below_the_nets_count_may_count_from_either(tmp_path, named, names):
    spec = folders(tmp_path, named)
    assert "--class-order number" in refused(DataSpec(spec), 12, names)
    assert label_of(seen(DataSpec(spec, labels_from=1), 12, names)) == {name: int(name) - 1 for name in named}
    assert label_of(seen(DataSpec(spec, class_order="number"), 12, names)) == {name: int(name) for name in named}


@pytest.mark.parametrize("names", [None, LETTERS])
def test_folders_without_0_but_with_the_nets_count_are_refused_unless_they_count_from_1(tmp_path, names):
    spec = folders(tmp_path, ["3", "12"])
    assert "--labels-from 1" in refused(DataSpec(spec), 12, names)
    assert label_of(seen(DataSpec(spec, labels_from=1), 12, names)) == {"3": 2, "12": 11}
    assert "--labels-from 1" not in refused(DataSpec(folders(tmp_path / "zero", ["0", "12"])), 12, names)


def test_imagenet_v2s_folders_are_by_number(tmp_path):
    names = tuple(sorted(map(str, range(1000))))
    images = Images("folder:v2", (Path("a"),) * 1000, names, np.arange(1000), names, 1000)
    for weights in (None, nouns(), wnids()):
        found = reconcile(images, 1000, weights, "w")
        assert found.labels.tolist() == list(map(int, names))
        assert found.assumed == {"class order"}
    few = folders(tmp_path, ["0", "217", "3"])
    assert label_of(seen(DataSpec(few, class_order="number"), 1000)) == {"0": 0, "217": 217, "3": 3}
    assert "class count 3" in refused(DataSpec(few, class_order="text"), 1000)


@pytest.mark.parametrize("count", [3, 12])
def test_folders_from_1_are_refused_unless_that_is_said(tmp_path, count):
    named = [str(k) for k in range(1, count + 1)]
    spec = folders(tmp_path, named)
    assert "--labels-from 1" in refused(DataSpec(spec), count)
    for stated in (DataSpec(spec, labels_from=1), DataSpec(spec, class_order="number")):
        assert label_of(seen(stated, count)) == {name: int(name) - 1 for name in named}
    absent = seen(DataSpec(spec, class_order="number"), count + 1)  # class 0 has no folder
    assert label_of(absent) == {name: int(name) for name in named}
    zero_based = tuple(map(str, range(count)))
    assert "--labels-from 1" in refused(DataSpec(spec), count, zero_based)
    assert label_of(seen(DataSpec(spec, labels_from=1), count, zero_based)) == {name: int(name) - 1 for name in named}
    assert label_of(seen(DataSpec(spec), count, tuple(named))) == {name: int(name) - 1 for name in named}


def test_numbers_are_indices_of_other_names_by_nobodys_word_or_the_users(tmp_path):
    spec = folders(tmp_path, BY_NUMBER)
    for order, notes in ((None, 1), ("number", 0)):
        images = seen(DataSpec(spec, class_order=order), 12, LETTERS)
        assert label_of(images) == {name: int(name) for name in BY_NUMBER}
        assert len(images.notes) == notes


def test_index_labels_count_in_the_weights_order_which_is_assumed_where_they_name_none(tmp_path):
    spec = listed(tmp_path, range(12))
    assert seen(DataSpec(spec), 12, LETTERS).labels.tolist() == list(range(12))
    assert seen(DataSpec(spec), 12, LETTERS).assumed == frozenset()
    assert seen(DataSpec(spec), 12).assumed == {"class order"}
    by_text = seen(DataSpec(spec, class_order="text"), 12)  # of a net trained on folders of these names
    assert [BY_TEXT[label] for label in by_text.labels] == list(BY_NUMBER)
    assert by_text.assumed == frozenset()


@pytest.mark.parametrize("names", [None, LETTERS, BY_NUMBER, BY_TEXT])
def test_index_labels_from_1_are_refused_unless_that_is_said(tmp_path, names):
    spec = listed(tmp_path, range(1, 13))
    message = refused(DataSpec(spec), 12, names)
    assert "'11.png' has label 12" in message
    assert message.endswith("give --labels-from 1")
    found = seen(DataSpec(spec, labels_from=1), 12, names).labels.tolist()
    assert found == ([BY_TEXT.index(str(k)) for k in range(12)] if names == BY_TEXT else list(range(12)))
    assert "--labels-from 1" in refused(DataSpec(spec, limit=2), 12, names)  # the sample lacks label 12


@pytest.mark.parametrize("make", [folders, listed])
def test_labels_from_1_to_K_that_name_the_weights_classes_are_beyond_doubt_as_they_are(tmp_path, make):
    names = tuple(str(k + 1) for k in range(12))
    source = make(tmp_path, names)
    images = seen(DataSpec(source), 12, names)
    assert (images.doubts, sorted(images.labels)) == ((), list(range(12)))
    assert "(without --labels-from)" in refused(DataSpec(source, labels_from=1), 12, names)
    assert seen(DataSpec(listed(tmp_path, names)), 13).doubts  # by nobody's names


def test_what_labels_from_and_class_order_cannot_mean_is_refused(tmp_path):
    zero, letters = listed(tmp_path, range(3)), folders(tmp_path / "f", LETTERS)
    assert "'0.png' of data 'list:list.txt' has label 0" in refused(DataSpec(zero, labels_from=1), 3)
    assert "such as 'a'" in refused(DataSpec(letters, labels_from=1), 12)
    assert "not numbered" in refused(DataSpec(letters, class_order="number"), 12)
    assert label_of(seen(DataSpec(letters, class_order="text"), 12)) == {name: k for k, name in enumerate(LETTERS)}


def test_training_keeps_the_order_of_text_and_stores_the_names(tmp_path):
    spec = folders(tmp_path, BY_NUMBER, "train")
    assert open_data(DataSpec(spec), "train").classes == BY_TEXT
    ordered = open_data(DataSpec(spec, class_order="number"), "train")
    assert ordered.classes == BY_NUMBER
    assert label_of(ordered) == {name: int(name) for name in BY_NUMBER}


def test_training_on_index_labels_from_1_says_that_class_0_has_no_image(tmp_path):
    text = "file,label,split\n" + "".join(f"{k}.png,{k + 1},train\n" for k in range(3))
    listed(tmp_path, range(3))
    (tmp_path / "list.csv").write_text(text)
    images = open_data(DataSpec(f"list:{tmp_path}/list.csv"), "train")
    assert images.classes == ("0", "1", "2", "3")
    assert "--labels-from 1" in images.notes[-1]
    said = open_data(DataSpec(f"list:{tmp_path}/list.csv", labels_from=1), "train")
    assert (said.classes, said.labels.tolist(), len(said.notes)) == (("0", "1", "2"), [0, 1, 2], len(images.notes) - 1)


def test_numbers_in_names_sort_by_value():
    assert by_number(["s10", "s9", "s1"]) == ["s1", "s9", "s10"]
    assert by_number(["10", "9.5", "-1"]) == ["-1", "9.5", "10"]
    assert by_number(["707", "A300"]) is None
    assert by_number(["cat"]) is None


@pytest.mark.parametrize("labels", [range(3), (5, 11)])
@pytest.mark.parametrize("names", [None, ("background", *nouns()), ("__background__", *LETTERS)])
def test_a_first_class_of_background_is_refused(tmp_path, labels, names):
    count = len(names) if names else 1001
    spec = DataSpec(listed(tmp_path, labels))
    message = refused(spec, count, names)
    assert "--drop-class 0" in message
    assert "--drop-class none" in message
    assert reconcile(open_data(spec), count, names, "w", whole=True).labels.tolist() == list(labels)


def test_wordnet_ids_do_not_fit_1001_classes_without_names(tmp_path):
    tench = DataSpec(listed(tmp_path, ["n01440764"]))
    assert "--drop-class 0" in refused(tench, 1001)
    assert "--drop-class none" not in refused(tench, 1001)  # which would be refused next
    assert "--drop-class 0" in refused(tench, 1001, ("background", *nouns()))
    assert seen(tench, 1001, ("background", *wnids())).labels.tolist() == [1]


def test_labels_that_use_all_1001_classes_are_those_of_the_net(tmp_path):
    assert seen(DataSpec(listed(tmp_path, [1, 1000])), 1001).labels.tolist() == [1, 1000]


def test_only_wordnet_ids_that_occur_are_matched(tmp_path):
    ids = ["n01440764", "n02102040", "n01440764"]
    spec = DataSpec(listed(tmp_path, ids))
    assert seen(spec, 2, ("n02102040", "n01440764")).labels.tolist() == [1, 0, 1]
    images = seen(spec, 2)
    assert (images.labels.tolist(), images.assumed) == ([0, 1, 0], {"class order"})
    assert "class count 2, but w has 3" in refused(spec, 3)
    assert "does not know class 'n02102040' (1 classes" in refused(spec, 2, ("n01440764", "x"))
    assert "n02102040" in refused(DataSpec(spec.source, limit=1), 2, ("n01440764", "x"))  # of the whole set


def test_bare_weights_of_1000_classes_are_assumed_to_have_imagenets_order(tmp_path):
    spec = DataSpec(listed(tmp_path, ["n01440764"]))
    assert seen(spec, 1000).assumed == {"class order"}
    assert seen(spec, 1000, nouns()).assumed == seen(spec, 1000, wnids()).assumed == frozenset()


def test_a_limit_keeps_the_classes_of_the_whole_set_in_the_weights_order(tmp_path):
    spec = DataSpec(listed(tmp_path, ["dog", "cat", "fox", "cat"]), limit=2)
    images = seen(spec, 4, ("ant", "fox", "dog", "cat"))
    assert (images.labels.tolist(), images.present.tolist(), len(images)) == ([2, 1], [1, 2, 3], 2)
