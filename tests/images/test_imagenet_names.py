"""Whether names are ImageNet's 1000 in their usual order: as hubs write them, as Keras does, and nearly."""

import pytest
from labelled_sets import labelled, sentences

from bench.errors import UserError
from bench.images.labels.classes import reconcile
from bench.images.labels.imagenet_names import in_imagenets_order, nouns, with_nouns, wnids

OTHERS = tuple(f"thing {k}" for k in range(1000))


def swapped(names, one, other):
    found = list(names)
    found[one], found[other] = found[other], found[one]
    return tuple(found)


def test_sentences_nouns_and_nouns_with_underscores_are_in_order():
    assert sentences()[0] == "tench, Tinca tinca"
    assert sentences()[134] == sentences()[517] == "crane"
    assert in_imagenets_order(sentences())
    assert in_imagenets_order(nouns())
    keras = [noun.replace(" ", "_") for noun in nouns()]
    keras[134], keras[639] = "crane", "maillot"
    assert in_imagenets_order(keras)


def test_the_hubs_own_schema_which_numbers_the_second_crane_is_in_order():
    names = list(sentences())
    names[517] = "crane2"
    assert len(set(names)) == 1000
    assert in_imagenets_order(names)
    assert not in_imagenets_order(swapped(names, 134, 517))


def test_no_two_classes_can_change_places_unseen():
    for names in (sentences(), nouns()):
        near = [(one, one + 1) for one in range(999)]
        shared = {}  # classes with a word in common, in any case
        for index, name in enumerate(names):
            for word in name.casefold().split(", "):
                near += [(other, index) for other in shared.get(word, [])]
                shared.setdefault(word, []).append(index)
        for one, other in near:
            if names[one] != names[other]:
                assert not in_imagenets_order(swapped(names, one, other)), (names[one], names[other])


def test_what_is_not_a_thousand_or_has_a_stranger_is_not_imagenet():
    for names in (sentences()[:999], (*sentences(), "none"), sentences()[::-1], OTHERS, ("tench", *OTHERS[1:]), ()):
        assert not in_imagenets_order(names)


@pytest.mark.parametrize("names", [None, nouns(), wnids(), "sentences", OTHERS[:2]])
def test_sentences_in_order_are_imagenets_by_position(names):
    names = sentences() if names == "sentences" else names
    images = labelled([0, 134, 517, 639, 999], sentences())
    if names == OTHERS[:2]:
        with pytest.raises(UserError, match="does not know class 'n01440764'"):
            reconcile(images, 2, names, "w")
        return
    seen = reconcile(images, 1000, names, "w")
    assert seen.labels.tolist() == [0, 134, 517, 639, 999]
    assert seen.classes == (names or wnids())
    assert seen.assumed == (frozenset() if names else {"class order"})  # nobody said the net's


def test_weights_of_wordnet_ids_in_another_order_are_followed_from_sentences():
    backwards = wnids()[::-1]
    assert reconcile(labelled([0, 134, 999], sentences()), 1000, backwards, "w").labels.tolist() == [999, 865, 0]


def test_sentences_do_not_fit_a_net_with_background():
    with pytest.raises(UserError, match="--drop-class 0"):
        reconcile(labelled([0, 1], sentences()), 1001, None, "w")


def test_indices_and_wordnet_ids_get_nouns_and_all_other_names_stay():
    assert with_nouns(list(map(str, range(1000))))[4] == "4 (hammerhead)"
    assert with_nouns(wnids())[4] == "n01494475 (hammerhead)"
    assert with_nouns(swapped(wnids(), 3, 4))[3:6] == ["n01494475", "n01491361", "n01496331 (electric ray)"]
    assert with_nouns(OTHERS) == list(OTHERS)
    assert with_nouns(["0", "1"]) == ["0", "1"]
