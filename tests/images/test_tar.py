"""Tars of class folders: read where they lie, as the folders that were packed."""

import os
import pickle
import tarfile

import numpy as np
import pytest
from layouts import CLASSES, GOLDFISH, SHARK, TENCH, draw, opened, parted, refused
from tars import packed, png, special, tar_of

from bench.images.containers import tar_index as kept
from bench.images.containers.tar_files import TarMember, read_headers
from bench.images.decoding import UndecodableError, read


def same(tar, folder) -> None:
    """Ids, classes, labels, digest and pixels of a tar are the folder's."""
    one, other = opened(f"tar:{tar}"), opened(f"folder:{folder}")
    assert (one.ids, one.classes, one.total) == (other.ids, other.classes, other.total)
    assert one.labels.tolist() == other.labels.tolist()
    assert one.digest == other.digest
    for source, file in zip(one.sources, other.sources, strict=True):
        assert np.array_equal(read(source), read(file))


@pytest.mark.parametrize("above", ["", "set/", "set/val/", "deep/set/validation/"])
def test_a_tar_is_read_as_the_folder_that_was_packed(tmp_path, above):
    folder = draw(tmp_path / "photos", *(f"{above}{name}/{k}.png" for name in ("b", "a", "ä") for k in (10, 9, 1)))
    same(packed(folder, tmp_path / "photos.tar"), folder)


def test_parts_of_a_tar_are_those_of_a_folder(tmp_path):
    tar = packed(parted(tmp_path / "set", "train", "valid", "test"), tmp_path / "set.tar")
    images = opened(f"tar:{tar}")
    assert (images.name, images.classes) == ("tar:set.tar/valid", CLASSES)
    assert images.ids == tuple(f"{name}/valid.jpg" for name in CLASSES)
    assert "valid/ is evaluated; test/ could be, by its path" in images.notes
    assert opened(f"tar:{tar}", "train").ids == tuple(f"{name}/train.jpg" for name in CLASSES)
    assert opened(f"tar:{tar}/test").ids == tuple(f"{name}/test.jpg" for name in CLASSES)
    assert opened(f"tar:{tar}/test").name == "tar:set.tar/test"
    assert f"leave --split out, or give tar:{tar}/train" in refused(f"tar:{tar}", split=0.5)
    assert "there is no folder 'none' in it" in refused(f"tar:{tar}/none")


def test_what_is_hidden_is_no_image_and_no_class(tmp_path):
    hidden = ("a/._x.png", "a/@eaDir/x.png", "__MACOSX/a/x.png", ".DS_Store", "a/Thumbs.db", "PaxHeaders.1/a/x.png")
    draw(tmp_path / "set", "a/x.png", "b/y.png", *hidden)
    (tmp_path / "set" / "a" / "notes.txt").write_text("no image")
    images = opened(f"tar:{packed(tmp_path / 'set', tmp_path / 'set.tar')}")
    assert images.ids == ("a/x.png", "b/y.png")
    assert any("hidden or system files" in note for note in images.notes)
    assert any(note.endswith("of the formats read: 'a/notes.txt'") for note in images.notes)


def test_images_are_known_by_their_contents_where_names_do_not_say_it(tmp_path):
    draw(tmp_path / "set", "a/x", "a/y.dat", "b/z.gif")
    (tmp_path / "set" / "b" / "text").write_text("BM is no image")
    same(packed(tmp_path / "set", tmp_path / "set.tar"), tmp_path / "set")


def test_several_tars_are_one_set(tmp_path):
    one = {f"{name}/1.png": png() for name in CLASSES}
    other = {f"{name}/2.png": png(1) for name in CLASSES}
    tar_of(tmp_path / "p0.tar", one)
    tar_of(tmp_path / "p1.tar", other)
    tar_of(tmp_path / "all.tar", one | other)
    images, whole = opened(f"tar:{tmp_path}/p{{0..1}}.tar"), opened(f"tar:{tmp_path}/all.tar")
    assert (images.ids, images.labels.tolist(), images.digest) == (whole.ids, whole.labels.tolist(), whole.digest)
    tar_of(tmp_path / "p1.tar", other | {"cats/1.png": png(2)})
    assert f"member 'cats/1.png' is in '{tmp_path}/p0.tar' too" in refused(f"tar:{tmp_path}/p{{0..1}}.tar")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (
            {"a.png": b"", "b.png": b""},
            "no class folders in it, and no label (.cls, .cls.txt, or .json with 'label') beside",
        ),
        ({"a/1.png": b"", "b/": special(tarfile.DIRTYPE)}, "class folder 'b' holds no image"),
        ({"a/1.png": b"", "b/1.png": b"", "x.png": b""}, "1 images stand beside the class folders, first 'x.png'"),
        ({f"{part}/{k}.png": b"" for part in ("train", "val") for k in (1, 2)}, "images without class folders"),
        ({"train/a/1.png": b"", "train/b/1.png": b""}, "it has train/ but no val/<class>/"),
        ({"images/a/1.png": b"", "annotations/a.xml": b""}, "images/ and annotations/ are no classes"),
        ({}, "no class folders in it"),
    ],
)
def test_what_are_no_class_folders_is_refused_as_of_a_folder(tmp_path, members, said):
    assert said in refused(f"tar:{tar_of(tmp_path / 'set.tar', members)}")


