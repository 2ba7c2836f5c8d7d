"""ImageNet's validation images with the labels of its devkit, and with files that look like these."""

import gzip
import tarfile
from io import BytesIO
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
from layouts import draw, opened, refused

from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.known_images import KNOWN, as_published, orders
from bench.images.labels.relabellings import devkit
from bench.images.sets.devkit import bare_entries, order_of

NAMES = tuple(f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 11))
DEVKIT = (490, 361, 171, 822, 297, 482, 13, 704, 599, 164)  # as published, of the first ten images
LAST = (10, 495, 128, 848, 186)  # and of the last five
SORTED = (65, 970, 230, 809, 516, 57, 334, 415, 674, 332)  # the first ten as everybody's weights count
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
UNPACKED = "ILSVRC2012_devkit_t12"
PACKED = f"{UNPACKED}.tar.gz"


def lines(labels) -> str:
    return "".join(f"{label}\n" for label in labels)


@pytest.fixture
def flat(tmp_path):
    return draw(tmp_path / "set", *NAMES)


def packed(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{UNPACKED}/data/{name}")
            member.size = len(content)
            tar.addfile(member, BytesIO(content))


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


@pytest.mark.parametrize("first", [0, 1, "devkit"])
def test_numbers_beside_names_are_told_by_known_images_too(flat, first):
    labels = DEVKIT if first == "devkit" else [label + first for label in SORTED]
    (flat / "val.txt").write_text(said(labels))
    images = opened(f"imagenet:{flat}")
    assert images.labels.tolist() == list(SORTED)
    assert bool(images.notes) == (first != 0)  # the usual order needs no word


def test_each_known_image_tells_the_order_alone():
    """Its class has another number in each: sets of one known image are told too."""
    for right in KNOWN.values():
        assert len({each.classes.index(right) + each.first for each in orders()}) == 3


def said(labels, names=NAMES) -> str:
    return "".join(f"{name} {label}\n" for name, label in zip(names, labels, strict=True))


@pytest.mark.parametrize(
    ("labels", "line", "agreeing"),
    [
        ([label - 1 for label in DEVKIT], "line 1 is 489", ""),
        (SORTED[::-1], "line 1 is 332", ""),
        (
            (3, *SORTED[1:]),
            "line 1 is 3",
            "; 9 of 10 known images agree with indices of the sorted WordNet ids, from 0;",
        ),
        ((*DEVKIT[:9], 1), "line 10 is 1", "; 9 of 10 known images agree with the devkit's ids 1 to 1000, in its own"),
    ],
)
def test_numbers_beside_names_that_known_images_do_not_have_are_refused(flat, labels, line, agreeing):
    (flat / "val.txt").write_text(said(labels))
    message = refused(f"imagenet:{flat}")
    assert f"its numbers are in no known order: {line}, but image " in message
    assert agreeing in message
    assert ("agree with" in message) == bool(agreeing)
    assert "mend it, or write lines 'NAME WORDNET_ID' to val.txt" in message


@pytest.mark.parametrize("layout", ["val.txt", "LOC_val_solution.csv", "names"])
def test_wordnet_ids_beside_names_are_those_of_known_images(flat, layout):
    right = [KNOWN[number] for number in range(1, 11)]
    for labels in (right, [right[0], right[2], right[1], *right[3:]]):
        if layout == "val.txt":
            (flat / layout).write_text(said(labels))
        elif layout == "names":
            rmtree(flat)
            draw(
                flat, *(f"{name.removesuffix('.JPEG')}_{label}.JPEG" for name, label in zip(NAMES, labels, strict=True))
            )
        else:
            rows = (f"{name[:-5]},{label} 1 2 3 4\n" for name, label in zip(NAMES, labels, strict=True))
            (flat / layout).write_text("ImageId,PredictionString\n" + "".join(rows))
        if labels is right:
            assert opened(f"imagenet:{flat}").labels.tolist() == list(SORTED)
    message = refused(f"imagenet:{flat}")
    assert "2 of 10 known images have other labels than are published, first 'ILSVRC2012_val_00000002" in message
    assert f"which is {right[2]} here and {right[1]} there" in message


def as_imagenet(images):
    """As a net of ImageNet's classes is judged by them."""
    return as_published(images, images, len(wnids()), wnids())


def test_known_images_in_others_class_folders_are_doubted(tmp_path):
    draw(tmp_path / "right", *(f"val/{KNOWN[k]}/{NAMES[k - 1]}" for k in (1, 2)))
    assert as_imagenet(opened(f"imagenet:{tmp_path / 'right'}")).doubts == ()
    draw(tmp_path / "wrong", *(f"val/{KNOWN[3 - k]}/{NAMES[k - 1]}" for k in (1, 2)))
    (doubt,) = as_imagenet(opened(f"imagenet:{tmp_path / 'wrong'}")).doubts
    assert "2 of 2 known images have other labels than are published" in doubt


def test_numbers_of_images_that_are_not_known_are_said_to_be_assumed(tmp_path):
    """As of those from 11 on: they count from 0, or from 1 if that is said."""
    names = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in (11, 12)]
    draw(tmp_path, *names)
    (tmp_path / "val.txt").write_text(said((490, 361), names))
    images = opened(f"imagenet:{tmp_path}")
    assert (images.labels.tolist(), images.assumed) == ([490, 361], {"class order"})
    unknown = "none of the images' labels is known"
    assert images.notes == (f"labels of val.txt are taken as indices of the sorted WordNet ids, from 0: {unknown}",)
    assert images.limit(1).assumed == {"class order"}
    stated = opened(f"imagenet:{tmp_path}", labels_from=1)
    assert (stated.labels.tolist(), stated.assumed) == ([489, 360], frozenset())
    assert stated.notes == (f"labels of val.txt are taken as numbers of the sorted WordNet ids, from 1: {unknown}",)


