"""Pairs of image and label that are given in Python: what their ids, labels and classes are, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from given_sets import PHOTO, PIXELS, Numbered, prepared, saved

from bench.errors import UserError
from bench.images.sets.given_images import read_given


def test_ids_are_paths_as_given_or_numbers_and_unique(tmp_path, monkeypatch):
    saved(tmp_path, PHOTO)
    monkeypatch.chdir(tmp_path)
    images = read_given([("a.png", 0), (PHOTO, 0), (Path("a.png"), 1), (str(tmp_path / "a.png"), 1)])
    assert images.ids == ("a.png", "1", "a.png#2", str(tmp_path / "a.png"))
    assert (images.name, images.total, images.labels.tolist()) == ("list", 4, [0, 0, 1, 1])
    monkeypatch.chdir("/")  # where they are does not depend on it
    assert len(prepared(images)) == 4
    assert read_given([(PHOTO, 0)], "mine").name == "mine"


@pytest.mark.parametrize("one", [0, np.int64(0), np.uint8(0), np.array(0), torch.tensor(0)], ids=repr)
def test_numbers_are_labels(one):
    images = read_given([(PHOTO, one), (PHOTO, 2)])
    assert images.labels.dtype == np.int64
    assert images.labels.tolist() == [0, 2]
    assert images.classes is None
    assert read_given([(PHOTO, one)], classes=["a", "b"]).classes == ("a", "b")


def test_names_are_labels():
    """Their classes are sorted, or those that are given."""
    pairs = [(PHOTO, "dog"), (PHOTO, np.str_("cat")), (PHOTO, "dog")]
    images = read_given(pairs)
    assert (images.classes, images.labels.tolist()) == (("cat", "dog"), [1, 0, 1])
    images = read_given(pairs, classes=("dog", "cow", "cat"))
    assert (images.classes, images.labels.tolist()) == (("dog", "cow", "cat"), [0, 2, 0])


def test_labels_that_count_from_1_are_doubted():
    assert "--labels-from 1" in read_given([(PHOTO, 1), (PHOTO, 2)]).doubts[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "data 'list': there is no image in it; give a list of"),
        (Numbered([]), "data 'Numbered': there is no image"),
        ("photos", "data of type str: give a list of"),
        (PIXELS, "data of type ndarray, (30, 40, 3) of uint8: give a list of"),
        ({"a.png": 0}, "data of type dict: give a list of"),
        (torch.utils.data.DataLoader([(0, 0)]), "data of type DataLoader: give its dataset, or"),
        (iter([(PHOTO, 0)]), "data of type list_iterator: give a list"),
        ([PHOTO], "item '0' is of type Image; give pairs of image and label"),
        ([(PHOTO, 0), (PHOTO, 0, 1)], "item '1' is 3 things; give pairs"),
        ([("a.png", 0), "a.png"], "item '1' is of type str; give pairs"),
        ([{"image": PHOTO, "label": 0}], "item '0' is of type dict; give pairs"),
        ([(None, 0)], "image '0' is of type NoneType; give PIL images, uint8 arrays"),
        ([(PIXELS / 255, 0)], "(30, 40, 3) of float64; give uint8 arrays (H, W, 3) in RGB or (H, W)"),
        ([(PIXELS.transpose(2, 0, 1), 0)], "is of type ndarray, (3, 30, 40) of uint8; give uint8 arrays"),
        ([(PIXELS[None], 0)], "(1, 30, 40, 3) of uint8; give uint8 arrays"),
        ([(np.zeros((30, 40, 4), np.uint8), 0)], "(30, 40, 4) of uint8; give uint8 arrays"),
        ([(np.zeros((30, 40), np.uint16), 0)], "(30, 40) of uint16; give uint8 arrays"),
        ([(np.zeros((0, 40, 3), np.uint8), 0)], "without pixels; leave it out"),
        ([(torch.zeros(3, 30, 40), 0)], "is of type Tensor, (3, 30, 40) of torch.float32; give the data set without"),
        (Numbered([(torch.zeros(3, 30, 40), 0)]), "give the data set without its transform: the protocols rescale and"),
        ([("a\0.png", 0)], "this can be no path"),
        ([(PHOTO, -1)], "the label of image '0' is -1; give numbers of classes, from 0"),
        ([(PHOTO, 0.0)], "the label of image '0' is 0.0; give the number of a class, from 0, or its name"),
        ([(PHOTO, True)], "the label of image '0' is True; give the number"),
        ([(PHOTO, None)], "the label of image '0' is of type NoneType; give the number"),
        ([(PHOTO, [0, 1])], "the label of image '0' is of type list; give the number"),
        ([(PHOTO, np.eye(3)[1])], "the label of image '0' is of type ndarray, (3,) of float64; give the number"),
        ([(PHOTO, torch.tensor([0, 1]))], "the label of image '0' is of type Tensor, (2,) of torch.int64; give"),
        ([(PHOTO, torch.tensor(1.0))], "the label of image '0' is 1.0; give the number"),
        ([(PHOTO, 10**30)], f"the label of image '0' is {10**30}; give"),
        ([(PHOTO, 0), (PHOTO, "cat")], "labels are numbers, such as 0, and names, such as 'cat'; give one kind"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(given, said):
    with pytest.raises(UserError) as raised:
        read_given(given)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("label", "classes", "said"),
    [
        (2, ["a", "b"], "the label of image '0' is 2, but there are 2 classes; give the names of all"),
        ("cow", ["a", "b"], "the class of image '0' is 'cow', which is none of the 2 that are given, such as 'a'"),
        (0, ["a", "a"], "class 'a' is there twice"),
        (0, [], "give a list of names"),
        (0, "ab", "give a list of names"),
    ],
)
def test_labels_and_classes_must_fit(label, classes, said):
    with pytest.raises(UserError) as raised:
        read_given([(PHOTO, label)], classes=classes)
    assert said in str(raised.value)
