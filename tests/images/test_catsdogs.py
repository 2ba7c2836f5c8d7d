from pathlib import Path

import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.sources import DataSpec, open_data


def draw(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6)).save(path, "PNG")
    return root


def refused(root: Path, split: str = "val", share: float | None = None) -> str:
    with pytest.raises(UserError) as caught:
        open_data(DataSpec(f"catsdogs:{root}", share), split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("inside", ["train/", ""])
def test_kaggles_class_is_the_file_name_before_its_first_dot(tmp_path, inside):
    names = ("cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.12499.jpg")
    draw(tmp_path, *(inside + name for name in names))
    images = open_data(DataSpec(f"catsdogs:{tmp_path}"))
    assert (images.ids, images.labels.tolist(), images.classes) == (names, [0, 0, 1, 1], ("cat", "dog"))
    assert images.sources == tuple(tmp_path / inside / name for name in names)
    train, val = (open_data(DataSpec(f"catsdogs:{tmp_path}", 0.5), split) for split in ("train", "val"))
    assert train.labels.tolist() == val.labels.tolist() == [0, 1]
    assert set(train.ids) | set(val.ids) == set(names)


def test_kaggles_test_images_beside_are_left_alone(tmp_path):
    draw(tmp_path, "train/cat.0.jpg", "train/dog.0.jpg", "test1/1.jpg")
    assert len(open_data(DataSpec(f"catsdogs:{tmp_path}"))) == 2


def test_class_folders_are_a_folder(tmp_path):
    draw(tmp_path / "a", "Cat/0.jpg", "Cat/1.jpg", "Dog/0.jpg", "Dog/1.jpg")
    draw(tmp_path / "b", "train/cats/0.jpg", "train/dogs/0.jpg", "val/cats/1.jpg", "val/dogs/1.jpg")
    for root in (tmp_path / "a", tmp_path / "b"):
        assert open_data(DataSpec(f"catsdogs:{root}")).digest == open_data(DataSpec(f"folder:{root}")).digest
    assert len(open_data(DataSpec(f"catsdogs:{tmp_path}/a", 0.5), "train")) == 2
    assert open_data(DataSpec(f"catsdogs:{tmp_path}/b"), "train").ids == ("cats/0.jpg", "dogs/0.jpg")
    assert "leave --split out" in refused(tmp_path / "b", share=0.5)


def test_without_split_there_is_nothing_to_train_on(tmp_path):
    draw(tmp_path, "train/cat.0.jpg", "train/dog.0.jpg")
    assert "give --split 0.2" in refused(tmp_path, "train")


def test_other_files_are_named(tmp_path):
    assert "no image in it" in refused(tmp_path)
    draw(tmp_path, "cat.0.jpg", "bird.0.jpg")
    assert "'bird.0.jpg' is neither cat.N.jpg nor dog.N.jpg" in refused(tmp_path)
    assert "no such folder" in refused(tmp_path / "none")