def test_label_files_that_are_not_read_are_named(flat):
    (flat / "val.txt").write_text(said(SORTED))
    assert opened(f"imagenet:{flat}").notes == ()
    (flat / TRUTH).write_text(lines(DEVKIT))
    (flat / "val.csv").write_text("file,label\n")
    assert opened(f"imagenet:{flat}").notes == (f"labels are read in val.txt, and not in val.csv, {TRUTH}",)


def test_images_of_one_name_but_for_its_ending_are_refused(flat):
    (flat / "val.txt").write_text(said(SORTED))
    draw(flat, "ILSVRC2012_val_00000003.png")
    message = refused(f"imagenet:{flat}")
    assert f"2 images differ from others in their endings alone, first '{NAMES[2]}'; labels and images must" in message


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


@pytest.fixture
def original(flat):
    """The tar as ImageNet hands it out, in an order of its own."""
    with tarfile.open(flat.parent / "ILSVRC2012_img_val.tar", "w") as tar:
        for name in NAMES[::-1]:
            tar.add(flat / name, name)
    return flat.parent / "ILSVRC2012_img_val.tar"


@pytest.mark.parametrize("labels", ["packed", "unpacked", "val.txt", "LOC_val_solution.csv"])
@pytest.mark.parametrize("given", ["tar", "folder"])
def test_the_original_tar_is_read_as_a_folder_of_its_images(flat, original, labels, given):
    for place in (flat, original.parent):
        if labels == "packed":
            packed(place / PACKED, {TRUTH: lines(DEVKIT).encode()})
        elif labels == "unpacked":
            (place / UNPACKED / "data").mkdir(parents=True)
            (place / UNPACKED / "data" / TRUTH).write_text(lines(DEVKIT))
        elif labels == "val.txt":
            (place / labels).write_text("".join(f"{name} {label}\n" for name, label in zip(NAMES, SORTED, strict=True)))
        else:
            rows = (f"{name.removesuffix('.JPEG')},{KNOWN[k]} 1 2 3 4 \n" for k, name in enumerate(NAMES, start=1))
            (place / labels).write_text("ImageId,PredictionString\n" + "".join(rows))
    expected = opened(f"imagenet:{flat}")
    digest = expected.digest
    if given == "folder":
        rmtree(flat)
    images = opened(f"imagenet:{original if given == 'tar' else original.parent}")
    assert (images.ids, images.labels.tolist(), images.classes) == (NAMES, list(SORTED), wnids())
    assert images.name == expected.name == "imagenet/val"
    assert images.digest == digest
    assert images.notes == ("read in ILSVRC2012_img_val.tar", *expected.notes)
    assert all(str(source) == f"{original}:{name}" for source, name in zip(images.sources, NAMES, strict=True))


def test_the_original_tar_needs_labels_and_is_for_validation(flat, original):
    assert "no label file (val.txt, " in refused(f"imagenet:{original}")
    assert "it has no split 'train'" in refused(f"imagenet:{original}", "train")
    assert f"is a tar; give tar:{original}" in refused(f"folder:{original}")
    assert "give imagenet:FILE for ImageNet's original tar" in refused(f"tar:{original}")


def test_unpacked_images_go_before_the_tar(flat, original):
    draw(original.parent / "val", *NAMES)
    (original.parent / TRUTH).write_text(lines(DEVKIT))
    images = opened(f"imagenet:{original.parent}")
    assert images.sources[0] == original.parent / "val" / NAMES[0]


def test_a_tar_of_class_folders_is_imagenet_too(tmp_path):
    draw(tmp_path / "val", *(f"{KNOWN[k]}/{NAMES[k - 1]}" for k in (2, 1)))
    with tarfile.open(tmp_path / "mine.tar", "w") as tar:
        tar.add(tmp_path / "val", "val")
    images = opened(f"imagenet:{tmp_path}/mine.tar")
    assert images.labels.tolist() == [65, 970]
    assert images.ids == opened(f"imagenet:{tmp_path}").ids
