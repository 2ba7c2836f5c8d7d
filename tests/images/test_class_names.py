"""Names of classes in the forms in which people keep them."""

import json

import pytest

from bench.errors import UserError
from bench.images.labels.class_names import read_class_names
from bench.images.labels.imagenet_names import nouns

FORMS = {
    "lines": "cat\ndog, hound\nbird\n\n",
    "marked": "\ufeffcat\r\ndog, hound\r\nbird",
    "list": json.dumps(["cat", "dog, hound", "bird"]),
    "by number": json.dumps({"1": "dog, hound", "0": "cat", "2": "bird"}),
    "numbers": json.dumps({"bird": 2, "cat": 0, "dog, hound": 1}),
    "numbered": "1,dog, hound\n0,cat\n2,bird",
    "tabs": "0\tcat\n1\tdog, hound\n2\tbird",
    "colons": "0: cat\n1: dog, hound\n2: bird",
    "blanks": "0 cat\n2 bird\n1 dog, hound",
    "quoted": '0,cat\n1,"dog, hound"\n2,bird',
    "strange ids": "n00000001 cat\nn00000002 dog, hound\nn00000003 bird",
    "pairs": json.dumps({"0": ["x1", "cat"], "1": ["x2", "dog, hound"], "2": ["x3", "bird"]}),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_all_forms_say_the_same(tmp_path, text):
    (tmp_path / "names").write_text(text, "utf-8")
    assert read_class_names(str(tmp_path / "names")) == ("cat", "dog, hound", "bird")


def test_of_wordnet_ids_and_nouns_the_ids_are_names(tmp_path):
    (tmp_path / "class_index.json").write_text(
        json.dumps({"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]})
    )
    assert read_class_names(str(tmp_path / "class_index.json")) == ("n01440764", "n01443537")


@pytest.mark.parametrize("text", ["n01440764 tench, Tinca tinca\nn01443537 goldfish", "n01440764\ttench\nn01443537\tx"])
def test_of_lines_with_wordnet_ids_the_ids_are_names(tmp_path, text):
    (tmp_path / "synset_words.txt").write_text(text)
    assert read_class_names(str(tmp_path / "synset_words.txt")) == ("n01440764", "n01443537")


@pytest.mark.parametrize(
    "text",
    [
        "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n",
        "n01440764\ttench\nn01443537\tgoldfish",
        "0 n01440764 tench\n1 n01443537 goldfish",
        "1,n01443537\n0,n01440764",
    ],
)
def test_of_lines_with_wordnet_ids_these_are_names(tmp_path, text):
    (tmp_path / "synset_words.txt").write_text(text)
    assert read_class_names(str(tmp_path / "synset_words.txt")) == ("n01440764", "n01443537")


@pytest.mark.parametrize("names", [("7 up", "cola"), ("2 of clubs", "3 of clubs", "2 of hearts"), ("001.ak47", "2.b")])
def test_names_that_begin_with_numbers_stay_names(tmp_path, names):
    (tmp_path / "names").write_text("\n".join(names))
    assert read_class_names(str(tmp_path / "names")) == names


def test_imagenets_nouns_as_they_are_handed_out_have_twins(tmp_path):
    """pytorch/hub's imagenet_classes.txt has two cranes and two maillots."""
    handed = [noun.replace("crane bird", "crane").replace("maillot tank suit", "maillot") for noun in nouns()]
    (tmp_path / "names").write_text("\n".join(handed))
    assert read_class_names(str(tmp_path / "names")) == tuple(handed)
    assert len(set(handed)) == 998


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog\ncat\ndog", "'dog' is named twice, on line 1 and on line 3"),
        ('["dog", "dog"]', "'dog' is named twice, as 0 and as 1"),
        ("0,dog\n1,cat\n2,dog", "'dog' is named twice, on line 1 and on line 3"),
        ("1,dog\n0,cat\nbird", "line 3 is 'bird', others begin with a number"),
        ("index,name\n0,cat\n1,dog", "line 1 is 'index,name', others begin with a number"),
        ("1,dog\n2,cat", "its numbers are not 0 to 1, each once"),
        ("1 dog\n2 cat", "its numbers are not 0 to 1, each once"),
        ("n01440764 tench\ngoldfish", "line 2 is 'goldfish', others begin with a WordNet id"),
        ("n02119789 1 kit_fox\nn02100735 2 English_setter", "line 1 is 'n02119789 1 kit_fox': a number behind the id"),
        ("cat: 0\ndog: 1", "its lines have numbers behind names, such as 'cat: 0'"),
        ("", "there is no name in it"),
        ("{}", "there is no name in it"),
        ("cat\n\ndog", "line 2 is empty"),
        ('{"1": "cat", "2": "dog"}', "its numbers are not 0 to 1"),
        ('{"cat": 0, "dog": 0}', "its numbers are not 0 to 1"),
        ("[1, 2]", "it holds more than names"),
        ("[", "Expecting value"),
        ("[" * 100_000, "; give one name a line"),
    ],
)
def test_what_names_nothing_is_a_line(tmp_path, text, message):
    (tmp_path / "names").write_text(text)
    with pytest.raises(UserError, match=message) as told:
        read_class_names(str(tmp_path / "names"))
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_a_line(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_class_names(str(tmp_path / "none"))
