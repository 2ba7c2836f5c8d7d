"""WebDataset shards: an image beside its label under one key, in tars by number."""

import json
import tarfile

import numpy as np
import pytest
from layouts import GOLDFISH, TENCH, opened, refused
from tars import add, png, tar_of

from bench.images.decoding import read
from bench.images.labels.imagenet_names import wnids

LABELS = (3, 0, 2, 3, 1)


def sample(number: int, label, ending: str = "cls", shade: int | None = None) -> dict:
    return {f"{number:06d}.png": png(number if shade is None else shade), f"{number:06d}.{ending}": str(label)}


def shard(file, *samples):
    return tar_of(file, {name: content for each in samples for name, content in each.items()})


@pytest.fixture
def shards(tmp_path):
    """Five images in three shards, the first of two, and the same as a list of files."""
    numbers = iter(enumerate(LABELS))
    for part, count in enumerate((2, 2, 1)):
        shard(tmp_path / f"val-{part:02d}.tar", *(sample(*next(numbers)) for _ in range(count)))
    lines = []
    for number, label in enumerate(LABELS):
        (tmp_path / f"{number:06d}.png").write_bytes(png(number))
        lines.append(f"{number:06d}.png {label}\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    return tmp_path


@pytest.mark.parametrize("pattern", ["val-{00..02}.tar", "val-*.tar", "val-{00,01,02}.tar", "{val,}-{00..02}.tar"])
def test_shards_are_read_as_a_list_of_their_images(shards, pattern):
    if pattern.startswith("{val,}"):
        assert f"there is no '{shards}/-00.tar'" in refused(f"tar:{shards}/{pattern}")
        return
    images, listed = opened(f"tar:{shards}/{pattern}"), opened(f"list:{shards}/list.txt")
    assert (images.ids, images.classes, images.total) == (listed.ids, None, 5)
    assert images.labels.tolist() == list(LABELS)
    assert images.digest == listed.digest
    for source, file in zip(images.sources, listed.sources, strict=True):
        assert np.array_equal(read(source), read(file))
    order = "3 tars, in the order val-00.tar to val-02.tar"
    assert images.notes == (order, "labels are the .cls beside the images")


def test_shards_come_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 1):
        shard(tmp_path / f"s{number}.tar", sample(number, 0))
    assert opened(f"tar:{tmp_path}/s*.tar").ids == ("000001.png", "000009.png", "000010.png")
    assert opened(f"tar:{tmp_path}/s{{10,9,1}}.tar").ids == ("000010.png", "000009.png", "000001.png")
    assert opened(f"tar:{tmp_path}/s{{10..9}}.tar").ids == ("000010.png", "000009.png")


def test_a_missing_shard_is_refused_by_name_and_a_gap_is_said(shards):
    (shards / "val-01.tar").unlink()
    message = refused(f"tar:{shards}/val-{{00..02}}.tar")
    assert f"there is no '{shards}/val-01.tar'; fetch it" in message
    assert "1 of the tars' numbers are missing: 01" in opened(f"tar:{shards}/val-*.tar").notes
    assert "no file matches" in refused(f"tar:{shards}/none-*.tar")
    shard(shards / "t-00003-of-00008.tar", sample(3, 0))
    assert "7 of the tars' numbers are missing: 00000, 00001, 00002, ..." in opened(f"tar:{shards}/t-*.tar").notes
    for number in (10, 0, 2, 1):
        shard(shards / f"u{number}.tar", sample(number, 0))
    for pattern in ("u{10,0,2,1}.tar", "u*.tar"):
        assert "7 of the tars' numbers are missing: 3, 4, 5, ..." in opened(f"tar:{shards}/{pattern}").notes
    assert "more than 100,000 files" in refused(f"tar:{shards}/val-{{0..999999999}}.tar")
    assert "more than 100,000 files" in refused(f"tar:{shards}/{{0..999}}-{{0..999}}.tar")
    (shards / "[v]").mkdir()
    (shards / "val-00.tar").rename(shards / "[v]" / "val-00.tar")
    assert opened(f"tar:{shards}/[v]/val-{{00..00}}.tar").ids == ("000000.png", "000001.png")
    (shards / "[v]" / "val-00.tar").rename(shards / "val-00.tar")
    assert "is there twice" in refused(f"tar:{shards}/val-{{00,00}}.tar")


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        ("cls", "{}"),
        ("cls", "{}\n"),
        ("cls.txt", " {} "),
        ("json", '{{"label": {}}}'),
        ("json", '{{"cls": {}, "x": []}}'),
    ],
)
def test_labels_stand_in_cls_or_json(tmp_path, ending, content):
    tar = shard(tmp_path / "s.tar", *(sample(k, content.format(label), ending) for k, label in enumerate(LABELS)))
    assert opened(f"tar:{tar}").labels.tolist() == list(LABELS)


