from pathlib import Path

import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import wnids
from bench.images.sets.lists import read_list
from bench.images.sources import DataSpec, open_data

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "imagenet_sample" / "labels.csv"
NAMES = ("a.png", "my cat.png", "sub/b c.png")


@pytest.fixture
def folder(tmp_path):
    for shade, name in enumerate(NAMES):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 6), (shade, 0, 0)).save(path)
    return tmp_path


def read(folder: Path, text: str | bytes, name: str = "images.txt") -> Images:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_list(folder / name)


def refused(folder: Path, text: str | bytes) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


FORMS = {
    "path label": "a.png 0\nmy cat.png 7\nsub/b c.png 12\n",
    "tabs": "a.png\t0\nmy cat.png\t7\nsub/b c.png \t 12",
    "label;path": "0;a.png\n7;my cat.png\n12; sub/b c.png\n",
    "csv": "file,label\na.png,0\nmy cat.png,7\nsub/b c.png,12\n",
    "csv with more columns": "size,label,wnid,file\n1,0,x,a.png\n2,7,y,my cat.png\n3,12,z,sub/b c.png\n",
    "csv with quotes": '"label", "file"\n"0", "a.png"\n7, my cat.png\n12,"sub/b c.png"\n',
    "csv with semicolons": "file;label\na.png;0\nmy cat.png;7\nsub/b c.png;12\n",
    "byte order mark and CRLF": b"\xef\xbb\xbfa.png 0\r\nmy cat.png 7\r\nsub/b c.png 12\r\n",
    "csv with both": b"\xef\xbb\xbffile,label\r\na.png,0\r\nmy cat.png,7\r\nsub/b c.png,12\r\n",
    "blank lines": "\n  \na.png 0\n\nmy cat.png 7\n\t\nsub/b c.png 12\n\n",
    "label;path with a heading": "label;path\n0;a.png\n7;my cat.png\n12;sub/b c.png\n",
    "blank lines in csv": "\nfile,label\n\na.png,0\nmy cat.png,7\n \nsub/b c.png,12\n",
    "dots and backslashes": "./a.png 0\n.\\my cat.png 7\nsub\\b c.png 12\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_way_to_write_a_list_says_the_same(folder, text):
    images = read(folder, text)
    assert images.ids == NAMES
    assert images.sources == tuple(folder / name for name in NAMES)
    assert images.labels.tolist() == [0, 7, 12]
    assert (images.name, images.classes, images.total) == ("list:images.txt", None, 3)
    assert images.digest == read(folder, FORMS["path label"], "other.txt").digest


def test_order_is_that_of_the_file(folder):
    images = read(folder, "sub/b c.png 1\na.png 0\n")
    assert images.ids == ("sub/b c.png", "a.png")
    assert images.labels.tolist() == [1, 0]


@pytest.mark.parametrize("name", ["a;b.png", "1,2.png", 'an "x".png', "no_extension", "ünï.JPEG", "#1.png"])
def test_any_file_name_goes(folder, name):
    (folder / "a.png").rename(folder / name)
    assert read(folder, f"{name} 3\n").ids == (name,)
    assert read(folder, f"5;{name}\n").ids == (name,)
    quoted = name.replace('"', '""')
    assert read(folder, f'file,label\n"{quoted}",3\n').sources == (folder / name,)


def test_paths_start_at_the_list_or_at_images_beside_it(folder):
    (folder / "images").mkdir()
    (folder / "a.png").rename(folder / "images" / "a.png")
    images = read(folder, "a.png 1\nmy cat.png 2\n")
    assert images.sources == (folder / "images" / "a.png", folder / "my cat.png")
    assert images.ids == ("a.png", "my cat.png")
    (folder / "images" / "my cat.png").write_bytes(b"another")
    assert read(folder, "my cat.png 2\n").sources == (folder / "my cat.png",)
    absolute = read(folder, f"{folder / 'my cat.png'} 2\n")
    assert absolute.sources == (folder / "my cat.png",)


def test_wordnet_ids_become_imagenets_indices(folder):
    for text in (
        "a.png n01440764\nmy cat.png n15075141\n",
        "n01440764;a.png\nn15075141;my cat.png\n",
        "file,label\na.png,n01440764\nmy cat.png,n15075141\n",
    ):
        images = read(folder, text)
        assert images.labels.tolist() == [0, 999]
        assert images.classes == wnids()


NAMED = {
    "label;path": "roses;a.png\nbell flowers;my cat.png\nroses; sub/b c.png\n",
    "csv": "file,label\na.png,roses\nmy cat.png,bell flowers\nsub/b c.png,roses\n",
    "csv with semicolons": "label;file\nroses;a.png\nbell flowers;my cat.png\nroses;sub/b c.png\n",
}


@pytest.mark.parametrize("text", NAMED.values(), ids=NAMED)
def test_names_are_classes_in_their_order_as_of_folders(folder, text):
    images = read(folder, text)
    assert (images.ids, images.labels.tolist(), images.classes) == (NAMES, [1, 0, 1], ("bell flowers", "roses"))


def test_path_before_a_name_may_hold_blanks(folder):
    images = read(folder, "a.png roses\nmy cat.png\ttulips\nsub/b c.png  roses\n")
    assert (images.ids, images.labels.tolist(), images.classes) == (NAMES, [0, 1, 0], ("roses", "tulips"))


@pytest.mark.parametrize(
    "line", ["3;my cat.png", "n01440764;my cat.png", "my cat.png 3", "-1;my cat.png", ";my cat.png"]
)
def test_names_do_not_mix_with_other_labels(folder, line):
    assert f"line 2 is {line!r}" in refused(folder, f"cat;a.png\n{line}\n")
    other = "0" if "n0" in line else "n01440764"
    assert "line 2 is 'cat;a.png'" in refused(folder, f"{other};my cat.png\ncat;a.png\n")


@pytest.mark.parametrize("label", ["-1", "1.0", "２", "99999999999999999999", "?", "n99999999"])
def test_what_has_no_letter_is_no_name(folder, label):
    assert f"line 1 is 'my cat.png {label}'" in refused(folder, f"my cat.png {label}\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("my cat.png", "my cat.png"),  # no label
        ("my cat.png -1", "my cat.png -1"),
        ("my cat.png 1.0", "my cat.png 1.0"),
        ("my cat.png ２", "my cat.png ２"),
        ("my cat.png 99999999999999999999", "my cat.png 99999999999999999999"),
        ("my cat.png cat", "my cat.png cat"),
        ("my cat.png n01440764", "my cat.png n01440764"),  # indices before, WordNet ids here
        ("-1;my cat.png", "-1;my cat.png"),
        ("7;", "7;"),
        ("7", "7"),
    ],
)
def test_broken_line_is_named_with_its_number(folder, line, said):
    message = refused(folder, f"a.png 0\n\n{line}\n")
    assert str(folder / "images.txt") in message
    assert f"line 3 is {said!r}" in message


