"""Class folders named nearly as the weights' classes, or by ImageNet's nouns: matched one to one, or not."""

import pytest
from labelled_sets import folders, label_of, labelled, refused, seen, sentences

from bench.errors import UserError
from bench.images.labels.classes import reconcile
from bench.images.labels.imagenet_names import nouns, wnids
from bench.images.sources import DataSpec

PETS = ("Great Dane", "pug", "tabby, tabby cat")


@pytest.mark.parametrize(
    ("named", "note"),
    [
        (("Great_Dane", "pug"), "'Great_Dane' with 'Great Dane'"),
        (("great dane", "tabby"), "'great dane' with 'Great Dane'"),
        (("great_dane", "Tabby_Cat"), None),
        (("Great Dane", "pug"), ""),
        (("great dane", "pug dog"), None),
    ],
)
def test_names_are_the_weights_but_for_underscores_case_and_synonyms(tmp_path, named, note):
    spec = DataSpec(folders(tmp_path, named))
    if note is None:
        assert "does not know class" in refused(spec, 3, PETS)
        return
    images = seen(spec, 3, PETS)
    wanted = {"great dane": 0, "pug": 1, "tabby": 2}
    assert label_of(images) == {name: wanted[name.replace("_", " ").lower()] for name in named}
    assert (images.classes, images.assumed) == (PETS, frozenset())
    assert note in "".join(images.notes)
    assert bool(images.notes) == bool(note)


def test_two_folders_that_are_one_class_by_name_are_refused(tmp_path):
    spec = DataSpec(folders(tmp_path, ("great_dane", "Great Dane", "Pug")))
    assert "'Great Dane' and 'great_dane' are both 'Great Dane'" in refused(spec, 3, PETS)


@pytest.mark.parametrize(
    ("named", "names", "message"),
    [
        (("banana", "Mouse, computer"), ("banana", "mouse, animal"), "'Mouse, computer' is 'mouse, animal' by"),
        (("apple, red", "Aardvark"), ("apple, green", "aardvark"), "'apple, red' is 'apple, green' by"),
        (("apple, red", "Pear"), ("apple", "apple, green", "pear"), "'apple, red' is 'apple, green' by"),
        (("apple, red", "apple, green", "Pear"), ("apple", "pear"), "are both 'apple'"),
        (("mouse", "Pear"), ("mouse, animal", "mouse, computer", "pear"), "'mouse' could be"),
    ],
)
def test_names_that_agree_before_the_comma_alone_are_no_names_of_one_class(tmp_path, named, names, message):
    assert message in refused(DataSpec(folders(tmp_path, named)), len(names), names)


def test_what_hubs_say_of_imagenets_classes_must_not_contradict(tmp_path):
    spec = DataSpec(folders(tmp_path, ("mouse, animal", "tench")))
    assert "'mouse, animal' is 'mouse, computer mouse' by" in refused(spec, 1000, sentences())


def test_names_with_words_behind_commas_are_matched_where_they_agree(tmp_path):
    named = ("Tabby, tabby cat, Felis catus", "mouse, Computer", "MOUSE, ANIMAL", "dog")
    names = ("mouse, animal", "dog, hound", "mouse, computer", "tabby, tabby cat")
    images = seen(DataSpec(folders(tmp_path, named)), 4, names)
    assert label_of(images) == dict(zip(named, (3, 2, 0, 1), strict=True))


def test_of_names_that_are_not_the_same_several_are_said_the_least_alike_first(tmp_path):
    images = seen(
        DataSpec(folders(tmp_path, ("Ant", "bee", "Cat", "Dog", "eel"))), 5, ("ant", "bee", "cat", "dog", "eel, fish")
    )
    assert images.notes == (
        "classes are matched by name with the weights' classes, such as 'eel' with 'eel, fish', 'Ant' with 'ant' and "
        "'Cat' with 'cat'; 4 of 5 are not the same letter for letter",
    )


def test_a_folder_that_could_be_two_classes_is_refused(tmp_path):
    spec = DataSpec(folders(tmp_path, ("mouse_pad", "MOUSE")))
    assert "class 'MOUSE' could be 'Mouse' (Mouse) or 'mouse' (mouse)" in refused(
        spec, 3, ("Mouse", "mouse", "mouse pad")
    )


