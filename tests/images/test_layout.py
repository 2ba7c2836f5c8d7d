"""Layouts that people have: what is no class or no set is refused with what to give instead."""

from pathlib import Path

import pytest
from layouts import CLASSES, GOLDFISH, SHARK, TENCH, draw, opened, parted, refused

from bench.images.labels.imagenet_names import wnids


@pytest.mark.parametrize("names", [("a", "b"), ("2019", "2020"), ("amazon/images", "dslr/images"), ("Art", "Product")])
def test_two_sets_side_by_side_are_no_classes(tmp_path, names):
    root = parted(tmp_path, *names)
    draw(root, f"{names[0]}/birds/x.jpg")
    for options in ({}, {"split": 0.5}):
        message = refused(f"folder:{root}", **options)
        assert f"{names[0].split('/')[0]}/ and {names[1].split('/')[0]}/ hold 2 folders of the same names" in message
        assert "give folder:DIR for one of them" in message
    assert len(opened(f"folder:{root}/{names[0]}")) == 3


def test_two_sets_beside_others_and_parts_in_each_class_are_no_classes_either(tmp_path):
    draw(parted(tmp_path / "a", "x", "y"), "z/1.jpg", "x/stray.jpg")
    assert "x/ and y/ hold 2 folders" in refused(f"folder:{tmp_path}/a")
    draw(tmp_path / "b", *(f"{name}/{part}/1.jpg" for name in CLASSES for part in ("train", "test")))
    assert "cats/ holds test and train, so it is no class but a set" in refused(f"folder:{tmp_path}/b")


def test_a_set_beside_another_is_no_class(tmp_path):
    draw(parted(tmp_path, "blood/images/TRAIN", "blood/images/TEST"), "other/JPEGImages/1.jpg")
    assert "blood/ holds TEST and TRAIN, so it is no class but a set" in refused(f"folder:{tmp_path}")


def test_class_folders_may_hold_folders(tmp_path):
    names = ("birds/owl/1.jpg", "birds/tit/2.jpg", "dogs/poodle/3.jpg", "dogs/pug/4.jpg")
    images = opened(f"folder:{draw(tmp_path / 'a', *names)}")
    assert (images.classes, images.ids) == (("birds", "dogs"), names)
    assert images.notes == ("class folders hold folders: their images count for the class of the outer one",)
    images = opened(f"folder:{draw(tmp_path / 'b', 'cats/images/1.jpg', 'dogs/images/2.jpg')}")
    assert (images.classes, images.notes) == (CLASSES, ())


def test_folders_in_a_folder_are_read_through_and_said(tmp_path):
    root = parted(tmp_path / "zip", "set/set/train", "set/set/test")
    images = opened(f"folder:{root}")
    assert images.ids == ("cats/set-set-test.jpg", "dogs/set-set-test.jpg")
    assert images.notes == (
        "read in set/set/, the only folder in zip/",
        "test/ is evaluated, for want of val/<class>/",
    )
    assert len(opened(f"folder:{root}", "train")) == 2
    assert "leave --split out" in refused(f"folder:{root}", split=0.5)
    assert opened(f"folder:{parted(tmp_path / 'pets', 'PetImages')}").classes == CLASSES
    assert opened(f"folder:{draw(tmp_path / 'one', 'cats/1.jpg')}").classes == ("cats",)
    draw(tmp_path / "imagenet", f"ILSVRC2012/val/{TENCH}/a.JPEG", f"ILSVRC2012/val/{GOLDFISH}/a.JPEG")
    assert len(opened(f"imagenet:{tmp_path}/imagenet")) == 2


def test_parts_without_class_folders_are_no_classes(tmp_path):
    """Kaggle's cats and dogs, given as a folder."""
    pets = draw(tmp_path / "pets", "train/cat.0.jpg", "train/dog.0.jpg", "test1/1.jpg")
    message = refused(f"folder:{pets}")
    assert "test1/ and train/ hold images without class folders" in message
    assert "catsdogs:DIR" in message
    assert "val/ holds images without" in refused(f"folder:{draw(tmp_path / 'flat', 'val/1.jpg', 'val/2.jpg')}")
    nested = draw(tmp_path / "zip", "dogs-vs-cats/train/train/cat.0.jpg", "dogs-vs-cats/train/train/dog.0.jpg")
    assert len(opened(f"catsdogs:{nested}")) == 2
    assert "'1.jpg' is neither cat.N.jpg nor dog.N.jpg" in refused(f"catsdogs:{pets}/test1")


