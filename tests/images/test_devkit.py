"""ImageNet's validation images with the labels of its devkit, and with files that look like these."""

import gzip
from io import BytesIO

import numpy as np
import pytest
from devkits import DEVKIT, NAMES, PACKED, SORTED, TRUTH, UNPACKED, lines, packed, said
from layouts import draw, opened, refused

from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.known_images import KNOWN
from bench.images.labels.relabellings import devkit
from bench.images.sets.devkit import bare_entries, order_of

LAST = (10, 495, 128, 848, 186)  # as published, of the last five images


@pytest.fixture
def flat(tmp_path):
    return draw(tmp_path / "set", *NAMES)


def meta(order=None) -> bytes:
    """A meta.mat as the devkit's, the 1000 classes before one that is above them."""
    savemat = pytest.importorskip("scipy.io").savemat
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")]
    rows = [(number, name, "words", 0) for number, name in enumerate(order or devkit(), start=1)]
    file = BytesIO()
    savemat(file, {"synsets": np.array([*rows, (1001, "n00001740", "entity", 3)], dtype=fields)})
    return file.getvalue()


def full(first, last) -> str:
    """Labels of 50,000 images, the known ones at both ends."""
    return lines([*first, *[1] * (50_000 - len(first) - len(last)), *last])


def test_known_labels_are_the_published_ones():
    """In the devkit's order at both ends, which two publishers have, and in that of the weights."""
    assert [devkit().index(KNOWN[number]) + 1 for number in range(1, 11)] == list(DEVKIT)
    assert [devkit().index(KNOWN[number]) + 1 for number in range(49_996, 50_001)] == list(LAST)
    assert [wnids().index(KNOWN[number]) for number in range(1, 11)] == list(SORTED)


@pytest.mark.parametrize(
    "place",
    [TRUTH, f"{UNPACKED}/data/{TRUTH}", f"devkit/data/{TRUTH}", "ILSVRC2015_clsloc_validation_ground_truth.txt"],
)
def test_the_devkits_numbers_are_its_own_classes(flat, place):
    file = flat / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(lines(DEVKIT))
    images = opened(f"imagenet:{flat}")
    assert (images.ids, images.labels.tolist(), images.classes) == (NAMES, list(SORTED), wnids())
    assert (images.doubts, images.name) == ((), "imagenet/val")
    assert images.notes == (
        f"labels of {file.name} are taken as the devkit's ids 1 to 1000, in its own order, by known images",
    )
    assert opened(f"imagenet:{flat}", labels_from=1).labels.tolist() == list(SORTED)


def test_the_devkit_is_read_unopened(flat):
    packed(flat / PACKED, {TRUTH: lines(DEVKIT).encode(), "meta.mat": meta()})
    images = opened(f"imagenet:{flat}")
    assert images.labels.tolist() == list(SORTED)
    assert images.notes[0].startswith(f"labels of {PACKED} are taken as the devkit's ids")


@pytest.mark.parametrize("name", [TRUTH, "val.txt", "labels.txt"])
@pytest.mark.parametrize("first", [0, 1])
def test_numbers_in_sorted_order_look_the_same_and_are_told_by_known_images(flat, name, first):
    """By what they say, and not by what the file is called."""
    (flat / name).write_text(lines(label + first for label in SORTED))
    images = opened(f"imagenet:{flat}")
    assert images.labels.tolist() == list(SORTED)
    assert images.doubts == ()
    what = ("indices of the sorted WordNet ids, from 0", "numbers of the sorted WordNet ids, from 1")[first]
    assert images.notes == (f"labels of {name} are taken as {what}, by known images",)
    if first:
        assert opened(f"imagenet:{flat}", labels_from=1).labels.tolist() == list(SORTED)
    else:
        assert "--labels-from 1: the labels of" in refused(f"imagenet:{flat}", labels_from=1)


@pytest.mark.parametrize(
    "labels",
    [
        (491, *DEVKIT[1:]),
        tuple(label - 1 for label in DEVKIT),  # the devkit's from 0
        DEVKIT[::-1],
        sorted(DEVKIT),
        (*DEVKIT[:9], DEVKIT[9] + 1),
        (*SORTED[:5], *DEVKIT[5:]),
        [7] * 10,
    ],
)
def test_numbers_that_known_images_do_not_have_are_refused(flat, labels):
    (flat / TRUTH).write_text(lines(labels))
    message = refused(f"imagenet:{flat}")
    assert "its numbers are in no known order" in message
    assert "write lines 'NAME WORDNET_ID' to val.txt" in message


def test_a_refusal_says_what_the_first_number_must_be(flat):
    (flat / TRUTH).write_text(lines([7] * 10))
    assert "line 1 is 7, but image ILSVRC2012_val_00000001 is n01751748, so it must be 65 (" in refused(
        f"imagenet:{flat}"
    )


def test_a_full_file_is_known_at_its_end_too(tmp_path):
    """A line that is lost in the middle moves all that follow."""
    ends = [devkit().index(KNOWN[number]) + 1 for number in range(49_991, 50_001)]
    file = tmp_path / TRUTH
    file.write_text(full(DEVKIT, ends))
    assert order_of(file, bare_entries(file)).classes == devkit()
    file.write_text(full(DEVKIT, [1, *ends[:-1]]))
    with pytest.raises(UserError, match=f"line 49991 is 1, but image ILSVRC2012_val_00049991 is {KNOWN[49_991]}"):
        order_of(file, bare_entries(file))


