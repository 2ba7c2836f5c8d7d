"""Which files of a folder count: copies that systems make do not, images of other endings do, and both are said."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from conftest import make_image, make_weights
from PIL import Image

from bench.errors import UserError
from bench.images.containers.finder import Finder, foreign
from bench.images.sources import DataSpec, open_data
from bench.predict.__main__ import main as predict

TENCH = "n01440764"
SPEC = DataSpec
HIDDEN = (
    *(
        "@eaDir",
        "@EADIR",
        "__MACOSX",
        "Thumbs.db",
        "Thumbs.db:encryptable",
        "._x.jpg",
        ".ipynb_checkpoints",
        ".DS_Store",
    ),
    *("desktop.ini", "Desktop.ini", "_DS_Store", ".thumbnails", "@Recycle", "#recycle", "$RECYCLE.BIN", ".Trash-1000"),
    *(
        "lost+found",
        "System Volume Information",
        "ehthumbs.db",
        "x.jpg~",
        "x.jpg:Zone.Identifier",
        "x.jpg@SynoEAStream",
    ),
    *(
        ".@__thumb",
        "@Recently-Snapshot",
        "#snapshot",
        ".git",
        ".directory",
        "Icon\r",
        ".~lock.a.jpg#",
        "~$a.jpg",
        "#a.jpg#",
        "_vti_cnf",
    ),
)
OWN = (
    "cat",
    "a.jpg",
    "n01440764",
    "@",
    "#",
    "$",
    "~",
    "eaDir",
    "thumbs up",
    "recycled",
    "a#1.jpg",
    "a~b.jpg",
    "__",
    "",
)


def draw(root: Path, *names: str, kind: str = "PNG") -> Path:
    for shade, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (shade, 0, 0)).save(path, kind)
    return root


def encoded(kind: str) -> bytes:
    file = BytesIO()
    make_image((16, 12), 0).save(file, kind)
    return file.getvalue()


def refused(source: str) -> str:
    with pytest.raises(UserError) as caught:
        open_data(SPEC(source))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_names_that_systems_give_are_known_and_peoples_are_not():
    assert [name for name in HIDDEN if not foreign(name)] == []
    assert [name for name in OWN if foreign(name) and name != "~"] == []


@pytest.mark.parametrize("hidden", ["@eaDir", "__MACOSX", ".ipynb_checkpoints", ".thumbnails", "lost+found"])
@pytest.mark.parametrize("source", ["folder", "imagenet", "imagenette", "catsdogs"])
def test_copies_that_a_system_made_are_no_images_at_any_depth(tmp_path, source, hidden):
    """Neither as images of a class nor as a class."""
    names = [f"val/{TENCH}/{name}" for name in ("a.JPEG", "more/b.JPEG")] + ["val/n01443537/c.JPEG"]
    draw(tmp_path, *names)
    alone = open_data(SPEC(f"{source}:{tmp_path}"))
    assert (len(alone), alone.notes) == (3, ())
    for place in ("", "val/", f"val/{TENCH}/", f"val/{TENCH}/more/"):
        draw(tmp_path, f"{place}{hidden}/a.JPEG/thumb.jpg", f"{place}{hidden}/b.JPEG")
    draw(tmp_path, f"val/{TENCH}/._a.JPEG", "val/._c.JPEG")
    seen = open_data(SPEC(f"{source}:{tmp_path}"))
    assert (seen.ids, seen.digest, seen.classes) == (alone.ids, alone.digest, alone.classes)
    (note,) = seen.notes
    assert note.startswith("left out 5 hidden or system files and folders, such as '")


def test_flat_sets_have_no_copies_either(tmp_path):
    pets = draw(
        tmp_path / "pets", "train/cat.0.jpg", "train/dog.0.jpg", "train/._cat.0.jpg", "train/@eaDir/cat.0.jpg/S.jpg"
    )
    val = draw(tmp_path / "flat", "val/x_1.JPEG", "val/._x_1.JPEG", "val/@eaDir/x_1.JPEG/S.jpg")
    (val / "val.txt").write_text("x_1.JPEG 0\n")
    for images, count in ((open_data(SPEC(f"catsdogs:{pets}")), 2), (open_data(SPEC(f"imagenet:{val}")), 1)):
        assert len(images) == count
        assert "left out 2 hidden or system files and folders" in images.notes[-1]


def test_folders_below_which_there_are_only_copies_are_empty(tmp_path):
    draw(tmp_path, "cat/a.png", "dog/@eaDir/b.png")
    assert "class folder 'dog' holds no image" in refused(f"folder:{tmp_path}")


def test_an_asked_for_folder_may_be_hidden(tmp_path):
    assert len(open_data(SPEC(f"folder:{draw(tmp_path / '.cache', 'cat/a.png', 'dog/a.png')}"))) == 2


@pytest.mark.parametrize("kind", ["GIF", "JPEG", "TIFF", "BMP", "PPM", "WEBP", "PNG", "JPEG2000"])
@pytest.mark.parametrize("ending", [".gif", ".jfif", ".tif", ".JPG", ".dat", "", ".txt"])
def test_an_image_of_an_allowed_format_is_one_whatever_its_ending(tmp_path, kind, ending):
    draw(tmp_path, "cat/a.png", "dog/b.png")
    (tmp_path / "cat" / f"x{ending}").write_bytes(encoded(kind))
    images = open_data(SPEC(f"folder:{tmp_path}"))
    assert (images.ids, images.notes) == (("cat/a.png", f"cat/x{ending}", "dog/b.png"), ())
    assert len(Finder().images_below(tmp_path)) == 3


OTHERS = {
    "notes.txt": b"no image",
    "BMX.txt": b"BMX is a kind of bicycle",
    "P1.md": b"P1 is the first part",
    "x.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "x.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "x.mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2",
    "x.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "empty": b"",
    "x.gif": b"gone",
    "x.NEF": None,  # a TIFF with a small preview in it
    "x.pdf": b"%PDF-1.4",
}


def test_what_is_no_image_is_named_and_counted(tmp_path):
    draw(tmp_path, "cat/a.png", "dog/b.png")
    for name, content in OTHERS.items():
        (tmp_path / "cat" / name).write_bytes(encoded("TIFF") if content is None else content)
    (tmp_path / "README.md").write_text("of the set, not in it")
    images = open_data(SPEC(f"folder:{tmp_path}"))
    assert images.ids == ("cat/a.png", "dog/b.png")
    first = ", ".join(repr(f"cat/{name}") for name in sorted(OTHERS)[:3])
    assert images.notes == (f"left out 11 files that are no images of the formats read: {first}, ...",)


def test_broken_images_by_their_endings_stay_so_that_they_are_named(tmp_path):
    draw(tmp_path, "cat/a.png", "dog/b.png")
    (tmp_path / "cat" / "c.jpg").write_text("no image")
    (tmp_path / "cat" / "d.jfif").write_bytes(encoded("JPEG")[:30])
    images = open_data(SPEC(f"folder:{tmp_path}"))
    assert (images.ids, images.notes) == (("cat/a.png", "cat/c.jpg", "cat/d.jfif", "dog/b.png"), ())


def test_what_a_program_kept_beside_an_image_is_a_copy(tmp_path):
    draw(tmp_path, "cat/a.jpg", "dog/b.png", "dog/c.jpg_large")  # the last stands for itself
    draw(tmp_path, "cat/a.jpg.bak", "cat/a.jpg_original", "cat/a.jpg.1", "cat/a.jpg~")
    images = open_data(SPEC(f"folder:{tmp_path}"))
    assert images.ids == ("cat/a.jpg", "dog/b.png", "dog/c.jpg_large")
    assert images.notes == ("left out 4 hidden or system files and folders, such as 'cat/a.jpg.1'",)


def test_files_of_known_endings_are_not_opened(tmp_path, monkeypatch):
    """However many there are."""
    draw(tmp_path, "cat/a.png", "cat/b.JPEG", "dog/c.tif", "dog/d.webp")
    monkeypatch.setattr("bench.images.containers.finder.begins_as_image", None)
    assert len(open_data(SPEC(f"folder:{tmp_path}"))) == 4


def test_what_cannot_be_opened_is_not_dropped(tmp_path, monkeypatch):
    """Whoever reads it says why."""
    draw(tmp_path, "cat/a.png", "dog/b.png")
    (tmp_path / "cat" / "locked").write_bytes(encoded("PNG"))
    opened = Path.open

    def locked(path, *more, **named):
        if path.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *more, **named)

    monkeypatch.setattr(Path, "open", locked)
    assert "cat/locked" in open_data(SPEC(f"folder:{tmp_path}")).ids


def test_pipes_and_links_to_nowhere_of_other_endings_are_named(tmp_path):
    draw(tmp_path, "cat/a.png", "dog/b.png")
    os.mkfifo(tmp_path / "cat" / "pipe")
    (tmp_path / "cat" / "gone").symlink_to("nowhere")
    (tmp_path / "cat" / "itself").symlink_to("itself")
    (note,) = open_data(SPEC(f"folder:{tmp_path}")).notes
    assert note.endswith("'cat/gone', 'cat/itself', 'cat/pipe'")


def test_prediction_takes_the_same_files(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = make_weights(tmp_path / "A.safetensors", "vgg11", classes=("cat", "dog"))
    draw(tmp_path / "in", "a.png", "@eaDir/a.png/S.jpg", "deep/.thumbnails/b.png", "deep/._c.png")
    (tmp_path / "in" / "deep" / "c.gif").write_bytes(encoded("GIF"))
    (tmp_path / "in" / "notes.txt").write_text("no image")
    words = f"in --model vgg11 --weights {net} --protocol centre@224 --out out.csv --workers 1"
    assert predict(words.split()) == 0
    assert [line.partition(",")[0] for line in Path("out.csv").read_text().splitlines()[1:]] == [
        "in/a.png",
        "in/deep/c.gif",
    ]
    said = capsys.readouterr().err
    assert "left out 3 hidden or system files and folders, such as '@eaDir'" in said
    assert r"left out 1 file that is no image of the formats read: 'notes.txt'" in said