def test_labels_may_be_names_or_wordnet_ids(tmp_path):
    tar = shard(tmp_path / "s.tar", sample(0, "zebra"), sample(1, "ape ä"), sample(2, '{"label": "zebra"}', "json"))
    images = opened(f"tar:{tar}")
    assert (images.classes, images.labels.tolist()) == (("ape ä", "zebra"), [1, 0, 1])
    tar = shard(tmp_path / "s.tar", sample(0, GOLDFISH), sample(1, TENCH))
    images = opened(f"tar:{tar}")
    assert (images.classes, images.labels.tolist()) == (wnids(), [1, 0])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("1", "cat"), "'cat', but that of"),
        ((TENCH, "3"), "'3', but that of"),
        (("cat", TENCH), f"{TENCH!r}, but that of"),
        (("-1", "0"), "'-1'; labels are all class indices"),
        (("", "0"), "''; labels are all"),
        (("1.0", "0"), "'1.0'; labels"),
        (("n99999999", TENCH), "'n99999999'; labels"),
    ],
)
def test_labels_of_several_kinds_or_none_are_refused(tmp_path, labels, said):
    tar = shard(tmp_path / "s.tar", *(sample(k, label) for k, label in enumerate(labels)))
    assert said in refused(f"tar:{tar}")


@pytest.mark.parametrize(
    "content", ['{"label": 1.5}', '{"label": true}', '{"label": [1]}', "{", "\xff", "[" * 100_000, '{"label": {}}']
)
def test_a_json_without_a_label_that_is_one_is_refused(tmp_path, content):
    content = content.encode("latin-1")
    tar = tar_of(tmp_path / "s.tar", {"a.png": png(), "a.json": '{"label": 1}', "b.png": png(), "b.json": content})
    assert "label 'b.json'" in refused(f"tar:{tar}")


def test_images_without_labels_and_labels_without_images_are_counted(tmp_path):
    tar = tar_of(tmp_path / "s.tar", {"a.png": png(), "a.cls": "1", "b.png": png(), "c.png": png()})
    assert (
        f"2 images have no label (.cls, .cls.txt, or .json with 'label') beside them, first '{tar}:b.png'"
        in refused(f"tar:{tar}")
    )
    tar = tar_of(tmp_path / "s.tar", {"a.png": png(), "a.cls": "1", "b.cls": "1", "c.cls": "2"})
    assert f"2 labels have no image beside them, first '{tar}:b'" in refused(f"tar:{tar}")


def test_a_key_ends_at_the_first_dot_of_the_base_name(tmp_path):
    members = {"a.b/x.y.png": png(), "a.b/x.cls": "1", "a.b/z.seg.png": png(9), "a.b/z.png": png(1), "a.b/z.cls": "0"}
    images = opened(f"tar:{tar_of(tmp_path / 's.tar', members)}")
    assert (images.ids, images.labels.tolist()) == (("a.b/x.y.png", "a.b/z.png"), [1, 0])
    tar = tar_of(tmp_path / "s.tar", {"photo.1.png": png(), "photo.2.png": png(1), "photo.cls": "1"})
    assert "key 'photo' has 2 images, .1.png and .2.png; a key ends at the first dot" in refused(f"tar:{tar}")
    tar = tar_of(tmp_path / "s.tar", {"x.png": png(), "x.jpg": png(), "x.cls": "1"})
    assert "key 'x' has 2 images, .png and .jpg" in refused(f"tar:{tar}")


def test_two_labels_of_an_image_must_say_the_same(tmp_path):
    about = {"x.png": png(), "x.cls": "1"}
    assert opened(f"tar:{tar_of(tmp_path / 's.tar', about | {'x.json': json.dumps({'label': 1})})}").labels == [1]
    assert opened(f"tar:{tar_of(tmp_path / 's.tar', about | {'x.json': json.dumps({'text': 'x'})})}").labels == [1]
    tar = tar_of(tmp_path / "s.tar", about | {"x.json": json.dumps({"label": 2})})
    assert ".cls says '1' and .json says '2'" in refused(f"tar:{tar}")


