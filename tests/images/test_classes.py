import csv
from pathlib import Path

import numpy as np
import pytest
from torchvision.models import VGG16_Weights

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.classes import reconcile
from bench.images.labels.imagenet_names import wnids

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "imagenet_sample" / "labels.csv"

NAMES = tuple(VGG16_Weights.IMAGENET1K_V1.meta["categories"])  # English, in the order of the WordNet ids


def images(labels, classes):
    ids = tuple(f"{k}.png" for k in range(len(labels)))
    return Images("folder:x", tuple(map(Path, ids)), ids, np.array(labels, dtype=np.int64), classes, len(ids))


def test_a_thousand_distinct_wordnet_ids_in_sorted_order():
    assert len(set(wnids())) == 1000
    assert list(wnids()) == sorted(wnids())
    assert all(len(wnid) == 9 and wnid[0] == "n" and wnid[1:].isdecimal() for wnid in wnids())


@pytest.mark.parametrize(
    ("index", "wnid", "name"),
    [
        (0, "n01440764", "tench"),
        (1, "n01443537", "goldfish"),
        (217, "n02102040", "English springer"),
        (497, "n03028079", "church"),
        (701, "n03888257", "parachute"),
        (999, "n15075141", "toilet tissue"),
    ],
)
def test_index_wordnet_id_and_name_belong_together(index, wnid, name):
    assert (wnids()[index], NAMES[index]) == (wnid, name)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of ImageNet is not there")
def test_order_is_that_of_the_sample():
    with SAMPLE.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [wnids()[int(row["label"])] for row in rows] == [row["wnid"] for row in rows]


def test_plain_labels_stay_and_take_the_weights_names():
    seen = reconcile(images([1, 0, 1], None), 2, ("cat", "dog"), "w")
    assert seen.labels.tolist() == [1, 0, 1]
    assert seen.classes == ("cat", "dog")
    assert reconcile(images([1, 0, 1], None), 2, None, "w").classes is None


def test_plain_label_out_of_range_names_the_first_image():
    with pytest.raises(
        UserError, match=r"image '1\.png' has label 24, but builtin:x has 24 classes, labels 0 to 23 \(2 of"
    ):
        reconcile(images([0, 24, 23, 30], None), 24, None, "builtin:x")


@pytest.mark.parametrize("names", [None, NAMES])
def test_wordnet_ids_map_to_imagenets_indices(names):
    seen = reconcile(images([0, 1, 2, 1], ("n01440764", "n03888257", "n15075141")), 1000, names, "w")
    assert seen.labels.tolist() == [0, 701, 999, 701]
    assert seen.labels.dtype == np.int64
    assert seen.classes == (names or wnids())


def test_weights_with_wordnet_ids_in_another_order_are_followed():
    backwards = wnids()[::-1]
    assert reconcile(images([0, 1], ("n01440764", "n15075141")), 1000, backwards, "w").labels.tolist() == [999, 0]


def test_names_map_whatever_their_order_and_leave_the_given_images_alone():
    given = images([0, 1, 1], ("cat", "dog"))
    seen = reconcile(given, 3, ("dog", "fox", "cat"), "w")
    assert seen.labels.tolist() == [2, 0, 0]
    assert seen.classes == ("dog", "fox", "cat")
    assert given.labels.tolist() == [0, 1, 1]
    again = reconcile(seen, 3, ("dog", "fox", "cat"), "w")
    assert (again.ids, again.labels.tolist(), again.classes) == (seen.ids, seen.labels.tolist(), seen.classes)


def test_unknown_class_is_named_with_the_nearest():
    with pytest.raises(UserError, match=r"builtin:x does not know class 'crescnt'.* did you mean 'crescent'\?"):
        reconcile(images([0], ("crescnt", "disc")), 2, ("crescent", "disc"), "builtin:x")


def test_wordnet_id_beyond_the_thousand_is_unknown():
    with pytest.raises(UserError, match="does not know class 'n99999999'"):
        reconcile(images([0, 1], ("n01440764", "n99999999")), 1000, NAMES, "w")


def test_wordnet_ids_do_not_fit_a_net_with_other_names():
    with pytest.raises(UserError, match="w does not know class 'n01440764'"):
        reconcile(images([0], ("n01440764",)), 2, ("disc", "star"), "w")


def test_class_that_two_of_the_weights_are_named_is_refused():
    with pytest.raises(UserError, match="2 classes of the weights are named 'crane'"):
        reconcile(images([0], ("crane",)), 3, ("crane", "bird", "crane"), "w")


def test_without_names_the_class_counts_must_agree():
    assert reconcile(images([0, 1], ("cat", "dog")), 2, None, "w").classes == ("cat", "dog")
    with pytest.raises(UserError, match=r"class count 2, but w\.pth has 3 classes") as caught:
        reconcile(images([0, 1], ("cat", "dog")), 3, None, "w.pth")
    assert "\n" not in str(caught.value)


def test_wordnet_ids_do_not_fit_a_net_of_ten_without_names():
    with pytest.raises(UserError, match="class count 1, but w has 10 classes"):
        reconcile(images([0], wnids()), 10, None, "w")
