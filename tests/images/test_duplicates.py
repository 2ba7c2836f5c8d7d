"""Files that stand in a set twice: refused with a way on, or counted as often as they stand there, and said."""

import json
from pathlib import Path

import pytest
from conftest import make_image, make_weights

from bench.errors import UserError
from bench.images.dataset import distinct
from bench.images.sources import DataSpec, open_data
from bench.inspect.__main__ import main as inspect
from bench.predict.__main__ import main as predict
from bench.run.__main__ import main


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes with two images each, and a folder of one more."""
    for k, name in enumerate(("set/cat/1.png", "set/cat/2.png", "set/dog/1.png", "set/dog/2.png", "both/7.png")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        make_image((40, 30), k).save(tmp_path / name)
    return tmp_path / "set"


def opened(source: str, allowed: bool = True, **more):
    return open_data(DataSpec(source, allow_duplicates=allowed, **more))


def refused(source: str, allowed: bool = False) -> str:
    with pytest.raises(UserError) as caught:
        opened(source, allowed)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("link", "count"), [("cow -> cat", 2), ("cat/copy.png -> 1.png", 1), ("dog/copy.png -> ../cat/1.png", 1),
     ("dog/more -> ../cat", 2), ("dog/7.png -> ../../both/7.png", 1), ("dog/y -> ../../both", 1)],
)  # fmt: skip
def test_links_in_folders_are_refused_or_count(root, link, count):
    name, target = link.split(" -> ")
    (root / "cat" / "b").symlink_to("../../both")
    alone = opened(f"folder:{root}")
    assert alone.notes == ()
    (root / name).symlink_to(target)
    assert "give --allow-duplicates" in refused(f"folder:{root}")
    images = opened(f"folder:{root}")
    assert len(images) == len(alone) + count + (name in ("cow", "dog/more"))  # both/ is in cat too
    assert len(set(images.ids)) == len(images)
    count = len(images) - len(alone)
    assert f"{count} image{'s count' if count > 1 else ' counts'} again, by links" in images.notes[-1]


@pytest.mark.parametrize(
    "link", ["cat/0.png -> 1.png", "cat/9.png -> 1.png", "dog/0.png -> ../cat/1.png", "cat/0.png -> ../dog/1.png",
             "a -> cat", "z -> cat", "cat/loop -> ..", "cat/loop -> .", "loop -> .", "dog/0 -> ../cat"],
)  # fmt: skip
def test_what_is_to_be_removed_is_the_link_wherever_it_sorts(root, link):
    name, target = link.split(" -> ")
    alone = opened(f"folder:{root}").digest
    (root / name).symlink_to(target)
    message = refused(f"folder:{root}")
    assert f"by the link {str(root / name)!r}" in message
    (root / name).unlink()
    assert opened(f"folder:{root}").digest == alone


@pytest.mark.parametrize("link", ["cat/loop -> ..", "cat/loop -> .", "loop -> ."])
def test_a_loop_is_refused_all_the_same(root, link):
    name, target = link.split(" -> ")
    (root / name).symlink_to(target)
    message = refused(f"folder:{root}", allowed=True)
    assert "again, by the link" in message
    assert "--allow-duplicates" not in message


def test_a_bush_of_links_ends_all_the_same(root, monkeypatch):
    monkeypatch.setattr("bench.images.containers.finder.MOST_AGAIN", 500)
    place = root / "cat"
    for k in range(30):
        (root.parent / f"next{k}").mkdir()
        for name in "ab":
            (place / name).symlink_to(root.parent / f"next{k}")
        place = root.parent / f"next{k}"
    assert "links lead to 500 folders again" in refused(f"folder:{root}", allowed=True)


def test_flat_sets_obey_alike(tmp_path):
    for name in ("cat.0.jpg", "dog.0.jpg"):
        make_image((40, 30), 0).save(tmp_path / name)
    (tmp_path / "dog.1.jpg").symlink_to("cat.0.jpg")
    assert "give --allow-duplicates" in refused(f"catsdogs:{tmp_path}")
    images = opened(f"catsdogs:{tmp_path}")
    assert (images.labels.tolist(), images.notes[-1]) == (
        [0, 1, 1],
        "1 image counts again, by links (--allow-duplicates): 'dog.1.jpg'",
    )


def test_lists_obey_alike_and_every_image_has_an_id_of_its_own(root):
    (root / "cat" / "copy.png").symlink_to("1.png")
    make_image((40, 30), 9).save(root / "cat" / "1.png#2", "PNG")
    lines = ["cat/1.png 0", "cat/1.png 0", "./cat/1.png 1", "cat/copy.png 1", "dog/../cat/1.png 0", "cat/1.png#2 1"]
    (root / "list.txt").write_text("\n".join(lines))
    assert "'cat/1.png' stands twice, in lines 1 and 2; leave one, or give --allow-duplicates" in refused(
        f"list:{root}/list.txt"
    )
    images = opened(f"list:{root}/list.txt")
    assert images.ids == ("cat/1.png", "cat/1.png#3", "cat/1.png#4", "cat/copy.png", "dog/../cat/1.png", "cat/1.png#2")
    assert images.labels.tolist() == [0, 0, 1, 1, 0, 1]
    assert images.notes == ("4 images stand in the list again and count twice (--allow-duplicates)",)


@pytest.mark.parametrize("ids", ["aaa", ("a", "a", "a#2"), ("a#2", "a", "a", "a#2"), ("a", "b")])
def test_ids_are_made_distinct_and_first_ones_stay(ids):
    found = distinct(ids)
    assert len(set(found)) == len(ids)
    assert all(own.startswith(name) for own, name in zip(found, ids, strict=True))
    assert all(found[ids.index(name)] == name for name in ids)


def test_copies_on_both_sides_of_a_split_are_said(root):
    for k in range(8):
        (root / "cat" / f"copy{k}.png").symlink_to("1.png")
    assert "of the validation images are training images too" in opened(f"folder:{root}", split=0.5).notes[-1]


def test_a_run_counts_them_says_so_and_can_be_looked_into(root, tmp_path, capsys):
    """By `bench.inspect` too, which opens the set again."""
    net = make_weights(tmp_path / "A.safetensors", "vgg11", classes=("cat", "dog"))
    (root / "cat" / "copy.png").symlink_to("1.png")
    lines = "".join(f"{name};{name}/{k}.png\n" for name in ("cat", "dog") for k in (1, 2)) + "cat;cat/1.png\n"
    (root.parent / "list.txt").write_text(lines.replace(";", ";set/"))
    found = []
    for data in (f"folder:{root}", f"list:{root.parent}/list.txt"):
        words = f"--model vgg11 --weights {net} --protocol centre@224 --out {tmp_path}/out --store {tmp_path}/store"
        assert main([*words.split(), "--data", data, "--workers", "1"]) == 2
        assert "--allow-duplicates" in capsys.readouterr().err
        assert main([*words.split(), "--data", data, "--workers", "1", "--allow-duplicates"]) == 0
        (row,) = json.loads((tmp_path / "out" / "results.json").read_text())
        found.append((row["n"], row["wrong1"]))
        assert "--allow-duplicates" in (tmp_path / "out" / "results.md").read_text()
        assert inspect([f"{tmp_path}/out", "--mistakes", "4"]) == 0
        assert "no pictures" not in capsys.readouterr().err
    assert found[0] == found[1]
    assert found[0][0] == 5


def test_a_list_of_copies_or_of_training_images_says_so(root):
    """As `find` writes one."""
    for name in ("cat/@eaDir/1.png/S.jpg", "cat/._1.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        make_image((40, 30), 9).save(root / name, "PNG")
    (root / "list.txt").write_text("./cat/1.png 0\n./cat/@eaDir/1.png/S.jpg 0\n./cat/._1.png 0\n../set/dog/1.png 1\n")
    (note,) = opened(f"list:{root}/list.txt").notes
    assert note == "2 images have names of hidden or system files, such as 'cat/@eaDir/1.png/S.jpg'"
    (root / "training_set").mkdir()
    (root / "cat").rename(root / "training_set" / "cat")
    (root / "list.txt").write_text("training_set/cat/1.png 0\n")
    (note,) = opened(f"list:{root}/list.txt").notes
    assert note.endswith("a net trained on them has seen them")


def test_predictions_of_folders_obey_alike(root, tmp_path, capsys):
    net = make_weights(tmp_path / "A.safetensors", "vgg11", classes=("cat", "dog"))
    (root / "dog" / "more").symlink_to("../cat")
    words = f"{root} --model vgg11 --weights {net} --protocol centre@224 --out {tmp_path}/out.csv --workers 1".split()
    assert predict(words) == 2
    assert "give --allow-duplicates" in capsys.readouterr().err
    assert predict([*words, "--allow-duplicates"]) == 0
    rows = dict(line.split(",", 1) for line in (tmp_path / "out.csv").read_text().splitlines())
    assert len(rows) == 7
    assert rows[f"{root}/cat/1.png"] == rows[f"{root}/dog/more/1.png"]
