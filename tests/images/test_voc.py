import json
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image, make_weights

from bench.errors import UserError
from bench.images.decoding import read
from bench.images.sets.voc import CLASSES
from bench.images.sources import DataSpec, open_data
from bench.run.__main__ import main
from protocols.view import Box

DOG = ("dog", 0, (1, 1, 500, 375))  # class, difficult, corners: the whole image
PERSON = ("person", 0, (48, 240, 195, 371))
CHAIR = ("chair", 1, (8, 12, 352, 300))
SPLITS = {"train": {"000012": [DOG]}, "val": {"000001": [CHAIR, DOG, PERSON], "000009": [], "000007": [PERSON]}}
PART = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"


def annotation(things: list, size: tuple[int, int] = (500, 375)) -> str:
    objects = ""
    for name, difficult, corners in things:
        box = "".join(
            f"<{side}>{at}</{side}>" for side, at in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
        )
        part = PART if name == "person" else ""
        objects += f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox>{part}</object>"
    width, height = size
    return f"<annotation><size><width>{width}</width><height>{height}</height></size>{objects}</annotation>"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Four images as the archive of VOC 2007 holds them, of five objects that count and one that does not."""
    root = tmp_path / "VOCdevkit" / "VOC2007"
    for place in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / place).mkdir(parents=True)
    for split, images in SPLITS.items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in images))
        for name, things in images.items():
            make_image((500, 375), int(name)).save(root / "JPEGImages" / f"{name}.jpg")
            (root / "Annotations" / f"{name}.xml").write_text(annotation(things))
    return tmp_path


def annotate(folder: Path, text: str) -> Path:
    """Write another annotation of the one training image."""
    file = folder / "VOCdevkit" / "VOC2007" / "Annotations" / "000012.xml"
    file.write_text(text)
    return file


def refused(folder: Path, split: str = "train") -> str:
    with pytest.raises(UserError) as caught:
        open_data(DataSpec(f"voc2007:{folder}"), split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_twenty_classes_are_sorted():
    assert len(CLASSES) == 20
    assert list(CLASSES) == sorted(set(CLASSES))


def test_every_object_that_is_not_difficult_is_an_image(folder):
    images = open_data(DataSpec(f"voc2007:{folder}"))
    assert (images.name, images.total, images.classes) == ("voc2007/val", 3, CLASSES)
    assert images.ids == ("000001#2", "000001#3", "000007#1")
    assert [images.classes[label] for label in images.labels] == ["dog", "person", "person"]
    assert [path.stem for path in images.sources] == ["000001", "000001", "000007"]
    assert open_data(DataSpec(f"voc2007:{folder}"), "train").ids == ("000012#1",)


def test_corners_count_from_1_and_both_are_inside(folder):
    images = open_data(DataSpec(f"voc2007:{folder}"))
    assert images.boxes == (Box(0, 0, 500, 375), Box(47, 239, 195, 371), Box(47, 239, 195, 371))
    whole, part = (np.array(read(*images.place(index))) for index in (0, 1))
    assert whole.shape == (375, 500, 3)
    assert np.array_equal(part, whole[240 - 1 : 371, 48 - 1 : 195])


def test_objects_of_one_image_have_posteriors_of_their_own(folder, tmp_path, capsys):
    """End to end: as many rows as objects, and an object's are those of its crop as a file."""
    weights = make_weights(tmp_path / "voc.safetensors", "vgg11", classes=CLASSES)
    images = open_data(DataSpec(f"voc2007:{folder}"))
    for index, label in enumerate(images.labels):
        read(*images.place(index)).save(tmp_path / f"{index}.png")
        with (tmp_path / "crops.txt").open("a") as file:
            file.write(f"{images.classes[label]};{index}.png\n")
    found = []
    for data in (f"voc2007:{folder}", f"list:{tmp_path}/crops.txt"):
        words = f"--model vgg11 --weights {weights} --protocol centre --out {tmp_path}/out --store {tmp_path}/store"
        assert main([*words.split(), "--data", data, "--save-posteriors"]) == 0
        (row,) = json.loads((tmp_path / "out/results.json").read_text())
        assert row["n"] == 3
        found.append(np.load(row["posteriors"]))
    objects, files = found
    assert objects["ids"].tolist() == list(images.ids)
    assert np.array_equal(objects["labels"], files["labels"])
    assert np.array_equal(objects["posteriors"], files["posteriors"])
    assert np.abs(objects["posteriors"][0] - objects["posteriors"][1]).max() > 1e-3
    assert main([*words.split(), "--data", f"voc2007:{folder}", "--dry-run"]) == 0
    assert "| 1 of 1" in capsys.readouterr().out


