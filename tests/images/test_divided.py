"""Sets in their parts, for learning: one label an image here, several in test_voc_sets.py."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from labelled_sets import labelled
from layouts import draw, parted
from torch_layouts import folders

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.divided import DividedSet, SetPart, divided_of, open_divided
from bench.images.labels.multi_labels import MultiLabels
from bench.images.sets.given_images import read_given
from bench.images.sources import DataSpec


def refused(source: str, **options) -> str:
    with pytest.raises(UserError) as caught:
        open_divided(DataSpec(source, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def classes_of(part: SetPart) -> list[int]:
    """One each, of sets where no image has another, or none that is difficult."""
    assert part.present.dtype == part.difficult.dtype == bool
    assert part.present.shape == part.difficult.shape
    assert (part.present.sum(axis=1) == 1).all()
    assert not part.difficult.any()
    return part.present.argmax(axis=1).tolist()


def names_of(found: DividedSet) -> list[str]:
    return [part.name for part in found.parts]


def test_a_folder_with_parts_is_learnt_from_one_and_tried_on_the_other(tmp_path):
    found = open_divided(DataSpec(f"folder:{parted(tmp_path, 'train', 'val')}"))
    assert (found.name, found.kind, found.multi) == (f"folder:{tmp_path.name}", "folder", False)
    assert found.classes == ("cats", "dogs")
    assert names_of(found) == ["train", "test"]
    train, test = found.parts
    assert test.ids == ("cats/val.jpg", "dogs/val.jpg")
    assert classes_of(train) == classes_of(test) == [0, 1]
    (look,) = test.looks
    assert look.rows.tolist() == [0, 1]
    assert look.images.sources[1] == tmp_path / "val/dogs/val.jpg"


def test_a_folder_without_parts_is_one(tmp_path):
    found = open_divided(DataSpec(f"folder:{draw(tmp_path, 'b/1.png', 'a/1.png', 'a/2.png')}"))
    assert names_of(found) == ["all"]
    assert found.classes == ("a", "b")
    assert found.parts[0].ids == ("a/1.png", "a/2.png", "b/1.png")
    assert classes_of(found.parts[0]) == [0, 0, 1]


def test_split_makes_parts_of_a_set_without(tmp_path):
    found = open_divided(DataSpec(f"folder:{draw(tmp_path, 'b/1.png', 'b/2.png', 'a/1.png', 'a/2.png')}", split=0.5))
    assert names_of(found) == ["train", "test"]
    assert found.name == f"folder:{tmp_path.name}[split 0.5 seed 0]"
    assert [classes_of(part) for part in found.parts] == [[0, 1], [0, 1]]


def test_ids_are_prefixed_with_their_part_only_where_two_parts_share_one(tmp_path):
    draw(tmp_path, "train/a/1.png", "train/a/2.png", "val/a/2.png")
    train, test = open_divided(DataSpec(f"folder:{tmp_path}")).parts
    assert train.ids == ("train/a/1.png", "train/a/2.png")
    assert test.ids == ("test/a/2.png",)


def test_classes_agree_by_name_and_one_that_is_not_learnt_is_refused(tmp_path):
    draw(tmp_path, "train/a/1.png", "train/b/1.png", "train/c/1.png", "val/c/2.png", "val/b/2.png")
    found = open_divided(DataSpec(f"folder:{tmp_path}"))
    assert found.classes == ("a", "b", "c")
    assert classes_of(found.parts[1]) == [1, 2]
    draw(tmp_path, "val/d/1.png")
    assert "'d'" in refused(f"folder:{tmp_path}")


@pytest.mark.parametrize("numbers", [(0, 1), (1, 2), (7, 99_999)])
def test_labels_that_are_numbers_are_their_classes_names_and_only_those_that_occur(tmp_path, numbers):
    draw(tmp_path, "1.png", "2.png", "3.png")
    first, second = numbers
    (tmp_path / "list.txt").write_text(f"1.png {second}\n2.png {first}\n3.png {second}\n")
    found = open_divided(DataSpec(f"list:{tmp_path}/list.txt"))
    assert found.classes == (str(first), str(second))
    assert classes_of(found.parts[0]) == [1, 0, 1]


def test_kaggles_cats_and_dogs_are_one_part_and_class_folders_have_theirs(tmp_path):
    flat = draw(tmp_path / "flat", "train/cat.0.jpg", "train/dog.0.jpg", "test1/1.jpg")
    found = open_divided(DataSpec(f"catsdogs:{flat}"))
    assert (names_of(found), found.classes) == (["all"], ("cat", "dog"))
    assert found.parts[0].ids == ("cat.0.jpg", "dog.0.jpg")
    assert names_of(open_divided(DataSpec(f"catsdogs:{parted(tmp_path / 'b', 'train', 'val')}"))) == ["train", "test"]


def test_a_folder_with_training_images_alone_is_refused(tmp_path):
    assert "no val/" in refused(f"folder:{parted(tmp_path, 'train')}")


def test_images_of_bare_pixels_are_taken(tmp_path):
    pixels = [np.full((8, 8, 3), k, dtype=np.uint8) for k in range(4)]
    found = divided_of(read_given([(each, "ab"[k % 2]) for k, each in enumerate(pixels)]))
    assert found.classes == ("a", "b")
    assert classes_of(found.parts[0]) == [0, 1, 0, 1]


def test_published_parts_are_train_and_test(tmp_path):
    countries = folders("country211/{}", ("AD", "AE"))
    countries(tmp_path, [0, 1], "train")
    countries(tmp_path, [1, 0, 1], "val")
    found = open_divided(DataSpec(f"country211:{tmp_path}"))
    assert (found.name, names_of(found)) == ("country211", ["train", "test"])
    assert found.classes == ("AD", "AE")
    assert [classes_of(part) for part in found.parts] == [[0, 1], [0, 1, 1]]


def test_limit_is_per_part_and_keeps_the_classes(tmp_path):
    draw(tmp_path, *(f"{part}/{name}/{k}.png" for part in ("train", "val") for name in "abc" for k in range(4)))
    found = open_divided(DataSpec(f"folder:{tmp_path}", limit=2))
    assert [len(part) for part in found.parts] == [2, 2]
    assert found.classes == ("a", "b", "c")


def test_a_list_with_parts_and_columns(tmp_path):
    draw(tmp_path, "1.png", "2.png", "3.png")
    rows = "photo,kind,split\n1.png,y,train\n2.png,x,train\n3.png,y,test\n"
    (tmp_path / "list.csv").write_text(rows)
    found = open_divided(DataSpec(f"list:{tmp_path}/list.csv", list_columns="photo,kind"))
    assert found.classes == ("x", "y")
    assert [classes_of(part) for part in found.parts] == [[1, 0], [1]]


def test_sets_for_evaluation_are_refused(tmp_path):
    for kind in ("imagenet-v2", "imagenet-a", "imagenet-c", "objectnet"):
        assert "is for evaluation" in refused(f"{kind}:{tmp_path}")


def test_what_is_of_nets_classes_is_refused(tmp_path):
    source = f"folder:{draw(tmp_path, 'a/1.png')}"
    assert "leave --class-map out" in refused(source, class_map="map.csv")
    assert "leave --labels out" in refused(source, labels="real:real.json")
    assert "give folder:DIR" in refused("nothing:here")


def given(labels, classes, name: str = "list") -> Images:
    return replace(labelled(labels, classes), name=name)


def test_images_of_python_alone_or_in_two_parts():
    whole = divided_of(given([2, 0, 2], None))
    assert (whole.classes, names_of(whole)) == (("0", "2"), ["all"])
    assert classes_of(whole.parts[0]) == [1, 0, 1]
    train, test = given([1, 0], ("a", "b"), "mine/train"), given([0, 1, 1], ("b", "a"), "mine/test")
    both = divided_of(train, test)
    assert (both.name, both.classes) == ("mine", ("a", "b"))
    assert [classes_of(part) for part in both.parts] == [[1, 0], [1, 0, 0]]
    assert both.parts[1].ids[0] == "test/0.png"


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (([0, 1], ("a", "b")), ([0], ("c",)), "no training image is of class 'c'; the 2 classes of 'list' are a, b;"),
        (([0, 1], ("a", "b")), ([1], None), "no training image is of class '1'"),
        (([0, 2], ("a", "b", "c")), ([1], ("a", "b", "c")), "no training image is of class 'b'"),
        (([0, 3], None), ([1], None), "no training image is of class '1'; the 2 classes of 'list' are 0, 3;"),
        (([0, 1], ("a", "a")), ([0], ("a",)), "two classes have one name"),
    ],
)
def test_classes_of_test_images_that_nobody_can_learn_are_refused(train, test, said):
    with pytest.raises(UserError) as caught:
        divided_of(given(*train), given(*test))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("train", "test", "found"),
    [
        (([2, 0], ("a", "b", "c")), ([0, 2], ("a", "b", "c")), [[1, 0], [0, 1]]),
        (([1, 0, 2], ("crane", "crane", "x")), ([0, 1], ("crane", "crane", "x")), [[1, 0, 2], [0, 1]]),
        (([7, 9], None), ([0, 1], ("9", "7")), [[0, 1], [1, 0]]),
        (([0, 1], ("background", "a")), ([1], ("a", "background")), [[0, 1], [0]]),
    ],
)
def test_classes_are_those_that_occur_in_training_images(train, test, found):
    assert [classes_of(part) for part in divided_of(given(*train), given(*test)).parts] == found


def several(present, difficult=None) -> MultiLabels:
    present = np.array(present, dtype=bool)
    return MultiLabels(present, np.zeros_like(present) if difficult is None else np.array(difficult, dtype=bool))


def test_several_labels_are_taken_with_their_images_and_stand_in_the_digest():
    names = ("a", "b")
    multi = several([[1, 0], [1, 1], [0, 0]], [[0, 1], [0, 0], [0, 0]])
    images = replace(labelled([0, 0, 0], names), multi=multi, pixel_digests=("p", "q", "r"))
    two = images.take([2, 0])
    assert two.multi is not None
    assert two.multi.present.tolist() == [[False, False], [True, False]]
    assert two.multi.difficult.tolist() == [[False, False], [False, True]]
    assert len(images.limit(2).multi.present) == 2
    digests = {images.digest, replace(images, multi=None).digest}
    digests.add(replace(images, multi=several(multi.present)).digest)
    assert len(digests) == 3


@pytest.mark.parametrize("wrong", [([[1]], [[1]]), ([[1, 0]], [[0]]), ([1], [0])])
def test_several_labels_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="present and difficult"):
        MultiLabels(*(np.array(each, dtype=bool) for each in wrong))


def test_several_labels_of_python():
    names = ("a", "b")
    train = replace(labelled([0, 0], names), multi=several([[1, 1], [0, 0]]))
    found = divided_of(train, replace(train, name="other"))
    assert found.multi
    assert found.parts[1].present.tolist() == [[True, True], [False, False]]
    for other in (labelled([0], names), replace(train, classes=("b", "a"))):
        with pytest.raises(UserError, match="its classes are not those of"):
            divided_of(train, other)
    assert Path(found.parts[0].looks[0].images.sources[0]).name == "0.png"
