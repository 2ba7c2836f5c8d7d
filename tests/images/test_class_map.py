"""`--class-map`, and `--classes` for data: what the user says of classes goes before all names, for all classes."""

import json
from dataclasses import replace

import pytest
from labelled_sets import folders, label_of, listed, refused, seen

from bench.api.opening import open_images
from bench.data_options import data_spec
from bench.engine.job import open_all
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.labels.class_map import read_class_map
from bench.images.labels.imagenet_names import nouns, wnids
from bench.images.sources import DataSpec, open_data
from bench.nets.reading import read_weights
from bench.requests import evaluation
from bench.run.__main__ import parser

PETS = ("cat", "dog", "fish")
FORMS = {
    "json": json.dumps({"tabby, tabby cat": 0, "pug": 1, "7": 1}),
    "lines": "tabby, tabby cat,0\npug,1\n7,1\n",
    "heading": 'name,index\n"tabby, tabby cat",0\n\npug, 1\n7,1\n',
}


def written(folder, text) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text(text)
    return str(folder / "classes.txt")


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_all_forms_say_the_same(tmp_path, text):
    assert read_class_map(written(tmp_path, text)) == {"tabby, tabby cat": 0, "pug": 1, "7": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pug,1\npug,1\n", "'pug' is there twice"),
        ('{"pug": 1, "pug": 2}', "'pug' is there twice"),
        ("pug,-1\n", "the index of 'pug' is '-1'"),
        ('{"pug": true}', "the index of 'pug' is True"),
        ('{"0": "pug"}', "the index of '0' is 'pug'"),
        ("pug\n", "no index behind 'pug'"),
        ("", "no class in it"),
        ('{"pug": 1', "delimiter"),
        ("[" * 10**5, "no index behind"),
        ("{" + '"a":{' * 10**5, "give a JSON object"),
    ],
)
def test_what_is_no_map_is_one_line(tmp_path, text, said):
    with pytest.raises(UserError) as caught:
        read_class_map(written(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [None, PETS, ("7", "pug", "x")])
def test_the_map_goes_before_names_and_numbers(tmp_path, names):
    spec = folders(tmp_path / "f", ("7", "pug", "tabby"))
    place = written(tmp_path, "7,2\npug,0\ntabby,0\n")
    images = seen(DataSpec(spec, class_map=place), 3, names)
    assert label_of(images) == {"7": 2, "pug": 0, "tabby": 0}
    assert (images.classes, images.assumed, images.present.tolist()) == (names, frozenset(), [0, 2])
    assert "3 classes of the data are 2 of the net's" in images.notes[-1]


def test_numbers_of_a_list_are_names_in_a_map(tmp_path):
    place = written(tmp_path / "m", "10,0\n11,1\n12,1\n")
    images = seen(DataSpec(listed(tmp_path, [12, 10, 11]), class_map=place), 2, PETS[:2])
    assert (images.labels.tolist(), images.doubts) == ([1, 0, 1], ())


def test_classes_that_the_map_or_the_net_does_not_have_are_refused(tmp_path):
    spec = DataSpec(folders(tmp_path / "f", ("pug", "tabby")), class_map=written(tmp_path, "pug,3\n"))
    assert "class 'tabby'" in refused(spec, 3)
    spec = replace(spec, class_map=written(tmp_path, "pug,3\ntabby,0\nother,99\n"))
    assert "is to be 3, but w has 3 classes" in refused(spec, 3)
    assert label_of(seen(spec, 4)) == {"pug": 3, "tabby": 0}
    for more in ({"class_order": "text"}, {"labels_from": 1}, {"labels": "real:real.json"}):
        with pytest.raises(UserError, match="leave --class-order, --labels-from and --labels out"):
            replace(spec, **more)


def test_training_takes_mapped_classes(tmp_path):
    spec = DataSpec(folders(tmp_path / "f", ("pug", "tabby"), "train"), class_map=written(tmp_path, "pug,2\ntabby,0\n"))
    images = open_data(spec, "train")
    assert (label_of(images), images.classes) == ({"pug": 2, "tabby": 0}, ("0", "1", "2"))


def test_names_of_bare_numbers_are_matched_with_the_nets(tmp_path):
    few = (wnids()[207], wnids()[0])
    for text in ("\n".join(few), json.dumps({"0": few[0], "1": few[1]})):
        spec = DataSpec(listed(tmp_path, [0, 1, 1]), classes=written(tmp_path / "c", text))
        for names in (None, nouns(), wnids()[::-1]):
            wanted = [792, 999, 999] if names == wnids()[::-1] else [207, 0, 0]
            assert seen(spec, 1000, names).labels.tolist() == wanted


def test_names_for_both_are_the_nets_in_their_order(tmp_path):
    twins = ("crane", "dog", "crane")
    spec = DataSpec(listed(tmp_path, [0, 2, 1]), classes=twins)
    for names in (None, twins):
        images = seen(spec, 3, names)
        assert (images.labels.tolist(), images.classes, images.assumed) == ([0, 2, 1], twins, frozenset())
    assert "class count 3, but w has 4" in refused(spec, 4)
    assert "does not know class" in refused(spec, 3, PETS)


def test_names_for_both_do_not_hide_a_class_of_background(tmp_path):
    both = ("background", *PETS)
    spec = DataSpec(listed(tmp_path, [0, 2, 1]), classes=written(tmp_path / "c", "\n".join(both)))
    for names in (None, both):
        assert "--drop-class 0" in refused(spec, 4, names)


def test_names_do_not_touch_classes_that_have_some(tmp_path):
    names = written(tmp_path / "c", "cat\ndog")
    assert open_data(DataSpec(folders(tmp_path / "f", ("a", "b")), classes=names)).classes == ("a", "b")
    numbers = DataSpec(listed(tmp_path, [1, 2]), classes=written(tmp_path / "n", "1\n2"))
    assert seen(numbers, 2, ("1", "2")).labels.tolist() == [0, 1]  # of the net, whose classes are named by numbers


def test_labels_beyond_the_names_are_refused(tmp_path):
    names = written(tmp_path / "c", "\n".join(PETS))
    spec = DataSpec(listed(tmp_path, [1, 2, 3]), classes=names)
    assert "--labels-from 1" in refused(spec, 3)
    assert seen(replace(spec, labels_from=1), 3, PETS[::-1]).labels.tolist() == [2, 1, 0]
    assert "label 3" in refused(DataSpec(listed(tmp_path, [0, 3]), classes=names), 3)


@pytest.mark.parametrize("file", ["some", "all"])
def test_names_of_the_data_do_not_contradict_those_of_the_weights(tmp_path, file):
    own = read_weights("builtin:D-256-512").classes
    some = own if file == "all" else (own[7], own[2])
    names = written(tmp_path / "c", "\n".join(some))

    def opened(source):
        words = ["--weights", "builtin:D-256-512", "--data", source, "--classes", names]
        options = parser().parse_args(words)
        return open_all(evaluation(options, data_spec(options)), Shard.alone())

    images, (model,) = opened(listed(tmp_path, [0, 1, 1]))
    assert images.labels.tolist() == ([0, 1, 1] if file == "all" else [7, 2, 2])
    assert (images.classes, model.classes, images.assumed) == (own, own, frozenset())
    if file == "some":
        with pytest.raises(UserError, match="name their own; leave classes out"):
            opened(folders(tmp_path / "f", own))


def test_from_python_names_are_given_as_a_list(tmp_path):
    images = open_images(listed(tmp_path, [0, 2]), classes=PETS)
    assert (images.classes, images.named) == (PETS, True)
    assert open_images(listed(tmp_path, [0, 2]), class_map=written(tmp_path / "m", "0,5\n2,4")).labels.tolist() == [
        5,
        4,
    ]
    with pytest.raises(UserError, match="leave classes out"):
        open_images(folders(tmp_path / "f", PETS), classes=PETS)


def test_a_label_of_nine_digits_takes_no_room_for_all_below(tmp_path):
    source = listed(tmp_path, [999_999_999, 3])
    mapped = seen(DataSpec(source, class_map=written(tmp_path / "m", "999999999,1\n3,0\n")), 2)
    assert mapped.labels.tolist() == [1, 0]
    assert seen(DataSpec(source), 3, ("3", "999999999", "7")).labels.tolist() == [1, 0]
    few = DataSpec(source, limit=1, class_map=written(tmp_path / "m", "999999999,1\n3,0\n"))
    assert (open_data(few).labels.tolist(), open_data(few).present.tolist()) == ([1], [0, 1])
