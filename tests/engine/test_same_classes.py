"""Several nets in one run know the same classes, whatever these are called; others are neither compared nor fused."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.engine.same_classes import same_classes
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import nouns, wnids

FARM = ("cat", "dog", "eel", "fox")


def net(name, classes, count=4):
    own = SimpleNamespace(name=name, count=count, classes=classes, weights=SimpleNamespace(source=name))
    return SimpleNamespace(**vars(own), whole=False, drop=None)


def judged(one, other, classes=("cat", "dog"), count=4):
    images = Images("x", ("a", "b"), ("a", "b"), np.array([0, 1]), classes, 2)
    return same_classes(images, [net("one", one, count), net("two", other, count)]).labels.tolist()


@pytest.mark.parametrize(
    "other",
    [FARM, ("Cat", "dog", "EEL", "fox"), ("cat, felid", "dog", "eel", "fox"), None, ("0", "1", "2", "3")],
    ids=["equal", "case", "synonym", "without", "numbers"],
)
def test_names_for_the_same_are_the_same_classes(other):
    classes = None if other is None or other[0] == "0" else ("cat", "dog")
    assert judged(FARM, other, classes) == judged(other, FARM, classes) == [0, 1]


@pytest.mark.parametrize("other", [("cat", "dog", "emu", "fox"), ("cat", "dog", "eel, ray", "fox, red")])
def test_nets_of_other_classes_than_occur_are_not_taken_for_the_same(other):
    mine = FARM if other[2] == "emu" else ("cat", "dog", "eel, moray", "fox, red")
    for pair in ((mine, other), (other, mine)):
        with pytest.raises(
            UserError, match=rf"class 2 of model 'one' is '{pair[0][2]}', of model 'two' '{pair[1][2]}'"
        ):
            judged(*pair)


def test_wordnet_ids_are_imagenets_nouns_in_the_usual_order():
    sentences = tuple(f"{noun}, thing {k}" for k, noun in enumerate(nouns()))
    for other in (nouns(), sentences, None):
        assert judged(wnids(), other, wnids()[:2], 1000) == [0, 1]
    few = wnids()[:4]
    assert judged(few, nouns()[:4], nouns()[:2]) == judged(nouns()[:4], few, nouns()[:2]) == [0, 1]


def test_one_class_of_a_thousand_in_another_place_is_seen():
    moved = (*nouns()[:500], nouns()[501], nouns()[500], *nouns()[502:])
    with pytest.raises(UserError, match="order their classes differently"):
        judged(wnids(), moved, wnids()[:2], 1000)
