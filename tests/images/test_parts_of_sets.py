"""Parts of sets are known by their names; which was taken, and that a net has seen one, is said."""

import pytest
from layouts import CLASSES, GOLDFISH, TENCH, draw, opened, parted, refused

from bench.images.containers.part_names import is_training, natural
from bench.images.sources import has_parts

EVALUATION = ("val", "valid", "validation", "test", "test_set", "testing", "Val", "TEST", "validation_set", "val_set",
              "eval", "test-data", "Testing", "dev", "val2017", "test1", "Validation Set")  # fmt: skip
TRAINING = ("train", "training", "training_set", "train_set", "Train", "TRAINING", "train2017", "training-data")


@pytest.mark.parametrize("part", EVALUATION)
def test_parts_for_evaluation_are_known_by_their_names_and_said(tmp_path, part):
    for training in ("train", "training_set"):
        root = parted(tmp_path / training, part, training)
        images = opened(f"folder:{root}")
        assert (images.classes, [path.stem for path in images.sources]) == (CLASSES, [part] * 2)
        assert images.digest == opened(f"folder:{root}/{part}").digest
        assert part == "val" or any(note.startswith(f"{part}/ is evaluated") for note in images.notes)
        assert images.name == f"folder:{training}" + f"/{part}" * (part != "val")


@pytest.mark.parametrize("part", TRAINING)
def test_parts_for_training_are_known_by_their_names_and_said(tmp_path, part):
    root = parted(tmp_path, part, "test")
    images = opened(f"folder:{root}", "train")
    assert [path.stem for path in images.sources] == [part] * 2
    assert images.notes == (() if part == "train" else (f"{part}/ is taken for training",))
    assert "has seen them" in opened(f"folder:{root}/{part}").notes[0]
    assert "leave --split out" in refused(f"folder:{root}", split=0.5)
    assert has_parts(f"folder:{root}")


def test_what_stands_beside_the_parts_is_said(tmp_path):
    draw(parted(tmp_path, "Training", "Test"), "papers/1.jpg", "multiple fruits/1.jpg")
    assert "beside the parts stand multiple fruits/, papers/, which are not read" in opened(f"folder:{tmp_path}").notes


def test_usual_parts_need_no_word(tmp_path):
    root = parted(tmp_path, "train", "val")
    assert opened(f"folder:{root}").notes == opened(f"folder:{root}", "train").notes == ()


def test_validation_goes_before_test_and_the_choice_is_said(tmp_path):
    for parts in (("train", "val", "test"), ("validation", "test"), ("training_set", "Valid", "test_set")):
        root = parted(tmp_path / parts[-2], *parts)
        images = opened(f"folder:{root}")
        assert [path.stem for path in images.sources] == [parts[-2]] * 2
        assert images.notes == (f"{parts[-2]}/ is evaluated; {parts[-1]}/ could be, by its path",)


@pytest.mark.parametrize("part", ["test_set", "validation", "seg_test/seg_test", "test_set/test_set"])
def test_a_part_alone_is_one(tmp_path, part):
    root = parted(tmp_path, part)
    assert opened(f"folder:{root}").classes == CLASSES
    assert len(opened(f"catsdogs:{root}")) == 2


def test_a_training_part_alone_is_refused(tmp_path):
    for part in ("train", "training_set"):
        assert f"it has {part}/ but no val/<class>/" in refused(f"folder:{parted(tmp_path / part, part)}")


def test_names_with_something_before_are_parts_in_pairs_only(tmp_path):
    """Intel's scenes; steam trains are a class, and so are valid and invalid documents."""
    root = parted(tmp_path / "scenes", "seg_train/seg_train", "seg_test/seg_test")
    assert [path.stem for path in opened(f"folder:{root}").sources] == ["seg_test-seg_test"] * 2
    assert [path.stem for path in opened(f"folder:{root}", "train").sources] == ["seg_train-seg_train"] * 2
    draw(tmp_path / "a", "steam train/uk/a.jpg", "steam train/us/a.jpg", "bullet train/japan/b.jpg", "car/c.jpg")
    assert opened(f"folder:{tmp_path}/a").classes == ("bullet train", "car", "steam train")
    draw(tmp_path / "b", "valid/2020/a.jpg", "valid/2021/b.jpg", "invalid/c.jpg")
    assert opened(f"folder:{tmp_path}/b").classes == ("invalid", "valid")
    draw(tmp_path / "c", "bus/a.jpg", "car/b.jpg", "train/c.jpg")
    assert opened(f"folder:{tmp_path}/c").classes == ("bus", "car", "train")


@pytest.mark.parametrize("kind", ["folder", "catsdogs", "list"])
def test_of_parts_that_are_made_here_nothing_is_said_to_be_seen(tmp_path, kind):
    root = draw(tmp_path / "train", *(f"{name}.{k}.jpg" for name in ("cat", "dog") for k in range(2)))
    (tmp_path / "train.txt").write_text("".join(f"train/{each.name} {each.stem[:3]}\n" for each in root.iterdir()))
    sorted_out = draw(tmp_path / "more" / "train", "cats/0.jpg", "cats/1.jpg", "dogs/0.jpg", "dogs/1.jpg")
    places = {"folder": sorted_out, "catsdogs": root, "list": tmp_path / "train.txt"}
    source = f"{kind}:{places[kind]}"
    assert any("has seen them" in note for note in opened(source).notes)
    for part in ("train", "val"):
        assert not any("has seen them" in note for note in opened(source, part, split=0.5).notes)


@pytest.mark.parametrize("linked", ["training", "evaluated", "val"])
def test_training_images_are_said_by_whatever_path(tmp_path, linked):
    parted(tmp_path / "set", "train")
    (tmp_path / linked).symlink_to(tmp_path / "set" / "train")
    assert opened(f"folder:{tmp_path}/{linked}").notes[0].endswith("a net trained on its images has seen them")
    inner = parted(tmp_path / "set" / "train2017" / "images")
    draw(inner, "cats/a.jpg", "dogs/b.jpg")
    assert "'train2017'" in opened(f"folder:{tmp_path}/set/train2017").notes[-1]
    assert is_training("Training Set")
    assert is_training("flowers-train")
    assert not is_training("trains")


def test_imagenets_training_images_are_not_called_its_validation_images(tmp_path):
    """Whose figures in the paper would stand beside them."""
    draw(tmp_path, f"train/{TENCH}/a.JPEG", f"train/{GOLDFISH}/a.JPEG")
    images = opened(f"imagenet:{tmp_path}/train")
    assert (images.name, images.notes[0][:29]) == ("imagenet/train", "the folder is named 'train': ")


def test_imagenets_parts_may_have_other_names(tmp_path):
    draw(tmp_path, f"train/{TENCH}/a.JPEG", f"validation/{TENCH}/b.JPEG", f"validation/{GOLDFISH}/b.JPEG")
    images = opened(f"imagenet:{tmp_path}")
    assert (images.name, images.labels.tolist()) == ("imagenet/validation", [0, 1])
    assert images.notes == ("validation/ is evaluated, for want of val/<class>/",)


def test_numbers_in_names_are_in_their_order():
    names = ["s-10", "s-9", "s-²", "s", "s-1-of-2"]
    assert sorted(names, key=natural) == ["s", "s-1-of-2", "s-9", "s-10", "s-²"]