def test_folders_beside_what_describes_them_are_no_classes(tmp_path):
    """Oxford's pets with their trimaps, and CUB-200's images beside attributes."""
    pets = draw(tmp_path / "pets", "images/a.jpg", "annotations/trimaps/a.png")
    assert "images/ and annotations/ are no classes, labels are elsewhere; write list:FILE" in refused(f"folder:{pets}")
    birds = draw(tmp_path / "CUB_200_2011", "images/001.Auk/a.jpg", "images/002.Tit/b.jpg")
    for name in ("attributes", "parts"):
        (birds / name).mkdir()
        (birds / name / "x.txt").write_text("")
    assert f"give folder:{birds}/images for the class folders in it" in refused(f"folder:{birds}")
    food = draw(tmp_path / "food", "images/pie/a.jpg", "images/soup/b.jpg")
    (food / "lists").mkdir()
    (food / "lists" / "x.txt").write_text("pie/a")
    assert f"give folder:{food}/images" in refused(f"folder:{food}")
    assert "images/ are no classes" in refused(f"folder:{draw(tmp_path / 'flat', 'images/a.jpg')}")
    flowers = draw(tmp_path / "flowers", "jpg/image_00001.jpg", "102segmentations/segmim/segmim_00001.jpg")
    assert "jpg/ and 102segmentations/ are no classes" in refused(f"folder:{flowers}")


def test_a_set_that_lies_in_itself_again_is_no_class_of_it(tmp_path):
    """As cell_images/cell_images in the archive of malaria's cells."""
    names = ("Parasitized/1.png", "Uninfected/1.png")
    root = draw(tmp_path / "cell_images", *names, *(f"cell_images/{name}" for name in names))
    message = refused(f"folder:{root}")
    assert "'Parasitized'" in message
    assert message.endswith(remedy := f"give folder:{root}/cell_images")
    assert opened(remedy.removeprefix("give ")).classes == ("Parasitized", "Uninfected")
    draw(tmp_path / "mixed", "cat/1.png", "dog/1.png", "both/1.png", "both/cat/2.png", "both/3.png", "both/dog/4.png")
    assert opened(f"folder:{tmp_path}/mixed").classes == ("both", "cat", "dog")


def test_what_a_set_says_of_its_classes_and_parts_is_said(tmp_path):
    """Caltech's clutter, and the split of CUB-200 that its class folders do not show."""
    caltech = draw(tmp_path / "101_ObjectCategories", "BACKGROUND_Google/1.jpg", "accordion/1.jpg")
    assert "clutter, no category of Caltech's" in opened(f"folder:{caltech}").notes[0]
    draw(tmp_path / "CUB", "images/001.Auk/a.jpg", "images/002.Tit/b.jpg")
    (tmp_path / "CUB" / "train_test_split.txt").write_text("1 0\n")
    assert "train_test_split.txt beside images/ says" in opened(f"folder:{tmp_path}/CUB/images").notes[0]


def test_one_level_too_high_or_without_labels_is_named(tmp_path):
    draw(tmp_path / "c", *(f"brightness/{k}/{name}/a.JPEG" for k in (1, 2) for name in (TENCH, GOLDFISH)))
    assert f"but holds some; give imagenet:{tmp_path}/c/brightness/1" in refused(f"imagenet:{tmp_path}/c")
    draw(tmp_path / "signs", "Train/0/1.png", "Train/1/1.png", "Test/0.png")
    assert "it has Train/ but no val/<class>/ (Test/: images without" in refused(f"folder:{tmp_path}/signs")
    draw(tmp_path / "asl", "asl_train/asl_train/A/1.jpg", "asl_train/asl_train/B/1.jpg", "asl_test/asl_test/A_test.jpg")
    assert "asl_test/ holds images without class folders" in refused(f"folder:{tmp_path}/asl")


def test_sets_of_other_kinds_are_called_by_their_names(tmp_path):
    draw(tmp_path, "VOCdevkit/VOC2007/JPEGImages/000001.jpg", "VOCdevkit/VOC2007/SegmentationClass/000001.png")
    (tmp_path / "VOCdevkit" / "VOC2007" / "Annotations").mkdir()
    said = refused(f"folder:{tmp_path}")
    assert "this is Pascal VOC, whose labels are annotations; give voc2007:DIR" in said
    assert "for bench.transfer voc2007-cls:DIR" in said


