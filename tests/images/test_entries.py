"""What lists say beside images and labels: parts, comments, headings, other columns, and images that stand twice."""

from pathlib import Path

import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.classes import reconcile
from bench.images.sources import DataSpec, has_parts, open_data

NAMES = ("a.png", "b.png", "c.png", "#1.jpg")
PARTS = "file,label,split\na.png,cat,train\nb.png,dog,val\nc.png,fox,test\n"


@pytest.fixture
def folder(tmp_path):
    for shade, name in enumerate(NAMES):
        Image.new("RGB", (2, 2), (shade, 0, 0)).save(tmp_path / name)
    return tmp_path


def opened(folder: Path, text: str | bytes, part: str = "val", name: str = "list.csv", **more) -> Images:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_data(DataSpec(f"list:{folder / name}", **more), part)


def refused(folder: Path, text: str, part: str = "val", **more) -> str:
    with pytest.raises(UserError) as caught:
        opened(folder, text, part, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "val", "train"),
    [
        (PARTS, "b.png", "a.png"),
        (PARTS.replace("val", "Validation").replace("split", "Set"), "b.png", "a.png"),
        (PARTS.replace("val", "training").replace("split", "subset"), "c.png", "a.png"),
        ("is_valid;path;label\n0;a.png;0\nTrue;b.png;0\n", "b.png", "a.png"),
        ("is_train,path,label\n0,a.png,0\n1,b.png,0\n", "a.png", "b.png"),
        ("path\tis_test\tlabel\na.png\tno\t0\nb.png\tyes\t0\n", "b.png", "a.png"),
        ("path,is_valid,is_test,label\nc.png,0,1,0\nb.png,1,0,0\na.png,0,0,0\n", "b.png", "a.png"),
        ("path,is_train,is_valid,label\nc.png,0,0,0\nb.png,0,1,0\na.png,1,0,0\n", "b.png", "a.png"),
        ("path,usage,label\na.png,Training,0\nb.png,PublicTest,0\n", "b.png", "a.png"),
        ("path,fold,split,label\na.png,0,train,0\nb.png,1,dev,0\n", "b.png", "a.png"),
    ],
)
def test_a_column_that_says_so_makes_parts(folder, text, val, train):
    images = opened(folder, text)
    assert images.ids == (val,)
    assert opened(folder, text, "train").ids[0] == train
    (said, *_) = images.notes
    assert " are taken (1), " in said
    assert has_parts(f"list:{folder}/list.csv")
    assert "leave --split out" in refused(folder, text, split=0.5)


def test_images_of_other_parts_need_not_be_there_nor_be_labelled(folder):
    text = "file,label,split\na.png,cat,val\nnone.png,dog,train\nlost.png,,test\n"
    images = opened(folder, text)
    assert (images.ids, images.classes) == (("a.png",), ("cat", "dog"))  # all classes of the list: nets have them all
    assert reconcile(images, 2, None, "w").labels.tolist() == [0]
    assert images.notes[0] == "column 'split': images of val are taken (1), train (1) and test (1) not"


def test_a_list_of_one_part_is_read_whole_and_that_is_said(folder):
    text = "file,label,split\na.png,0,train\nb.png,1,train\n"
    images = opened(folder, text)
    assert len(images) == 2
    assert "images of train are taken (2), there is no other part: a net trained" in images.notes[0]
    assert not has_parts(f"list:{folder}/list.csv")
    assert "no split 'train'" in refused(folder, text.replace("train", "test"), "train")


@pytest.mark.parametrize("values", ["012", "ab?", ("lake", "", "sea")])
def test_a_column_that_names_no_parts_is_named_as_not_read(folder, values):
    rows = "".join(f"{name},0,{value},9\n" for name, value in zip(NAMES, values, strict=False))
    images = opened(folder, f"file,label,split,Width\n{rows}")
    assert len(images) == 3
    assert images.notes == ("columns of the list that are not read: 'split', 'width'",)
    assert "no split 'train'" in refused(folder, f"file,label,split,Width\n{rows}", "train")


def test_a_list_named_after_training_is_evaluated_and_that_is_said(folder):
    (note,) = opened(folder, "a.png 0\n", name="train.txt").notes
    assert "'train.txt'" in note
    assert opened(folder, "a.png 0\n", name="labels.txt").notes == ()


COMMENTED = {
    "lines": '# a comment\n\na.png 0\n#another, "quoted\n  # c.png\nb.png 1\n#1.jpg 2\n',
    "csv": '# made by hand, "so\nfile,label\na.png,0\n# and, "so on\nb.png,1\n#1.jpg,2\n',
    "csv with a commented header": "#file,label\na.png,0\n#b.png\nb.png,1\n#1.jpg,2\n",
    "lines with a heading": "path label\na.png 0\nb.png 1\n#1.jpg 2\n",
    "lines with a commented heading": "# path label\na.png 0\nb.png 1\n#1.jpg 2\n",
    "label;path": "# label;path\n0;a.png\n#;\n1;b.png\n2;#1.jpg\n",
    "csv in capitals": "File,Label\na.png,0\nb.png,1\n#1.jpg,2\n",
}


@pytest.mark.parametrize("text", COMMENTED.values(), ids=COMMENTED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_comments_and_headings_are_no_images_but_files_that_begin_so_are(folder, text, encoding):
    for written in (text, text.replace("\n", "\r\n")):
        images = opened(folder, written.encode(encoding))
        assert images.ids == ("a.png", "b.png", "#1.jpg")
        assert images.labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("# one\n\n# three\na.png 0\nb.png -1\n", 5, "b.png -1"),
        ("# one\nfile,label\n\n# four\na.png,0\nb.png,\n", 6, "b.png,"),
        ('# one\nfile,label\n# three\n"a\n.png",0\nb.png,?\n', 6, "b.png,?"),
        ("image label\na.png 0\n", 2, "a.png 0' and line 1 is 'image label"),
        ("image name,label\na.png,0\n", 2, "a.png,0' and line 1 is 'image name,label"),
    ],
)
def test_a_broken_line_is_named_by_its_own_number_and_with_the_heading_that_is_none(folder, text, line, said):
    assert f"line {line} is {said!r}".replace('"', "'") in refused(folder, text).replace('"', "'")


def test_open_quotes_are_named_by_their_line(folder):
    assert "line 3 is no CSV" in refused(folder, '# one\nfile,label\n"a.png"x,0\n')


def test_a_column_that_stands_twice_is_refused(folder):
    assert "column 'label' twice" in refused(folder, "file,label,label\na.png,0,1\n")


def test_images_that_stand_twice_count_twice_if_that_is_allowed(folder):
    (folder / "link.png").symlink_to("a.png")
    text = "a.png 0\nlink.png 0\nb.png 1\nb.png 1\n"
    assert "--allow-duplicates" in refused(folder, text)
    images = opened(folder, text, allow_duplicates=True)
    assert images.ids == ("a.png", "link.png", "b.png", "b.png#2")
    assert images.labels.tolist() == [0, 0, 1, 1]
    assert images.notes == ("2 images stand in the list again and count twice (--allow-duplicates)",)
    assert opened(folder, "a.png 0\n", allow_duplicates=True).notes == ()


def test_ids_of_duplicates_are_nobody_elses(folder):
    (folder / "a.png#2").write_bytes((folder / "c.png").read_bytes())
    images = opened(folder, "a.png 0\na.png#2 0\na.png 0\n", allow_duplicates=True)
    assert len(set(images.ids)) == 3
    assert images.ids[:2] == ("a.png", "a.png#2")
