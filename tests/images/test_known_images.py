"""ImageNet's validation images with numbers of another order than everybody's weights have, in any layout."""

from types import SimpleNamespace

import pyarrow as pa
import pytest
from layouts import draw, opened
from parquet_sets import IMAGE, features, write
from tars import png, tar_of

import bench
from bench.engine.same_classes import same_classes
from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.known_images import KNOWN, image_number
from bench.images.labels.relabellings import devkit

NUMBERS = (1, 2, 5, 49_996, 50_000)
NAMES = [f"ILSVRC2012_val_{number:08d}" for number in NUMBERS]
SORTED = [wnids().index(KNOWN[number]) for number in NUMBERS]
DEVKIT = [devkit().index(KNOWN[number]) + 1 for number in NUMBERS]
ORDERS = {
    "numbers of the sorted WordNet ids, from 1; give --labels-from 1": [label + 1 for label in SORTED],
    "the devkit's ids 1 to 1000, in its own order; give imagenet:DIR with the devkit": DEVKIT,
    "the devkit's ids less 1, in its own order; give imagenet:DIR with the devkit": [label - 1 for label in DEVKIT],
}


def listed(root, labels):
    draw(root, *(f"{name}.JPEG" for name in NAMES))
    rows = (f"{name}.JPEG {label}\n" for name, label in zip(NAMES, labels, strict=True))
    (root / "list.txt").write_text("".join(rows))
    return f"list:{root}/list.txt"


def numbered(root, labels):
    return f"folder:{draw(root, *(f'{label}/{name}.JPEG' for name, label in zip(NAMES, labels, strict=True)))}"


def tarred(root, labels):
    members = {}
    for name, label in zip(NAMES, labels, strict=True):
        members |= {f"{name}.png": png(), f"{name}.cls": str(label)}
    root.mkdir()
    return f"tar:{tar_of(root / 'val-00.tar', members)}"


def rows(root, labels):
    images = pa.array([{"bytes": png(), "path": f"{name}.JPEG"} for name in NAMES], IMAGE)
    table = pa.table({"image": images, "label": pa.array(labels)}).replace_schema_metadata(features(None))
    return f"parquet:{write(root, 'validation-00000-of-00001.parquet', table)}"


def model(names=None, count=1000):
    weights = SimpleNamespace(source="w")
    return SimpleNamespace(name="net", count=count, classes=names, weights=weights, whole=False, drop=None)


def judged(images, names=None, count=1000):
    return same_classes(images, [model(names, count)])


@pytest.mark.parametrize("layout", [listed, numbered, tarred, rows], ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("names", [None, wnids()], ids=["unnamed", "named"])
def test_numbers_of_another_order_are_refused_by_known_images(layout, names, tmp_path):
    right = judged(opened(layout(tmp_path / "right", SORTED)), names)
    assert sorted(right.labels) == sorted(SORTED)
    assert right.doubts == ()
    for place, (said, labels) in enumerate(ORDERS.items()):
        with pytest.raises(UserError) as caught:
            judged(opened(layout(tmp_path / str(place), labels)), names)
        assert f"{len(NAMES)} of {len(NAMES)} known images have other labels than are published" in str(caught.value)
        assert f"the labels seem to be {said}" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_advice_mends_it(tmp_path):
    one_based = listed(tmp_path, [label + 1 for label in SORTED])
    images = judged(opened(one_based, labels_from=1))
    assert (images.labels.tolist(), images.doubts) == (SORTED, ())


def test_numbers_less_than_they_are_were_counted_from_0(tmp_path):
    with pytest.raises(UserError, match="sorted WordNet ids, from -1; leave --labels-from out"):
        judged(opened(listed(tmp_path, SORTED), labels_from=1))


def test_pairs_in_python_are_checked_too(tmp_path):
    listed(tmp_path, SORTED)
    pairs = [(tmp_path / f"{name}.JPEG", label) for name, label in zip(NAMES, DEVKIT, strict=True)]
    with pytest.raises(UserError, match="the devkit's ids 1 to 1000"):
        judged(bench.open_images(pairs))


def test_labels_of_no_order_are_doubted(tmp_path):
    (doubt,) = judged(opened(listed(tmp_path, [*SORTED[:3], SORTED[4], SORTED[3]]))).doubts
    assert "2 of 5 known images have other labels than are published, first 'ILSVRC2012_val_00049996" in doubt


def test_names_and_the_users_word_are_doubted_not_refused(tmp_path):
    draw(tmp_path / "ids", *(f"{wnids()[label + 1]}/{name}.JPEG" for name, label in zip(NAMES, SORTED, strict=True)))
    assert len(judged(opened(f"folder:{tmp_path}/ids")).doubts) == 1
    numbers = numbered(tmp_path / "mapped", range(5))
    lines = (f"{number},{label + 1}\n" for number, label in enumerate(SORTED))
    (tmp_path / "map.csv").write_text("".join(lines))
    assert len(judged(opened(numbers, class_map=str(tmp_path / "map.csv"))).doubts) == 1


def test_the_nets_own_order_counts(tmp_path):
    """Labels in the order of a net that has the devkit's are right."""
    images = opened(listed(tmp_path, [label - 1 for label in DEVKIT]))
    assert judged(images, devkit()).doubts == ()
    with pytest.raises(UserError, match="indices of the sorted WordNet ids, from 0; write WordNet ids instead"):
        judged(opened(listed(tmp_path, SORTED)), devkit())


def test_nets_of_other_classes_are_let_be(tmp_path):
    images = opened(listed(tmp_path, range(5)))
    assert judged(images, tuple("abcde"), 5).doubts == ()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("ILSVRC2012_val_00000007.JPEG", 7),
        ("val/n01440764/crop_ILSVRC2012_val_00050000_x.png", 50_000),
        ("ILSVRC2012_val_00000001/ILSVRC2012_val_00000002.JPEG#2", 2),
        ("ILSVRC2012_val_000000012.JPEG", None),
        ("ILSVRC2012_test_00000001.JPEG", None),
    ],
)
def test_the_number_of_an_image_is_the_last_in_its_name(name, number):
    assert image_number(name) == number