@pytest.mark.parametrize("corners", [(0, 1, 9, 9), (1, 1, 501, 9), (1, 1, 9, 376), (9, 1, 8, 9), (1, 9, 9, 8)])
def test_box_that_is_empty_or_leaves_the_image_is_named(folder, corners):
    file = annotate(folder, annotation([("cat", 0, corners)]))
    message = refused(folder)
    assert str(file) in message
    assert ",".join(map(str, corners[:2])) in message


def test_one_pixel_is_a_box(folder):
    annotate(folder, annotation([("cat", 0, (500, 375, 500, 375))]))
    assert open_data(DataSpec(f"voc2007:{folder}"), "train").boxes == (Box(499, 374, 500, 375),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no element found"),
        ("<annotation><object>", "no element found"),
        ("<html/>", "'annotation' is missing"),
        ("<annotation>text</annotation>", "no annotation of VOC 2007"),
        ("<annotation><object><name>cat</name></object></annotation>", "'size' is missing"),
        (annotation([("unicorn", 0, (1, 1, 2, 2))]), "'unicorn' is missing or unknown"),
        (annotation([("cat", 0, ("a", 1, 2, 2))]), "'a'"),
        (annotation([("cat", 0, (1, 1, 2, 2))]).replace("bndbox", "box"), "'bndbox' is missing"),
        (annotation([("cat", 1, (1, 1, 2, 2))]), "no object in split train"),
    ],
)
def test_broken_annotation_is_one_line(folder, text, said):
    annotate(folder, text)
    message = refused(folder)
    assert said in message
    assert str(folder) in message


def test_missing_things_are_one_line(folder, tmp_path):
    root = folder / "VOCdevkit" / "VOC2007"
    assert "no VOCdevkit/VOC2007 in it" in refused(root)
    assert "no VOCdevkit/VOC2007 in it" in refused(tmp_path / "none")
    (root / "Annotations" / "000012.xml").unlink()
    assert "000012.xml' cannot be read" in refused(folder)
    (root / "ImageSets" / "Main" / "val.txt").unlink()
    assert "val.txt' cannot be read" in refused(folder, "val")


def test_a_list_that_was_cut_short_is_refused_and_one_of_a_subset_says_how_many_it_has(folder):
    root = folder / "VOCdevkit" / "VOC2007"
    assert open_data(DataSpec(f"voc2007:{folder}")).notes == ("val.txt names 3 images; that of VOC 2007 has 2510",)
    (root / "ImageSets" / "Main" / "val.txt").write_text("000001\n000009\n")
    for split in ("val", "train"):
        assert "1 annotated images are in no list of ImageSets/Main, first '000007'" in refused(folder, split)
    (root / "ImageSets" / "Main" / "test.txt").write_text("000007\n")
    assert len(open_data(DataSpec(f"voc2007:{folder}"))) == 2
    (root / "ImageSets" / "Main" / "val.txt").write_text("000001\n0000")
    assert "1 annotated images are in no list of ImageSets/Main, first '000009'" in refused(folder, "val")


def test_an_image_that_a_list_names_twice_is_refused_or_counts_twice(folder):
    file = folder / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main" / "val.txt"
    file.write_text("000007\n000001\n000007\n000009\n")
    assert "it names '000007' twice (1 images); leave one line each, or give --allow-duplicates" in refused(
        folder, "val"
    )
    images = open_data(DataSpec(f"voc2007:{folder}", allow_duplicates=True))
    assert images.ids == ("000007#1", "000001#2", "000001#3", "000007#1#2")
    assert "1 images count again" in images.notes[-1]


def test_a_folder_around_is_read_through(folder, tmp_path):
    (tmp_path / "archive" / "VOCtrainval_06-Nov-2007").mkdir(parents=True)
    (folder / "VOCdevkit").rename(tmp_path / "archive" / "VOCtrainval_06-Nov-2007" / "VOCdevkit")
    assert len(open_data(DataSpec(f"voc2007:{tmp_path}/archive"))) == 3