def test_imagenette_of_another_size_is_read(tmp_path):
    draw(tmp_path, *(f"imagenette2-{side}/val/{TENCH}/{side}.JPEG" for side in (160, 320)))
    images = opened(f"imagenette:{tmp_path}")
    assert (images.ids, images.notes) == ((f"{TENCH}/320.JPEG",), ("read in imagenette2-320/",))


def test_a_class_folder_is_no_set(tmp_path):
    message = refused(f"folder:{parted(tmp_path, 'val')}/val/cats")
    assert "no class folders in it, but 1 images, first 'val.jpg'; give the folder above" in message


def test_archives_are_to_be_unpacked(tmp_path):
    (tmp_path / "pets").mkdir()
    (tmp_path / "train").mkdir()
    for name in ("pets/train.zip", "pets/test1.zip", "train.zip", f"train/{TENCH}.tar"):
        (tmp_path / name).write_bytes(b"PK")
    for kind in ("catsdogs", "folder"):
        assert "'test1.zip' and 1 more must be unpacked first" in refused(f"{kind}:{tmp_path}/pets")
    assert f"{TENCH}.tar' must be unpacked first" in refused(f"folder:{tmp_path}/train")
    assert f"{TENCH}.tar' must be unpacked first" in refused(f"imagenet:{tmp_path}", "train")
    assert "is a file; unpack it if it is an archive" in refused(f"folder:{tmp_path}/train.zip")
    draw(tmp_path, f"train/{GOLDFISH}/a.JPEG")
    assert f"{TENCH}.tar' must be unpacked first" in opened(f"folder:{tmp_path}/train").notes[1]


@pytest.mark.parametrize("given", ["", "kaggle", "kaggle/ILSVRC", "kaggle/ILSVRC/Data", "kaggle/ILSVRC/Data/CLS-LOC"])
def test_kaggles_imagenet_as_a_folder_is_refused_with_what_reads_it(tmp_path, given):
    inside = "kaggle/ILSVRC/Data/CLS-LOC"
    draw(tmp_path, f"{inside}/train/{TENCH}/1.JPEG", f"{inside}/train/{SHARK}/1.JPEG", f"{inside}/val/v1.JPEG")
    (tmp_path / "kaggle" / "LOC_val_solution.csv").write_text(f"ImageId,PredictionString\nv1,{TENCH} 1 2 3 4\n")
    message = refused(f"folder:{tmp_path / given}")
    assert message.endswith(remedy := f"give imagenet:{tmp_path / given}")
    assert len(opened(remedy.removeprefix("give "))) == 1
    (tmp_path / inside / "val" / "v1.JPEG").unlink()
    draw(tmp_path, f"{inside}/val/{TENCH}/v1.JPEG", f"{inside}/val/{SHARK}/v2.JPEG")  # as many sort it
    assert opened(f"folder:{tmp_path / inside}").classes == (TENCH, SHARK)


def test_kaggles_imagenet_is_read_from_its_root_down(tmp_path):
    inside = "ILSVRC/Data/CLS-LOC"
    draw(tmp_path, *(f"{inside}/val/ILSVRC2012_val_0000001{k}.JPEG" for k in (1, 2)), f"{inside}/train/{TENCH}/a.JPEG")
    draw(tmp_path, f"{inside}/test/ILSVRC2012_test_00000001.JPEG")
    (tmp_path / "ILSVRC" / "Annotations").mkdir()
    (tmp_path / "LOC_val_solution.csv").write_text(
        f"ImageId,PredictionString\nILSVRC2012_val_00000012,{GOLDFISH} 1 2 3 4\n"
        f"ILSVRC2012_val_00000011,{TENCH} 1 2 3 4\n"
    )
    assert f"give imagenet:{tmp_path}" in refused(f"folder:{tmp_path}")
    for place in ("", "/ILSVRC/Data/CLS-LOC"):
        images = opened(f"imagenet:{tmp_path}{place}")
        assert (images.name, images.labels.tolist(), images.classes) == ("imagenet/val", [0, 1], wnids())
        assert opened(f"imagenet:{tmp_path}{place}", "train").ids == (f"{TENCH}/a.JPEG",)