def test_wordnet_ids_are_known(tmp_path):
    names = [f"val/{wnid}/x.JPEG" for wnid in (SHARK, TENCH, GOLDFISH)]
    images = opened(f"tar:{tar_of(tmp_path / 'val.tar', {name: png() for name in names})}")
    assert images.classes == (TENCH, GOLDFISH, SHARK)


def test_names_lead_nowhere(tmp_path):
    """They are names only: what is above the folder that a tar is unpacked in is that folder."""
    names = ("/a/1.png", "../../a/2.png", "./a/../b//3.png", "b/./4.png")
    images = opened(f"tar:{tar_of(tmp_path / 'set.tar', {name: png() for name in names})}")
    assert images.ids == ("a/1.png", "a/2.png", "b/3.png", "b/4.png")


def test_long_and_foreign_names(tmp_path):
    long = "x" * 150
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / "set.tar", "w", format=form, encoding="utf-8", errors="surrogateescape") as tar:
            for name in (f"{long}/{long}.png", "b/\udcff.png", "b/ü\n.png"):
                header = tarfile.TarInfo(name)
                tar.addfile(header)
        images = opened(f"tar:{tmp_path}/set.tar")
        assert images.ids == ("b/ü\n.png", "b/\udcff.png", f"{long}/{long}.png")


def test_links_count_as_they_do_in_a_folder(tmp_path):
    """A hard link is a file of its own; a symbolic one makes an image count twice, or an image of what is no image."""
    folder = draw(tmp_path / "set", "a/1.png", "b/2.png", "pool.bin")
    os.link(folder / "a" / "1.png", folder / "a" / "again.png")
    (folder / "pool.bin").rename(folder / "b" / ".pool")
    os.symlink(".pool", folder / "b" / "3.png")
    same(packed(folder, tmp_path / "set.tar"), folder)
    os.symlink("../a/1.png", folder / "b" / "twin.png")
    tar = packed(folder, tmp_path / "set.tar")
    assert "again, by the link" in refused(f"folder:{folder}")
    assert "again, by the link" in refused(f"tar:{tar}")
    assert (
        opened(f"tar:{tar}", allow_duplicates=True).digest == opened(f"folder:{folder}", allow_duplicates=True).digest
    )


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (special(tarfile.SYMTYPE, "/etc/passwd"), "a link to nothing in the tar"),
        (special(tarfile.SYMTYPE, "../../../x.png"), "a link to nothing in the tar"),
        (special(tarfile.SYMTYPE, "x.png"), "a link to nothing in the tar"),  # itself
        (special(tarfile.LNKTYPE, "none.png"), "a link to nothing in the tar"),
        (special(tarfile.CHRTYPE), "no file"),
        (special(tarfile.FIFOTYPE), "no file"),
        (special(tarfile.DIRTYPE), "a folder"),
    ],
)
def test_what_is_no_file_is_an_image_that_cannot_be_decoded(tmp_path, member, why):
    images = opened(f"tar:{tar_of(tmp_path / 'set.tar', {'a/x.png': member, 'b/1.png': png()})}")
    assert images.ids == ("a/x.png", "b/1.png")
    with pytest.raises(UndecodableError, match=why):
        read(images.sources[0])


def test_a_link_to_a_folder_is_refused(tmp_path):
    tar = tar_of(tmp_path / "set.tar", {"a/1.png": png(), "b": special(tarfile.SYMTYPE, "a")})
    assert "member 'b' is a link to the folder 'a'" in refused(f"tar:{tar}")


