"""Images with known answers, evaluated from tars: exact counts, and posteriors that are those of files to the bit."""

import tarfile

import numpy as np
import pytest
from layouts import opened
from parquet_sets import ASKED, GREYS, NAMES, Shades, png
from tars import packed, tar_of

import bench

SHOWN = tuple(k % len(GREYS) for k in range(10))  # which class the pictures show
LABELS = (*SHOWN[:7], *((label + 1) % 4 for label in SHOWN[7:]))  # three of ten are others


@pytest.fixture
def files(tmp_path):
    """The images in class folders."""
    for number, (shown, label) in enumerate(zip(SHOWN, LABELS, strict=True)):
        file = tmp_path / "files" / NAMES[label] / f"{number:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(GREYS[shown], number))
    return tmp_path / "files"


def members(kind: str) -> dict:
    """The same images as samples of shards, with labels that are numbers or names."""
    found = {}
    for number, (shown, label) in enumerate(zip(SHOWN, LABELS, strict=True)):
        found[f"{number:03d}.png"] = png(GREYS[shown], number)
        if kind == "json":
            found[f"{number:03d}.json"] = f'{{"label": "{NAMES[label]}"}}'
        else:
            found[f"{number:03d}.{kind}"] = str(label)
    return found


@pytest.mark.parametrize("kind", ["folders", "cls", "cls.txt", "json"])
def test_counts_are_exact_and_posteriors_those_of_files_to_the_bit(tmp_path, files, kind):
    tar = packed(files, tmp_path / "set.tar") if kind == "folders" else tar_of(tmp_path / "set.tar", members(kind))
    found = []
    for source in (f"tar:{tar}", f"folder:{files}"):
        row = bench.evaluate(Shades(), source, "centre", classes=NAMES, store=tmp_path / "store", **ASKED)[0]
        assert (row.n, row.wrong1) == (10, 3)
        found.append(dict(zip((name.rpartition("/")[2] for name in row.ids), row.posteriors.probs, strict=True)))
    one, other = found
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert len({probs.tobytes() for probs in one.values()}) == 10


def test_images_that_cannot_be_decoded_are_counted_as_files_are(tmp_path, files):
    (files / NAMES[0] / "bad.png").write_bytes(b"no image")
    tar = packed(files, tmp_path / "set.tar")
    with tarfile.open(tar, "a") as archive:
        link = tarfile.TarInfo(f"{NAMES[1]}/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    assert len(opened(f"tar:{tar}")) == 12
    row = bench.evaluate(
        Shades(), f"tar:{tar}", "centre", classes=NAMES, store=tmp_path / "store", skip_corrupt=True, **ASKED
    )[0]
    assert (row.n, row.wrong1) == (10, 3)