def test_labels_of_a_flat_folder_that_are_exactly_1_to_K_are_doubted(tmp_path):
    draw(tmp_path, *(f"val/{k}.JPEG" for k in range(4)))
    for labels, said in (((1, 2, 2, 3), 1), ((0, 1, 2, 3), 0), ((2, 3, 4, 4), 0), ((TENCH, GOLDFISH, TENCH, SHARK), 0)):
        lines = "".join(f"{k}.JPEG {label}\n" for k, label in enumerate(labels))
        (tmp_path / "val.txt").write_text(lines)
        doubts = opened(f"imagenet:{tmp_path}").doubts
        assert len(doubts) == said, labels
        assert all(doubt.startswith("labels are exactly 1 to 3,") for doubt in doubts)
        if said:
            assert opened(f"imagenet:{tmp_path}", labels_from=1).doubts == ()


def test_names_may_hold_wordnet_ids(tmp_path):
    names = (f"ILSVRC2012_val_00000011_{SHARK}.JPEG", f"ILSVRC2012_val_00000012_{TENCH}.JPEG")
    images = opened(f"imagenet:{draw(tmp_path, *names)}")
    assert (images.ids, images.labels.tolist()) == (names, [2, 0])
    assert images.notes == ("labels are the WordNet ids in the images' names",)
    draw(tmp_path, "ILSVRC2012_val_00000013.JPEG")
    assert "no label file" in refused(f"imagenet:{tmp_path}")


@pytest.fixture
def tiny(tmp_path) -> Path:
    root = tmp_path / "tiny-imagenet-200"
    draw(root, *(f"train/{name}/images/{name}_0.JPEG" for name in (TENCH, GOLDFISH)), "test/images/test_0.JPEG")
    draw(root, *(f"val/images/val_{k}.JPEG" for k in range(3)))
    lines = "".join(f"val_{k}.JPEG\t{name}\t0\t32\t44\t62\n" for k, name in enumerate((GOLDFISH, TENCH, GOLDFISH)))
    (root / "val" / "val_annotations.txt").write_text(lines)
    (root / "words.txt").write_text("")
    return root


def test_tiny_imagenet_has_the_labels_of_its_annotations(tiny):
    for place in ("", "/val"):
        images = opened(f"folder:{tiny}{place}")
        assert images.ids == ("val_0.JPEG", "val_1.JPEG", "val_2.JPEG")
        assert (images.classes, images.labels.tolist()) == ((TENCH, GOLDFISH), [1, 0, 1])
        assert "Tiny ImageNet: labels are those of val/val_annotations.txt" in images.notes
        images = opened(f"imagenet:{tiny}{place}")
        assert (images.name, images.classes, images.labels.tolist()) == ("tiny-imagenet/val", wnids(), [1, 0, 1])
    train = opened(f"folder:{tiny}", "train")
    assert (train.classes, train.ids[0]) == ((TENCH, GOLDFISH), f"{TENCH}/images/{TENCH}_0.JPEG")
    assert "leave --split out" in refused(f"folder:{tiny}", split=0.5)


def test_tiny_imagenet_has_a_name_of_its_own(tiny):
    given, handed = opened(f"folder:{tiny}"), opened(f"tiny-imagenet:{tiny}")
    assert (handed.name, handed.classes, handed.ids) == ("tiny-imagenet/val", given.classes, given.ids)
    assert handed.labels.tolist() == given.labels.tolist()
    assert "2 classes, not the 200 of Tiny ImageNet" in handed.notes
    assert opened(f"tiny-imagenet:{tiny}", "train").name == "tiny-imagenet/train"
    draw(tiny, "train/cats/images/a.JPEG")
    assert "'cats' is no WordNet id" in refused(f"tiny-imagenet:{tiny}", "train")


def test_tiny_imagenet_and_its_annotations_must_match(tiny):
    file = tiny / "val" / "val_annotations.txt"
    text = file.read_text()
    for change, said in (
        (text + text[:20], "line 4 is 'val_0.JPEG"),
        (text[:-40], "1 images have no label, first 'val_2.JPEG'"),
        (text + f"val_3.JPEG\t{TENCH}\n", "1 labelled images are missing, first 'val_3.JPEG'"),
        ("", "3 images have no label"),
        ("val_0.JPEG n01440764", "line 1 is"),
    ):
        file.write_text(change)
        assert said in refused(f"folder:{tiny}")
