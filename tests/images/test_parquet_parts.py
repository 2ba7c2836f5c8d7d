"""Which parquet files are a set, and which of its parts is read: by the names of folders and files."""

from pathlib import Path

import pytest
from layouts import opened, refused
from parquet_sets import GREYS, LABELS, NAMES, named, png, table_of, write

from bench.images.sources import has_parts


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A hub's layout: three shards for training and two for evaluation."""
    for part, count in (("train", 3), ("validation", 2)):
        for number in range(count):
            name = f"data/{part}-{number:05d}-of-{count:05d}.parquet"
            write(tmp_path / "set", name, table_of(LABELS, first=10 * number))
    return tmp_path / "set"


def test_a_hubs_layout_is_read_part_by_part(root):
    images = opened(f"parquet:{root}")
    assert images.name == "parquet:set/validation"
    assert named(images) == [NAMES[label] for label in LABELS * 2]
    assert images.ids == tuple(f"{number:03d}.png" for number in range(20))
    assert [source.content() for source in images.sources] == [png(GREYS[n % 4], n) for n in range(20)]
    assert images.notes == ()
    assert len(opened(f"parquet:{root}", "train")) == 30


@pytest.mark.parametrize(
    ("parts", "taken", "said"),
    [
        (("train", "validation", "test"), "validation", ("validation is evaluated; test could be",)),
        (("train", "test"), "test", ("test is evaluated, for want of validation files",)),
        (("train", "val"), "val", ()),
        (("train", "validation"), "validation", ()),
        (("train", "test", "extra"), "test", ("for want of validation", "beside the parts stand")),
        (("imagenet-train", "imagenet-val"), "imagenet-val", ()),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "data/{}-00000-of-00001.parquet",
        "data/{}-00000-of-00001-0123456789abcdef.parquet",
        "{}/0000.parquet",
        "default/{}/0000.parquet",
        "{}.parquet",
        "{}-0.parquet",
    ],
)
def test_validation_goes_before_test_and_what_is_taken_is_said(tmp_path, form, parts, taken, said):
    for shade, part in enumerate(parts):
        write(tmp_path / "set", form.format(part), table_of([shade]))
    images = opened(f"parquet:{tmp_path / 'set'}")
    assert named(images) == [NAMES[parts.index(taken)]]
    assert images.name == "parquet:set" + f"/{taken}" * (taken != "val")
    for words, note in zip(said, images.notes, strict=True):
        assert words in note
    assert named(opened(f"parquet:{tmp_path / 'set'}", "train")) == [NAMES[0]]


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 2, 0):
        write(tmp_path / "set", f"{number}.parquet", table_of([number % 4], first=number))
    assert opened(f"parquet:{tmp_path / 'set'}").ids == ("000.png", "002.png", "009.png", "010.png")


def test_missing_shards_are_refused_unless_the_files_are_given(root):
    (root / "data/validation-00000-of-00002.parquet").unlink()
    assert "1 of 2 files named 'validation' are missing, first number 00000" in refused(f"parquet:{root}")
    images = opened(f"parquet:{root}/data/validation-*.parquet")
    assert images.ids[0] == "010.png"
    assert images.notes == ("1 of 2 files named 'validation' are read",)
    assert len(opened(f"parquet:{root}", "train")) == 30


@pytest.mark.parametrize(
    "other", ["validation-00000-of-00003", "validation-00002-of-00002", "validation-000001-of-00002"]
)
def test_shards_of_two_sets_are_refused(root, other):
    write(root, f"data/{other}.parquet", table_of(LABELS, first=50))
    assert "are of several sets" in refused(f"parquet:{root}")


def test_a_shard_of_another_count_is_of_another_set(root):
    (root / "data/validation-00001-of-00002.parquet").rename(root / "data/validation-00001-of-00003.parquet")
    assert "are of several sets" in refused(f"parquet:{root}")


def test_what_is_ambiguous_is_refused(root, tmp_path):
    for config in ("fine", "coarse"):
        write(tmp_path / "two", f"{config}/test-00000-of-00001.parquet", table_of(LABELS))
        write(tmp_path / "whole", f"{config}-00000-of-00001.parquet", table_of(LABELS))
        write(tmp_path / "words", f"{config}-test.parquet", table_of(LABELS))
    assert "2 folders hold such files, 'coarse', 'fine'; give one" in refused(f"parquet:{tmp_path / 'two'}")
    assert "files are named 'coarse', 'fine'; give those" in refused(f"parquet:{tmp_path / 'whole'}")
    assert "files are named 'coarse-test', 'fine-test'" in refused(f"parquet:{tmp_path / 'words'}")
    assert opened(f"parquet:{tmp_path / 'two/fine'}").name == "parquet:fine/test"
    (tmp_path / "link").mkdir()
    for number in range(2):
        (tmp_path / f"link/{number}.parquet").symlink_to(root / "data/train-00000-of-00003.parquet")
    assert "are one file, by a link" in refused(f"parquet:{tmp_path / 'link'}")


def test_what_is_hidden_is_no_part(root):
    write(root, ".cache/validation-00000-of-00007.parquet", table_of(LABELS))
    write(root, "data/._validation-00001-of-00002.parquet", table_of(LABELS))
    assert len(opened(f"parquet:{root}")) == 20


def test_a_set_of_training_images_alone_is_no_set_for_evaluation(root):
    for file in (root / "data").glob("validation*"):
        file.unlink()
    assert "it has 'train' and no part for evaluation; give the files to be read" in refused(f"parquet:{root}")
    images = opened(f"parquet:{root}/data/train-*.parquet")
    assert images.notes == ("the files are named 'train': a net trained on their images has seen them",)
    parts = [opened(f"parquet:{root}/data/train-*.parquet", part, split=0.2) for part in ("train", "val")]
    assert [len(part) for part in parts] == [24, 6]
    assert not set(parts[0].ids) & set(parts[1].ids)


def test_a_set_without_parts_is_whole(tmp_path):
    source = f"parquet:{write(tmp_path / 'set', '0000.parquet', table_of(LABELS)).parent}"
    assert len(opened(source)) == 10
    assert "or --split 0.2 to make parts" in refused(source, "train")
    assert len(opened(source, "train", split=0.5)) + len(opened(source, split=0.5)) == 10
    assert not has_parts(source)


def test_a_split_is_refused_where_there_are_parts(root):
    assert has_parts(f"parquet:{root}")
    assert "its files are of parts (train, validation); leave --split out" in refused(f"parquet:{root}", split=0.2)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (table_of(LABELS, ["ant", "bee", "dog", "cat"]), "its class names are not those of"),
        (table_of(LABELS, None), "its class names are not those of"),
        (table_of([str(label) for label in LABELS]), "its columns are not those of"),
        (table_of(LABELS).rename_columns(["img", "label"]), "its columns are not those of"),
    ],
)
def test_shards_that_mean_other_things_by_their_labels_are_refused(root, other, said):
    write(root, "data/validation-00001-of-00002.parquet", other)
    message = refused(f"parquet:{root}")
    assert f"{said} 'validation-00000-of-00002.parquet'; give files of one set" in message
