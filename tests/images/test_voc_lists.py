"""Pascal VOC's lists, as they may be wrong: lines, files and images that are missing, doubled or of another kind."""

import shutil
from pathlib import Path

import pytest
from transfer_sets import SMALL, action, annotate, lists, opened, refused, voc


@pytest.fixture
def small(tmp_path) -> Path:
    return voc(tmp_path, parts=SMALL)


@pytest.mark.parametrize(
    ("objects", "example", "said"),
    [
        ([("horse", 0)], "2010_000001 1", "its object 1 is 'horse', no person"),
        ([("person", 0)], "2010_000001 2", "it has 1 objects, no object 2"),
        ([], "2010_000001 1", "it has 0 objects, no object 1"),
    ],
)
def test_an_object_that_is_no_person_is_refused(tmp_path, objects, example, said):
    top = action(tmp_path, SMALL) / "VOCdevkit/VOC2012"
    annotate(top, "2010_000001", (40, 40), objects)
    for file in (top / "ImageSets/Action").glob("*_train.txt"):
        file.write_text(file.read_text().replace("2010_000001 1", example))
    assert said in refused("voc2012-action", tmp_path)


@pytest.mark.parametrize(
    "line",
    ["../x 1", "a/b 1", "/etc/x 1", ".x 1", "..\\x 1", "000001", "000001 2", "000001 +1", "000001 1 1", "a\0b 1"],
)
def test_a_line_that_is_none_is_refused_with_its_number(small, line):
    file = lists(small) / "cat_train.txt"
    rows = file.read_text().splitlines()
    file.write_text("\n".join([rows[0], line, *rows[2:]]))
    said = refused("voc2007-cls", small)
    assert "line 2 is" in said
    assert "cat_train.txt" in said


@pytest.mark.parametrize(
    "line",
    ["2010_000001 -1", "2010_000001 0 1", "2010_000001 one 1", f"2010_000001 {'9' * 5000} 1", "2010_000001 -1 1"],
)
def test_a_line_without_the_number_of_a_person_is_refused(tmp_path, line):
    file = action(tmp_path, SMALL) / "VOCdevkit/VOC2012/ImageSets/Action/running_val.txt"
    file.write_text(line + "\n")
    assert "a line is an image, the number of an object, and 1, -1 or 0" in refused("voc2012-action", tmp_path)


def test_other_bytes_are_refused_and_other_line_ends_and_blanks_are_read(small):
    expected = opened("voc2007-cls", small).parts[0].present
    for file in lists(small).glob("*_train.txt"):
        rows = file.read_bytes().splitlines()
        file.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(row + b" \t" for row in rows) + b"\r\n\r\n")
    assert (opened("voc2007-cls", small).parts[0].present == expected).all()
    for content in (b"\xff\xfe0\x000\x001\x00", b"\x89PNG\r\n\x1a\n", "\u0661\u0662 1".encode()):
        (lists(small) / "dog_train.txt").write_bytes(content)
        assert "dog_train.txt': line 1 is" in refused("voc2007-cls", small)


def test_lists_that_are_missing_or_differ_are_refused(small):
    file = lists(small) / "dog_train.txt"
    rows = file.read_text().splitlines()
    file.write_text("\n".join(rows[:-1]))
    assert "it has 5 lines, aeroplane_train.txt 6: one was cut short" in refused("voc2007-cls", small)
    file.write_text("\n".join([rows[1], rows[0], *rows[2:]]))
    assert "its image 1 is '000002', that of aeroplane_train.txt '000001'" in refused("voc2007-cls", small)
    file.unlink()
    assert "dog_train.txt': this list is not there" in refused("voc2007-cls", small)


def test_one_list_of_test_labels_without_the_others_is_refused(small):
    for name in ("bird", "cat"):
        shutil.copy(lists(small) / f"{name}_val.txt", lists(small) / f"{name}_test.txt")
    (lists(small) / "cat_test.txt").write_text("000009 1\n000010 -1\n")
    assert "aeroplane_test.txt': this list is not there" in refused("voc2007-cls", small)


def test_an_empty_set_and_missing_images_are_refused(small):
    image = small / "VOCdevkit/VOC2007/JPEGImages/000002.jpg"
    image.unlink()
    said = refused("voc2007-cls", small)
    assert "1 of the lists' images are not there" in said
    assert str(image) in said
    for file in lists(small).glob("*_train.txt"):
        file.write_text("\n")
    assert "there is no image in it" in refused("voc2007-cls", small)


def test_folders_that_hold_no_voc_are_refused_and_one_around_is_read_through(small, tmp_path_factory):
    assert "no VOCdevkit/VOC2012 in it; give the folder that VOCtrainval_11-May-2012.tar" in refused(
        "voc2012-cls", small
    )
    assert "no VOCdevkit/VOC2007 in it" in refused("voc2007-cls", small / "nothing")
    around = tmp_path_factory.mktemp("around")
    (small / "VOCdevkit").rename(around / "archive")
    (around / "archive").rename(around / "VOCdevkit")
    assert len(opened("voc2007-cls", around).parts) == 2


def test_images_that_are_named_twice_are_refused_or_count_twice(small):
    for file in lists(small).glob("*_train.txt"):
        file.write_text(file.read_text() + file.read_text().splitlines(keepends=True)[0])
    assert "name '000001' twice" in refused("voc2007-cls", small)
    found = opened("voc2007-cls", small, allow_duplicates=True)
    assert found.parts[0].ids[-1] == "000001#2"
    assert (found.parts[0].present[-1] == found.parts[0].present[0]).all()
    assert "train: 1 of them count again (--allow-duplicates): '000001'" in found.notes


def test_an_image_of_two_parts_is_refused_or_called_by_its_part(small):
    for file in lists(small).glob("*_val.txt"):
        file.write_text((lists(small) / file.name.replace("_val", "_train")).read_text())
    assert "the lists of train and val both name '000001'" in refused("voc2007-cls", small)
    found = opened("voc2007-cls", small, allow_duplicates=True)
    assert [part.ids[0] for part in found.parts] == ["train/000001", "val/000001"]
