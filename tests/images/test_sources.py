import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.kinds import GROUPS, KINDS, anywhere
from bench.images.sets.torch_sets import SETS
from bench.images.sources import DataSpec, open_data


def refused(spec: str, split: str = "val") -> str:
    with pytest.raises(UserError) as caught:
        open_data(DataSpec(spec), split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": 3}, "--data '3': give a set, such as folder:DIR"),
        *(({"split": share}, f"--split '{share}': give a number between 0 and 1, such as 0.2")
          for share in (0, 1, -0.1, 1.5, float("nan"), "0.2")),
        *(({"seed": seed}, f"--seed '{seed}': give a whole number from 0") for seed in (-1, 0.5, None, "0", True)),
        *(({"limit": limit}, f"--limit '{limit}': give a whole number above 0") for limit in (0, -1, 2.0, "all", True)),
        *(({"class_order": order}, f"--class-order '{order}': give text or number") for order in ("Text", "", 0)),
        *(({"labels_from": first}, f"--labels-from '{first}': give 0 or 1") for first in (-1, 2, None, "1", True)),
    ],
)  # fmt: skip
def test_a_spec_refuses_what_its_options_refuse(wrong, said):
    with pytest.raises(UserError) as raised:
        DataSpec(**{"source": "shapes", **wrong})
    assert str(raised.value) == said


def test_a_spec_takes_what_its_options_take():
    spec = DataSpec("folder:x", split=0.2, seed=0, limit=np.int64(1), class_order="number", labels_from=1)
    assert spec == DataSpec("folder:x", 0.2, 0, 1, "number", 1)


def test_every_kind_has_a_line_about_it():
    assert sum(map(len, GROUPS.values())) == len(KINDS)
    assert set(SETS) < set(KINDS)
    assert all(kind.about and "\n" not in kind.about for kind in KINDS.values())


@pytest.mark.parametrize("split", ["train", "val"])
def test_shapes_are_rendered_into_the_cache(tmp_path, monkeypatch, split):
    asked = Images(f"shapes/{split}", (), (), np.array([], dtype=np.int64), (), 0)
    seen = []
    monkeypatch.setattr("bench.images.kinds.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("bench.images.kinds.read_shapes", lambda *given: seen.append(given) or asked)
    assert open_data(DataSpec("shapes", limit=3), split) is asked
    assert seen == [(split, tmp_path, 3)]


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("shape", "shapes"),
        ("SHAPES", "shapes"),
        ("foldr:x", "folder"),
        ("imagenete", "imagenette"),
        ("lst:x", "list"),
        ("minst", "mnist"),
        ("voc:x", "voc2007"),
        ("cats_dogs:x", "catsdogs"),
    ],
)
def test_unknown_kind_brings_the_nearest(spec, near):
    message = refused(spec)
    assert message.startswith(f"data {spec!r}: give folder:DIR, list:FILE, tar:FILES, ")
    assert "shapes, or another of bench.run --list data; " in message
    assert message.endswith(f"did you mean {near}?")


def test_unknown_kind_unlike_any_brings_none():
    assert "did you mean" not in refused("qqq:x")
    assert "did you mean" not in refused("")


def test_bare_path_brings_its_kind(tmp_path):
    file = tmp_path / "images.txt"
    file.write_text("a.png 0\n")
    assert f"did you mean 'folder:{tmp_path}'?" in refused(str(tmp_path))
    assert f"did you mean 'list:{file}'?" in refused(str(file))


@pytest.mark.parametrize("spec", ["imagenet", "imagenet:", "folder", "list:"])
def test_missing_argument_is_asked_for(spec):
    kind = spec.rstrip(":")
    assert refused(spec).endswith(f"give {kind}{KINDS[kind].argument}")


def test_argument_too_many_is_refused():
    assert "takes no argument" in refused("shapes:val")


def test_unknown_split_is_refused(tmp_path):
    assert "no split 'test'; give train or val" in refused(f"folder:{tmp_path}", "test")


def test_relative_and_home_paths(tmp_path, monkeypatch):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "pets" / "cat" / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "pets")
    seen = [open_data(DataSpec(spec)) for spec in ("folder:~/pets", "folder:.", "folder:../pets/", "folder:cat/..")]
    assert {images.name for images in seen} == {"folder:pets"}
    assert {images.sources for images in seen} == {(tmp_path / "pets" / "cat" / "a.png",)}


def test_a_set_can_be_named_so_that_it_is_found_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "cat").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "cat" / "a.png")
    monkeypatch.chdir(tmp_path)
    spec = anywhere("folder:.")
    monkeypatch.chdir("/")
    assert open_data(DataSpec(spec)).sources == (tmp_path / "cat" / "a.png",)
    assert [anywhere(spec) for spec in ("shapes", "imagenette")] == ["shapes", "imagenette"]