@pytest.mark.parametrize("names", [None, nouns(), wnids(), wnids()[::-1], "sentences"])
@pytest.mark.parametrize("fold", [str, str.lower, lambda noun: noun.replace(" ", "_"), "first synonym"])
def test_imagenets_nouns_are_matched_in_every_spelling(tmp_path, names, fold):
    names = sentences() if names == "sentences" else names
    index = [207, 387, 999, 639, 0]
    named = [sentences()[k] if fold == "first synonym" else fold(nouns()[k]) for k in index]
    images = seen(DataSpec(folders(tmp_path, named)), 1000, names)
    place = (lambda k: 999 - k) if names == wnids()[::-1] else int
    assert label_of(images) == {name: place(k) for name, k in zip(named, index, strict=True)}
    assert images.classes == (names or wnids())
    assert images.assumed == (frozenset() if names else {"class order"})


@pytest.mark.parametrize("names", [None, nouns(), wnids(), "sentences"])
def test_cranes_maillots_and_missiles_are_refused_unless_folders_tell_them_apart(tmp_path, names):
    names = sentences() if names == "sentences" else names
    for part, twin, other, places in (
        ("c", "crane", "crane_bird", (517, 134)),
        ("m", "maillot", "maillot tank suit", (638, 639)),
        ("p", "missile", "projectile", (657, 744)),
    ):
        message = refused(DataSpec(folders(tmp_path / part, (twin, "tench"))), 1000, names)
        assert f"class {twin!r} could be" in message
        assert "--class-map" in message
        found = label_of(seen(DataSpec(folders(tmp_path / f"{part}2", (twin, other))), 1000, names))
        assert found == dict(zip((twin, other), places, strict=True))


def test_a_small_letter_does_not_make_the_dog_a_jacket(tmp_path):
    names = {"Cardigan": 264, "cardigan": 474}
    assert label_of(seen(DataSpec(folders(tmp_path / "exact", names)), 1000, nouns())) == names
    assert "'cardigan' could be" in refused(DataSpec(folders(tmp_path / "small", ("cardigan", "french_bulldog"))), 1000)


def test_sentences_out_of_order_are_matched_by_name_or_refused():
    backwards = sentences()[::-1]
    assert reconcile(labelled([999, 0], backwards), 1000, None, "w").labels.tolist() == [0, 999]
    with pytest.raises(UserError, match="class 'crane' could be"):
        reconcile(labelled(range(1000), backwards), 1000, None, "w")
    strange = ("a thing", *backwards[1:])
    with pytest.raises(UserError, match="class 'a thing' is none of ImageNet's nouns"):
        reconcile(labelled([0, 1, 2], strange), 1000, None, "w")


def test_wordnet_ids_follow_weights_that_name_imagenets_nouns_in_another_order():
    seen = reconcile(labelled([0, 999, 134], wnids()), 1000, nouns()[::-1], "w")
    assert (seen.labels.tolist(), seen.assumed) == ([999, 0, 865], frozenset())


def test_weights_with_imagenets_names_in_an_order_that_is_not_known_are_refused():
    """Of which some are missing, or two the same, so that labels cannot follow."""
    whole = labelled(range(1000), wnids())
    for names in (sentences()[::-1], ("thing", *nouns()[:0:-1]), ("thing", *wnids()[:0:-1])):
        with pytest.raises(UserError, match="names ImageNet's classes in another order"):
            reconcile(whole, 1000, names, "w")
    for names in ([f"thing {k}" for k in range(1000)], ["thing", *nouns()[1:]], [*nouns()[:500], *["thing"] * 500]):
        seen = reconcile(whole, 1000, tuple(names), "w")
        assert (seen.labels.tolist(), seen.assumed) == (list(range(1000)), {"class order"})


@pytest.mark.parametrize(
    ("named", "odd"),
    [
        (("0", "1", "zebra"), "class 'zebra' is a name"),
        (("cat", "dog", "7"), "class '7' is a number"),
        (("n01440764", "n01443537", "goldfish"), "class 'goldfish' is a name"),
    ],
)
@pytest.mark.parametrize("names", [None, ("cat", "dog", "zebra")])
def test_a_mixture_is_refused_with_the_odd_one_named(tmp_path, named, odd, names):
    spec = folders(tmp_path, named)
    assert odd in refused(DataSpec(spec), 3, names)
    if names is None:
        assert label_of(seen(DataSpec(spec, class_order="text"), 3)) == {
            name: k for k, name in enumerate(sorted(named))
        }
