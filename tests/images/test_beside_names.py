"""Labels of ImageNet's validation images beside their names: known images tell in which order they count."""

from shutil import rmtree

import pytest
from devkits import DEVKIT, NAMES, SORTED, TRUTH, lines, said
from layouts import draw, opened, refused

from bench.images.labels.imagenet_names import wnids
from bench.images.labels.known_images import KNOWN, as_published, orders


@pytest.fixture
def flat(tmp_path):
    return draw(tmp_path / "set", *NAMES)


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
