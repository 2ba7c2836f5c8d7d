"""ImageNet's validation images in the tar that it hands out, and in tars of class folders."""

import tarfile
from shutil import rmtree

import pytest
from devkits import DEVKIT, NAMES, PACKED, SORTED, TRUTH, UNPACKED, lines, packed
from layouts import draw, opened, refused

from bench.images.labels.imagenet_names import wnids
from bench.images.labels.known_images import KNOWN


@pytest.fixture
def flat(tmp_path):
    return draw(tmp_path / "set", *NAMES)


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