@pytest.mark.parametrize(
    ("content", "two"),
    [
        ('{"label": 1, "cls": 0}', "'1' and '0'"),
        ('{"label": 1, "label": 0}', "'1' and '0'"),
        ('{"cls": 1, "label": null}', "'1' and 'None'"),
    ],
)
def test_a_json_must_say_one_label(tmp_path, content, two):
    fine = {"a.png": png(), "a.json": '{"label": 1, "cls": "1", "more": {"label": 5}}'}
    assert opened(f"tar:{tar_of(tmp_path / 's.tar', fine)}").labels == [1]
    tar = tar_of(tmp_path / "s.tar", fine | {"b.png": png(), "b.json": content})
    assert f"label 'b.json' says 2 labels, {two}; leave one" in refused(f"tar:{tar}")


def test_members_of_a_key_need_not_stand_together(tmp_path):
    members = {"a.png": png(), "b.png": png(1), "b.cls": "0", "a.cls": "1"}
    images = opened(f"tar:{tar_of(tmp_path / 's.tar', members)}")
    assert (images.ids, images.labels.tolist()) == (("a.png", "b.png"), [1, 0])


def test_a_key_in_two_shards_is_refused_unless_both_are_to_count(tmp_path):
    """As where each shard numbers its images from 0."""
    shard(tmp_path / "s0.tar", sample(0, 1), sample(1, 0))
    shard(tmp_path / "s1.tar", sample(0, 0, shade=5))
    assert f"key '000000' is in '{tmp_path}/s0.tar' too" in refused(f"tar:{tmp_path}/s*.tar")
    images = opened(f"tar:{tmp_path}/s*.tar", allow_duplicates=True)
    assert (images.ids, images.labels.tolist()) == (("000000.png", "000001.png", "000000.png#2"), [1, 0, 0])
    assert "1 keys are in another tar too and count again (--allow-duplicates)" in images.notes


def test_a_key_that_is_twice_in_a_shard_is_refused(tmp_path):
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for _ in range(2):
            for name, content in sample(0, 1).items():
                add(tar, name, content)
    for more in ({}, {"allow_duplicates": True}):
        assert "key '000000' has two members .png" in refused(f"tar:{tmp_path}/s.tar", **more)


def test_what_is_hidden_and_what_else_stands_there_is_left_out(tmp_path):
    more = {
        "._a.png": b"x",
        "._a.cls": "x",
        "__MACOSX/a.png": b"x",
        "a.txt": "a caption",
        "README": "words",
        "a.mask.npy": b"x",
    }
    tar = tar_of(tmp_path / "s.tar", {"a.png": png(), "a.cls": "1"} | more)
    assert opened(f"tar:{tar}").ids == ("a.png",)


def test_json_beside_images_in_class_folders_is_no_label(tmp_path):
    about = json.dumps({"camera": "none"})
    members = {"cats/1.png": png(), "cats/1.json": about, "dogs/1.png": png(1), "dogs/1.json": about}
    images = opened(f"tar:{tar_of(tmp_path / 'set.tar', members)}")
    assert (images.ids, images.classes) == (("cats/1.png", "dogs/1.png"), ("cats", "dogs"))


def test_labels_beside_some_images_of_class_folders_are_refused(tmp_path):
    """Whichever image has none: classes of folders would hide what the others say."""
    members = {"cats/1.png": png(), "cats/1.json": "{}", "dogs/1.png": png(1), "dogs/1.json": '{"label": 0}'}
    tar = tar_of(tmp_path / "set.tar", members)
    assert f"1 images have no label (.cls, .cls.txt, or .json with 'label') beside them, first '{tar}:cats/1.png'" in (
        refused(f"tar:{tar}")
    )
    tar_of(tmp_path / "a.tar", {name: members[name] for name in ("cats/1.png", "cats/1.json")})
    tar_of(tmp_path / "b.tar", {name: members[name] for name in ("dogs/1.png", "dogs/1.json")})
    assert "1 images have no label" in refused(f"tar:{tmp_path}/{{a,b}}.tar")


def test_shards_are_split_as_lists_are(shards):
    for part in range(3):
        shard(shards / f"val-{part:02d}.tar", *(sample(2 * part + k, k) for k in range(2)))
    train = opened(f"tar:{shards}/val-*.tar", "train", split=0.5)
    val = opened(f"tar:{shards}/val-*.tar", "val", split=0.5)
    assert sorted(train.ids + val.ids) == [f"{number:06d}.png" for number in range(6)]
    assert "shards have no split 'train'; give --split 0.2" in refused(f"tar:{shards}/val-*.tar", "train")


def test_labels_from_1_are_doubted_and_taken(tmp_path):
    tar = shard(tmp_path / "s.tar", *(sample(k, label) for k, label in enumerate((1, 2, 3))))
    assert opened(f"tar:{tar}").doubts[0].startswith("labels are exactly 1 to 3")
    assert opened(f"tar:{tar}", labels_from=1).labels.tolist() == [0, 1, 2]
