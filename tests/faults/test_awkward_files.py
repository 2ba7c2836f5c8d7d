"""Files that are none, links that lead astray, and names that are hard to write: none hangs, none counts twice."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image, make_weights
from victims import run

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.loader import Loader
from bench.images.scaling import Scaling
from bench.images.sources import DataSpec, open_data
from bench.predict.__main__ import main as predict
from bench.run.__main__ import main
from results.formatting import shown

NAMES = ["a b.png", "new\nline.png", "tab\t.png", "ünï 名.png", "a|b`*.png", "\x1b[2J.png", "\u202egnp.png", "-rf.png"]
ALL_NAMES = [
    *NAMES,
    "'q\".png",
    "a;b,c.png",
    "#1.png",
    "=1+1.png",
    "100%.png",
    "é" * 120 + ".png",
    "$(ls).png",
    "~.png",
]
DEVICES = ("/dev/zero", "/dev/random", "/dev/full", "/dev/null", "/dev/tty")


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> Path:
    return make_weights(tmp_path_factory.mktemp("net") / "A.safetensors", "vgg11", classes=("cat", "dog"))


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes with two images each."""
    for k, name in enumerate(("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        make_image((40, 30), k).save(tmp_path / "set" / name)
    return tmp_path / "set"


def words(net: Path, root: Path, *more: str) -> list[str]:
    out = root.parent
    common = f"--model vgg11 --weights {net} --protocol centre@224 --out {out}/out --store {out}/store --workers 2"
    return [*common.split(), "--data", f"folder:{root}", *more]


def test_pipes_devices_and_folders_named_like_images_are_named(net, root, tried):
    os.mkfifo(root / "cat" / "pipe.jpg")
    (root / "dog" / "folder.jpg").mkdir()
    (root / "dog" / "itself.jpg").symlink_to("itself.jpg")
    found = [device for device in DEVICES if os.path.exists(device)]
    for device in found:
        (root / "dog" / f"{Path(device).name}.jpg").symlink_to(device)
    (strict,) = run(words(net, root))  # in a process, which a device that never ends can be stopped in
    assert strict.code == 2
    said = strict.said.splitlines()[-1]
    assert f"{3 + len(found)} image(s) cannot be decoded" in said
    for name in ("cat/pipe.jpg", "dog/folder.jpg", "dog/itself.jpg", "dog/zero.jpg"):
        assert name in said
    assert main(words(net, root, "--dry-run")) == 0
    assert main(words(net, root, "--skip-corrupt")) == 0
    (row,) = json.loads((root.parent / "out" / "results.json").read_text())
    assert (row["n"], row["skipped"]) == (4, 3 + len(found))
    tried("images", "a pipe, a folder, devices and a link to itself, named .jpg", 3 + len(found), "named, no hang")


def test_a_folder_that_holds_images_may_be_named_like_one(root):
    (root / "cat" / "more.jpg").mkdir()
    make_image((40, 30), 9).save(root / "cat" / "more.jpg" / "3.png")
    assert "cat/more.jpg/3.png" in (images := open_data(DataSpec(f"folder:{root}"))).ids
    assert len(images) == 5


@pytest.mark.parametrize(
    "link",
    ["cat/loop -> ..", "cat/loop -> .", "cat/a -> ../../both", "dog/x -> ../cat", "dog/y -> ../../both", "cow -> cat",
     "cat/copy.png -> 1.png", "dog/copy.png -> ../cat/1.png", "dog/7.png -> ../../both/7.png"],
)  # fmt: skip
def test_no_image_counts_twice_through_links(root, tried, link):
    """Into the set, or twice to the same outside it, within a class or between two."""
    name, target = link.split(" -> ")
    (root / "cat" / "deep").mkdir()
    (root.parent / "both").mkdir()
    make_image((40, 30), 7).save(root.parent / "both" / "7.png")
    if "both" in target:
        (root / "cat" / "b").symlink_to("../../both")
        assert open_data(DataSpec(f"folder:{root}")).ids[:3] == ("cat/1.png", "cat/2.png", "cat/b/7.png")
    (root / name).symlink_to(target)
    with pytest.raises(UserError, match=r"again, by the link .*: (its images|it) would count twice; remove") as caught:
        open_data(DataSpec(f"folder:{root}"))
    assert str(caught.value).count(str(root)) == 3
    tried("images", "links to folders and files, and loops", 1, "followed, or refused where an image would count twice")


def test_two_names_of_a_file_that_are_no_links_are_two_files(root):
    """As hard links are in sets that share what they have in common."""
    os.link(root / "cat" / "1.png", root / "dog" / "3.png")
    (root / "dog" / "4.png").symlink_to(root.parent / "other.png")
    make_image((40, 30), 8).save(root.parent / "other.png")
    assert len(open_data(DataSpec(f"folder:{root}"))) == 6


def test_a_link_makes_no_image_of_a_flat_set_count_twice(tmp_path):
    make_image((40, 30), 0).save(tmp_path / "cat.0.jpg")
    (tmp_path / "dog.0.jpg").symlink_to("cat.0.jpg")
    with pytest.raises(UserError, match=r"cat.0.jpg' again, by the link '.*': it would count twice"):
        open_data(DataSpec(f"catsdogs:{tmp_path}"))


def test_a_bush_of_links_ends_at_once(root):
    """Thirty folders, each with two links to the next: a thousand million ways to the last."""
    place = root / "cat"
    for k in range(30):
        (root.parent / f"next{k}").mkdir()
        for name in "ab":
            (place / name).symlink_to(root.parent / f"next{k}")
        place = root.parent / f"next{k}"
    with pytest.raises(UserError, match="again, by the link"):
        open_data(DataSpec(f"folder:{root}"))


def test_a_link_to_nowhere_is_one_line_and_nothing_is_lost(net, root, capsys):
    (root / "dog" / "gone.jpg").symlink_to("nowhere.jpg")
    assert main(words(net, root)) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "dog/gone.jpg' cannot be read: No such file or directory; mend that and run again" in said


@pytest.mark.parametrize("name", [*ALL_NAMES, pytest.param(b"\xff\xfe.png", id="no Unicode")])
def test_a_file_of_any_name_is_evaluated_or_named_in_one_line(net, root, tried, capsys, name):
    for kind, file in (("good", name), ("bad", (b"bad" if isinstance(name, bytes) else "bad") + name)):
        path = os.path.join(os.fsencode(root / "dog"), os.fsencode(file))
        with open(path, "wb") as target:
            make_image((40, 30), 5).save(target, "PNG") if kind == "good" else target.write(b"nothing")
    assert predict([str(root), "--model", "vgg11", "--weights", str(net), "--protocol", "centre@224",
                    "--out", str(root.parent / "p.csv")]) == 1  # fmt: skip
    with open(root.parent / "p.csv", newline="", encoding="utf-8", errors="surrogateescape") as table:
        assert os.fsdecode(os.path.join(os.fsencode(root / "dog"), os.fsencode(name))) in {
            row["image"] for row in csv.DictReader(table)
        }
    capsys.readouterr()
    assert main(words(net, root)) == 2
    said = capsys.readouterr().err
    last = said.splitlines()[-1]
    assert last.startswith("bench.run: error: 1 image(s) cannot be decoded")
    assert f"dog/{shown(os.fsdecode(file))}" in last
    assert not set(said) & set("\x1b\u202e")
    tried("images", "names with blanks, newlines, markup and controls", 2, "evaluated, or named in one line")


def test_images_of_any_name_and_of_one_pixel_are_counted(net, root, tried):
    for k, name in enumerate((*ALL_NAMES, b"\xff\xfe.png")):
        with open(os.path.join(os.fsencode(root / "dog"), os.fsencode(name)), "wb") as file:
            make_image((1, 1) if k == 0 else (30 + k, 30), k).save(file, "PNG")
    assert main(words(net, root)) == 0
    (row,) = json.loads((root.parent / "out" / "results.json").read_text())
    assert (row["n"], row["skipped"]) == (4 + len(ALL_NAMES) + 1, 0)
    assert 0 <= row["wrong1"] <= row["n"]
    tried("images", "names with blanks, newlines, markup and controls", len(ALL_NAMES) + 1, "counted")
    tried("images", "one pixel, evaluated through a net", 1, "counted")


def test_a_set_whose_own_name_is_no_unicode_gets_its_tables(net, root, capsys):
    odd = Path(os.fsdecode(os.path.join(os.fsencode(root.parent), b"set\xff<b>|")))
    root.rename(odd)
    assert main(words(net, odd)) == 0
    out = root.parent / "out"
    (row,) = json.loads((out / "results.json").read_text())
    assert row["data"] == "folder:set\\udcff<b>|"
    header = (out / "results.md").read_text().splitlines()[1]
    assert "- Data: folder:set\\\\udcff\\<b>\\|, 4 of 4" in header
    assert "\\udcff" in (out / "results.csv").read_text()


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 20 20
%%EndComments
showpage
"""


def test_no_other_program_is_run_for_a_picture(tmp_path, monkeypatch, tried):
    """PIL gives PostScript to Ghostscript, wherever it is in the path."""
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    for name in ("a.jpg", "a.eps"):
        (tmp_path / name).write_bytes(EPS)
        images = Images("x", (tmp_path / name,), (name,), np.zeros(1, int), None, 1)
        loader = Loader(images, 1)
        assert list(loader.blocks([((0,), (Scaling(32),))])) == [[None]]
        loader.close()
    assert not (tmp_path / "ran").exists()
    tried("images", "PostScript named .jpg", 1, "named; no program was run")
