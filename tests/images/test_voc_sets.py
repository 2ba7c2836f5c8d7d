"""Pascal VOC with several labels an image, its persons with what they do, and Caltech, each in its own layout."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transfer_sets import (
    CALTECH101,
    CALTECH256,
    PARTS,
    SMALL,
    action,
    action_examples,
    action_values,
    caltech101,
    caltech256,
    colour_of,
    lists,
    opened,
    refused,
    voc,
    voc_name,
    voc_values,
)

import bench
from bench.errors import UserError
from bench.images.first_look import first_look
from bench.images.labels.classes import reconcile
from bench.images.sets.voc import CLASSES
from bench.images.sets.voc_tasks import ACTIONS
from bench.images.sources import DataSpec, open_data
from bench.run import __main__ as run
from bench.speed import __main__ as speed
from bench.systems import __main__ as systems
from bench.tables import __main__ as tables
from bench.train import __main__ as train


@pytest.fixture
def small(tmp_path) -> Path:
    return voc(tmp_path, parts=SMALL)


@pytest.mark.parametrize("year", ["2007", "2012"])
def test_classification_has_the_parts_and_labels_of_its_lists(tmp_path, year):
    parts = dict.fromkeys(PARTS, 5)
    found = opened(f"voc{year}-cls", voc(tmp_path, year, parts))
    assert (found.name, found.kind, found.multi) == (f"voc{year}-cls", f"voc{year}-cls", True)
    assert found.classes == CLASSES
    assert [part.name for part in found.parts] == ["train", "val", "test"]
    for part in found.parts:
        assert part.ids == tuple(voc_name(year, part.name, k) for k in range(5))
        assert (part.present == (voc_values(5) == 1)).all()
        assert (part.difficult == (voc_values(5) == 0)).all()
        (look,) = part.looks
        assert look.rows.tolist() == list(range(5))
        assert [path.stem for path in look.images.sources] == list(part.ids)
        assert look.images.boxes is None


def test_the_examples_halves_have_their_classes_colours(small):
    part = opened("voc2007-cls", small).parts[0]
    for k, present in enumerate(part.present):
        pixels = np.asarray(Image.open(part.looks[0].images.sources[k]), dtype=float)
        left, right = pixels[:, :15].mean((0, 1)), pixels[:, -15:].mean((0, 1))
        seen = {
            int(np.argmin([abs(colour_of(label, 20) - half).sum() for label in range(20)])) for half in (left, right)
        }
        assert seen == set(np.flatnonzero(present).tolist())


@pytest.mark.parametrize(("kind", "make"), [("voc2007-cls", voc), ("voc2012-action", action)])
def test_without_labels_of_test_images_there_is_no_part_test_and_that_is_said(tmp_path, kind, make):
    make(tmp_path, parts=SMALL)
    folder = next((tmp_path / "VOCdevkit").iterdir()) / "ImageSets"
    (folder / ("Action" if make is action else "Main") / "test.txt").write_text("000009\n")
    found = opened(kind, tmp_path)
    assert [part.name for part in found.parts] == ["train", "val"]
    assert any("no lists with labels for test images" in note for note in found.notes)


@pytest.mark.parametrize("value", ["", " 0", " -1", " 1"])
@pytest.mark.parametrize("kind", ["voc2012-cls", "voc2012-action"])
def test_lists_of_test_images_whose_labels_are_kept_back_make_no_part(tmp_path, kind, value):
    if kind == "voc2012-cls":
        folder = lists(voc(tmp_path, "2012"), "2012")
    else:
        folder = action(tmp_path) / "VOCdevkit/VOC2012/ImageSets/Action"
    for file in folder.glob("*_test.txt"):
        file.write_text(
            "".join(f"{line.rpartition(' ')[0].rstrip()}{value}\n" for line in file.read_text().splitlines())
        )
    found = opened(kind, tmp_path)
    assert [part.name for part in found.parts] == ["train", "val"]
    assert any("no lists with labels for test images" in note for note in found.notes)


def test_published_sizes_are_said_where_a_list_has_another(small):
    notes = opened("voc2007-cls", small).notes
    assert "train: 6 images, not the 2,501 of the set" in notes
    assert "val: 4 images, not the 2,510 of the set" in notes


def test_persons_are_looked_at_in_whole_images_and_in_boxes(tmp_path):
    found = opened("voc2012-action", action(tmp_path, {"train": 8, "val": 4}))
    assert found.classes == ACTIONS
    train = found.parts[0]
    assert train.ids == tuple(each.replace(" ", "#") for each in action_examples("train", 8))
    assert (train.present == (action_values(8) == 1)).all()
    assert not train.present[6].any()  # who does something else
    whole, box = train.looks
    assert whole.images.ids == ("2010_000001", "2010_000002", "2010_000003", "2010_000004")
    assert whole.images.boxes is None
    assert whole.rows.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert box.images.ids == train.ids
    assert box.rows.tolist() == list(range(8))
    width, height = Image.open(box.images.sources[0]).size
    assert box.images.boxes[:2] == ((0, 0, width // 2, height), (width // 2, 0, width, height))
    assert [whole.images.sources[row] for row in whole.rows] == list(box.images.sources)


@pytest.mark.parametrize(("region", "boxed"), [("image", [False]), ("box", [True]), ("image+box", [False, True])])
def test_region_says_what_is_looked_at(tmp_path, region, boxed):
    part = opened("voc2012-action", action(tmp_path, SMALL), region).parts[1]
    assert [look.images.boxes is not None for look in part.looks] == boxed
    assert all(len(look.images) == look.images.total for look in part.looks)  # the set is whole


def test_of_a_limited_set_no_look_is_whole(tmp_path):
    part = opened("voc2012-action", action(tmp_path, SMALL), limit=3).parts[0]
    assert all(len(look.images) < look.images.total for look in part.looks)


def test_corners_of_2012_that_are_between_pixels_or_outside_are_moved_to_the_nearest(tmp_path):
    action(tmp_path, SMALL)
    file = tmp_path / "VOCdevkit/VOC2012/Annotations/2010_000001.xml"
    text = file.read_text().replace("<xmin>1</xmin><ymin>1<", "<xmin>2.7</xmin><ymin>0<", 1)
    file.write_text(text)
    box = opened("voc2012-action", tmp_path).parts[0].looks[1].images.boxes[0]
    assert (box.left, box.top) == (2, 0)


def test_limit_is_per_part_and_options_of_labels_are_refused(small):
    assert [len(part) for part in opened("voc2007-cls", small, limit=3).parts] == [3, 3]
    assert "leave --split out" in refused("voc2007-cls", small, split=0.2)
    assert "leave --class-order out" in refused("voc2007-cls", small, class_order="text")
    assert "leave --labels-from out" in refused("voc2007-cls", small, labels_from=1)
    assert opened("voc2007-cls", small, exif=True).parts[0].looks[0].images.exif


def test_exif_is_refused_for_boxes(tmp_path):
    assert "leave --exif out" in refused("voc2012-action", action(tmp_path, SMALL), exif=True)


def test_a_first_look_says_all_classes_of_an_image(small):
    images = opened("voc2007-cls", small).parts[0].looks[0].images
    assert "000001 is aeroplane and bicycle" in first_look(images)


def test_caltech101_has_its_background_where_classes_are_learnt(tmp_path):
    source = caltech101(tmp_path, 3)
    found = opened("caltech101", source)
    assert found.classes == ("BACKGROUND_Google", *CALTECH101)
    assert [part.name for part in found.parts] == ["all"]
    assert found.parts[0].present.sum(axis=0).tolist() == [3] * 5
    assert not found.multi
    assert open_data(DataSpec(f"caltech101:{source}")).classes == CALTECH101
    assert not any("has seen them" in note for note in found.notes)


def test_caltech101_without_its_background_says_that_the_paper_counts_it(tmp_path):
    found = opened("caltech101", caltech101(tmp_path, 2, background=False))
    assert found.classes == CALTECH101
    assert any("BACKGROUND_Google is not there" in note and "102" in note for note in found.notes)


def test_caltech256_has_its_clutter(tmp_path):
    found = opened("caltech256", caltech256(tmp_path, 2))
    assert found.classes == CALTECH256
    assert found.parts[0].ids[0] == "001.ak47/001_0001.jpg"


@pytest.mark.parametrize("kind", ["voc2007-cls", "voc2012-cls", "voc2012-action"])
@pytest.mark.parametrize(
    ("command", "option"), [(run, "data"), (train, "data"), (tables, "data"), (speed, "data"), (systems, "objects")]
)
def test_commands_that_count_one_label_refuse_such_sets_and_say_what_takes_them(
    kind, command, option, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    more = {speed: ["--protocol", "dense"], tables: ["--weights", "D-256-512=builtin:D-256-512"]}
    assert command.main([f"--{option}", f"{kind}:{tmp_path}", *more.get(command, [])]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "several labels" in line]
    assert len(lines) == 1
    assert "which error rates do not count; give it to bench.transfer, or other data here" in lines[0]
    assert not list(tmp_path.glob("runs/*/*"))


@pytest.mark.parametrize("options", [{}, {"class_map": "map.csv"}, {"split": 0.2}, {"class_order": "text"}])
def test_python_refuses_such_sets_by_name(small, options):
    source = f"voc2007-cls:{small}"
    with pytest.raises(UserError, match=r"several labels each.* bench\.transfer"):
        bench.evaluate("D", source, "centre", weights="builtin:D-256-512", **options)
    with pytest.raises(UserError, match="several labels each"):
        bench.open_images(source, part="train", **options)


def test_python_refuses_such_images(small):
    images = opened("voc2007-cls", small).parts[0].looks[0].images
    with pytest.raises(UserError, match=r"data 'voc2007-cls/train': its images have several labels each"):
        bench.evaluate("vgg16", images, "centre", weights="builtin:D-256-512")
    with pytest.raises(UserError, match="several labels each"):
        reconcile(images, 20, CLASSES, "w")


def test_the_kinds_are_listed(capsys):
    assert run.main(["--list", "data"]) == 0
    listed = capsys.readouterr().out
    assert "several labels an image, for bench.transfer:" in listed
    for kind in ("voc2007-cls:DIR", "voc2012-cls:DIR", "voc2012-action:DIR"):
        assert f"  {kind} " in listed
