"""Names of classes in the forms in which people keep them."""

import json

import pytest

from bench.errors import UserError
from bench.images.class_names import read_class_names

FORMS = {
    "lines": "cat\ndog, hound\nbird\n\n",
    "marked": "\ufeffcat\r\ndog, hound\r\nbird",
    "list": json.dumps(["cat", "dog, hound", "bird"]),
    "by number": json.dumps({"1": "dog, hound", "0": "cat", "2": "bird"}),
    "numbers": json.dumps({"bird": 2, "cat": 0, "dog, hound": 1}),
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
    ("text", "message"),
    [
        ("0,cat\n1,dog", "its lines have numbers beside names, such as '0,cat'"),
        ("cat: 0\ndog: 1", "its lines have numbers beside names, such as 'cat: 0'"),
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