def test_duplicate_members_are_refused(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        for name in ("a/1.png", "b/1.png", "./a/1.png"):
            tar.addfile(tarfile.TarInfo(name))
    assert "member 'a/1.png' is in it twice" in refused(f"tar:{tmp_path}/set.tar")
    for names in (("a", "a/1.png"), ("a/1.png", "a")):
        tar = tar_of(tmp_path / "set.tar", dict.fromkeys(names, b""))
        assert "member 'a' is a folder too" in refused(f"tar:{tar}")


@pytest.mark.parametrize("padding", [0, 512, 2 << 20])
def test_tars_joined_by_cat_are_refused(tmp_path, padding):
    """However much is between them: the second's images would be missing without a word."""
    first, second = (tar_of(tmp_path / "x.tar", {f"{name}/1.png": png()}).read_bytes() for name in ("a", "b"))
    file = tmp_path / "set.tar"
    file.write_bytes(first + bytes(padding))
    assert opened(f"tar:{file}").ids == ("a/1.png",)
    file.write_bytes(first + bytes(padding) + second)
    assert "something follows the end mark" in refused(f"tar:{file}")


def test_what_follows_a_tar_is_read_no_further_than_padding_goes(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.images.containers.tar_files.MOST_PADDING", 1 << 20)
    tar = tar_of(tmp_path / "set.tar", {"a/1.png": png()})
    os.truncate(tar, 1 << 34)
    assert "something follows the end mark" in refused(f"tar:{tar}")


def test_a_training_tar_is_named_as_one(tmp_path):
    for name in ("train.tar", "imagenet1k-train-000123.tar", "train-00001-of-01024.tar"):
        tar = tar_of(tmp_path / name, {"a/1.png": png(), "b/1.png": png()})
        assert any("has seen them" in note for note in opened(f"tar:{tar}").notes), name
    tar = tar_of(tmp_path / "trainers.tar", {"a/1.png": png(), "b/1.png": png()})
    assert opened(f"tar:{tar}").notes == ()


def test_an_index_is_kept_as_long_as_the_tar_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.images.known_files.LATEST", 0)
    monkeypatch.setattr(kept, "cache_folder", lambda: tmp_path / "cache")
    tar = tar_of(
        tmp_path / "set.tar", {"a/1.png": png(), "b/ä.png": png(1), "b/2.png": special(tarfile.SYMTYPE, "ä.png")}
    )
    first = kept.tar_index(tar)
    with monkeypatch.context() as patched:
        patched.setattr(kept, "read_headers", None)
        again = kept.tar_index(tar)
    assert (again.names, again.targets, again.file) == (first.names, first.targets, tar)
    for name in ("offsets", "sizes", "kinds"):
        assert np.array_equal(getattr(again, name), getattr(first, name))
    tar_of(tar, {"a/1.png": png()})
    assert kept.tar_index(tar).names == ["a/1.png"]


BROKEN = {  # arrays of an index, as of another tar or of none
    "beyond": lambda arrays: {"sizes": arrays["sizes"] + (1 << 40)},
    "before": lambda arrays: {"offsets": arrays["offsets"] - (1 << 40)},
    "below zero": lambda arrays: {"sizes": -arrays["sizes"]},
    "short": lambda arrays: {"kinds": arrays["kinds"][:1]},
    "no link": lambda arrays: {"links": arrays["links"] - 1},
    "no target": lambda arrays: {"targets": arrays["targets"][:0]},
    "other": lambda arrays: {"stamp": np.frombuffer(b"0\0another\0", np.uint8)},
}


@pytest.mark.parametrize("damage", ["cut", "pickle", "text", *BROKEN])
def test_an_index_that_is_broken_or_anothers_is_built_again(tmp_path, monkeypatch, damage):
    monkeypatch.setattr("bench.images.known_files.LATEST", 0)
    monkeypatch.setattr(kept, "cache_folder", lambda: tmp_path / "cache")
    link = special(tarfile.SYMTYPE, "2.png")
    tar = tar_of(tmp_path / "set.tar", {"a/1.png": png(), "b/2.png": png(1), "b/3.png": link})
    first = kept.tar_index(tar)
    (file,) = (tmp_path / "cache" / "tars").iterdir()
    with np.load(file) as archive:
        arrays = dict(archive)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "text":
        file.write_text("no index")
    elif damage == "pickle":
        file.write_bytes(pickle.dumps({"names": ["a"]}))
    else:
        np.savez(file, **(arrays | BROKEN[damage](arrays)))
    again = kept.tar_index(tar)
    assert (again.names, again.targets) == (["a/1.png", "b/2.png", "b/3.png"], {2: "2.png"})
    for name in ("offsets", "sizes", "kinds"):
        assert np.array_equal(getattr(again, name), getattr(first, name))
    assert kept._kept(tar, file, kept.stamp_of(tar)) is not None  # and written anew


def test_members_can_be_sent_to_other_processes(tmp_path):
    tar = tar_of(tmp_path / "set.tar", {"a/1.png": png(7)})
    member = read_headers(tar).member(0)
    assert pickle.loads(pickle.dumps(member)) == member
    assert member.content() == png(7)
    assert str(member) == f"{tar}:a/1.png"
    with pytest.raises(UndecodableError, match="the tar ends before it"):
        TarMember(tar, "x", member.stamp, tar.stat().st_size - 3, 10).content()


def test_what_is_no_tar_is_one_line(tmp_path):
    assert "there is no" in refused(f"tar:{tmp_path}/none.tar")
    assert f"is no file; give tar:{tmp_path}/*.tar for the tars in a folder" in refused(f"tar:{tmp_path}")
    (tmp_path / "x.tar").write_bytes(b"")
    assert "it is no tar (empty file)" in refused(f"tar:{tmp_path}/x.tar")
    assert f"did you mean 'tar:{tmp_path}/x.tar'?" in refused(f"{tmp_path}/x.tar")
    tarfile.open(tmp_path / "x.tar.gz", "w:gz").close()
    message = refused(f"tar:{tmp_path}/x.tar.gz")
    assert "it is compressed" in message
    assert "gunzip it, and give the .tar" in message