def test_wordnet_ids_one_a_line_are_those_of_the_images_numbers(flat):
    """As TensorFlow has them."""
    file = flat / "imagenet_2012_validation_synset_labels.txt"
    file.write_text(lines(KNOWN[number] for number in range(1, 11)))
    assert opened(f"imagenet:{flat}").labels.tolist() == list(SORTED)
    file.write_text(lines(sorted(KNOWN[number] for number in range(1, 11))))
    message = refused(f"imagenet:{flat}")
    assert "line 1 is n01735189, but image ILSVRC2012_val_00000001 is n01751748: the lines are not in" in message


def test_images_and_lines_must_match(flat):
    (flat / TRUTH).write_text(lines(DEVKIT[:9]))
    assert "1 images have no label, first 'ILSVRC2012_val_00000010.JPEG'" in refused(f"imagenet:{flat}")
    (flat / TRUTH).write_text(lines(DEVKIT))
    (flat / NAMES[3]).unlink()
    assert "labelled images are missing, first 'ILSVRC2012_val_00000004'" in refused(f"imagenet:{flat}")
    draw(flat, "mine.JPEG")
    assert "1 images have no label, first 'mine.JPEG'" in refused(f"imagenet:{flat}")


def test_lines_that_are_no_labels_are_refused(flat):
    for text, why in (
        (lines(DEVKIT).replace("171", "171 5"), "line 3 is '171 5', but the others are a label each"),
        (lines(DEVKIT).replace("171", ""), "line 3 is ''"),
        (lines(DEVKIT).replace("171", "n02105855"), "line 3 is 'n02105855' and line 1 is '490'"),
        (lines([*DEVKIT, 1001]), "line 11 has label 1001, but labels are the devkit's ids"),
        (lines([*DEVKIT, 0]), "line 11 has label 0, but labels are the devkit's ids"),
    ):
        (flat / TRUTH).write_text(text)
        assert why in refused(f"imagenet:{flat}"), why


def test_a_file_that_says_images_is_no_devkits(flat):
    (flat / TRUTH).write_text(said(SORTED))
    assert opened(f"imagenet:{flat}").labels.tolist() == list(SORTED)


def test_a_devkit_whose_classes_are_in_another_order_is_refused(flat):
    packed(flat / PACKED, {TRUTH: lines(DEVKIT).encode(), "meta.mat": meta(wnids())})
    assert f"its meta.mat says that class 1 is n01440764, but it is {devkit()[0]} in" in refused(f"imagenet:{flat}")
    packed(flat / PACKED, {TRUTH: lines(DEVKIT).encode(), "meta.mat": b"none"})
    assert "its meta.mat cannot be read" in refused(f"imagenet:{flat}")


def test_a_file_beyond_any_of_labels_is_refused(flat, monkeypatch):
    """Of its start alone, the last label may be another number."""
    text = lines([*DEVKIT[:9], 1640])
    (flat / TRUTH).write_text(text)
    monkeypatch.setattr("bench.images.sets.devkit.MOST_TEXT", len(text) - len("0\n"))
    assert "it is too large for labels of 50,000 images" in refused(f"imagenet:{flat}")


def test_archives_that_are_no_devkit_are_one_line(flat, monkeypatch):
    packed(flat / PACKED, {TRUTH: lines(DEVKIT).encode()})
    whole = (flat / PACKED).read_bytes()
    for content, why in (
        (whole[: len(whole) // 2], "end-of-stream"),
        (b"", "empty"),
        (b"<html>not found</html>", "truncated"),
        (gzip.compress(b"x" * 2000), "invalid header"),
        (whole[:-8] + bytes(8), "CRC"),
    ):
        (flat / PACKED).write_bytes(content)
        message = refused(f"imagenet:{flat}")
        assert "this is no devkit of ImageNet (" in message
        assert why in message
    packed(flat / PACKED, {"readme.txt": b"hello"})
    assert "no validation ground truth in it" in refused(f"imagenet:{flat}")
    monkeypatch.setattr("bench.images.sets.devkit.MOST_PACKED", 1000)
    assert "too large for a devkit" in refused(f"imagenet:{flat}")


def test_without_labels_the_devkit_is_named(flat):
    message = refused(f"imagenet:{flat}")
    assert "no label file (val.txt, " in message
    assert f"or the devkit, {PACKED}, packed or not" in message


def test_the_devkit_beside_a_folder_of_images_is_not_named_as_not_read(flat):
    draw(flat.parent / "whole" / "val", *NAMES)
    (flat.parent / "whole" / UNPACKED / "data").mkdir(parents=True)
    (flat.parent / "whole" / UNPACKED / "data" / TRUTH).write_text(lines(DEVKIT))
    images = opened(f"imagenet:{flat.parent / 'whole'}")
    assert images.labels.tolist() == list(SORTED)
    assert len(images.notes) == 1