@pytest.mark.parametrize("row", ["my cat.png", "my cat.png,", ",3", "my, cat.png,3", "my cat.png,3 4"])
def test_broken_row_is_named_with_its_number(folder, row):
    assert f"line 3 is {row!r}" in refused(folder, f"file,label\na.png,0\n{row}\n")


def test_wordnet_id_beyond_the_thousand_is_a_broken_line(folder):
    assert "line 2 is 'my cat.png n99999999'" in refused(folder, "a.png n01440764\nmy cat.png n99999999\n")


def test_open_quote_does_not_swallow_the_rest(folder):
    assert "is no CSV" in refused(folder, 'file,label\n"a.png,0\nmy cat.png,7\n')


@pytest.mark.parametrize("text", ["", "\n \n", "file,label\n", b"\xef\xbb\xbf"])
def test_empty_list_is_an_error(folder, text):
    assert "names no image" in refused(folder, text)


def test_missing_images_are_counted_and_the_first_named(folder):
    message = refused(folder, "a.png 0\nb.png 1\nc.png 1\nsub 2\n")
    assert "3 of 4 images are not there, first 'b.png' (line 2)" in message


@pytest.mark.parametrize("again", ["a.png 1", "./a.png 0"])
def test_same_image_twice_is_an_error(folder, again):
    assert "'a.png' stands twice, in lines 1 and 3" in refused(folder, f"a.png 0\nmy cat.png 2\n{again}\n")


def test_two_names_of_one_image_are_an_error(folder):
    (folder / "images").mkdir()
    (folder / "a.png").rename(folder / "images" / "a.png")
    assert "'images/a.png' stands twice" in refused(folder, "a.png 0\nimages/a.png 0\n")


def test_file_that_is_no_text_is_a_broken_line(folder):
    assert "line 1 is" in refused(folder, (folder / "a.png").read_bytes())


def test_missing_list_is_an_error(folder):
    with pytest.raises(UserError, match="there is no such file"):
        open_data(DataSpec(f"list:{folder / 'none.txt'}"))
    with pytest.raises(UserError, match="there is no such file"):
        open_data(DataSpec(f"list:{folder}"))


def test_list_has_no_training_split(folder):
    read(folder, "a.png 0\n")
    with pytest.raises(UserError, match="no split 'train'"):
        open_data(DataSpec(f"list:{folder / 'images.txt'}"), "train")


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of ImageNet is not there")
def test_sample_of_imagenet_is_read_from_images_beside_it():
    images = open_data(DataSpec(f"list:{SAMPLE}"))
    assert len(images) == 250
    assert [path.name[:9] for path in images.sources] == [wnids()[label] for label in images.labels]
