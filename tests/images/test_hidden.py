"""What systems and programs leave among images is no image and no class, in every layout."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from layouts import CLASSES, GOLDFISH, TENCH, draw, opened

HIDDEN = (".DS_Store", "._a.jpg", "Thumbs.db", "@eaDir/a.jpg", ".ipynb_checkpoints/a.jpg", "__MACOSX/._a.jpg")


def folders(root: Path) -> str:
    draw(root / "set", *(f"{name}/a.jpg" for name in CLASSES))
    return f"folder:{root}/set"


def imagenet(root: Path) -> str:
    draw(root / "set", *(f"val/{name}/a.JPEG" for name in (TENCH, GOLDFISH)))
    return f"imagenet:{root}/set"


def flat_imagenet(root: Path) -> str:
    draw(root / "set", *(f"val/ILSVRC2012_val_{k:08d}_{name}.JPEG" for k, name in enumerate((TENCH, GOLDFISH), 11)))
    return f"imagenet:{root}/set"


def tiny_imagenet(root: Path) -> str:
    draw(root / "set/val/images", "val_0.JPEG", "val_1.JPEG")
    lines = (f"val_{k}.JPEG\t{name}\t0\t0\t8\t8\n" for k, name in enumerate((TENCH, GOLDFISH)))
    (root / "set/val/val_annotations.txt").write_text("".join(lines))
    return f"tiny-imagenet:{root}/set"


def imagenet_v2(root: Path) -> str:
    draw(root / "set", "0/a.jpeg", "2/a.jpeg", "10/a.jpeg")
    return f"imagenet-v2:{root}/set"


def cats_and_dogs(root: Path) -> str:
    draw(root / "set", *(f"{name}.{k}.jpg" for name in ("cat", "dog") for k in range(2)))
    return f"catsdogs:{root}/set"


def packed(root: Path) -> str:
    folders(root)
    return f"tar:{root}/set.tar"


def shards(root: Path) -> str:
    draw(root / "set", "0.jpg", "1.jpg")
    for k in range(2):
        (root / f"set/{k}.cls").write_text(str(k))
    return f"tar:{root}/set.tar"


def opened_as_it_is(root: Path, source: str):
    """Of tars, what is in the folder now."""
    if source.startswith("tar:"):
        with tarfile.open(root / "set.tar", "w") as tar:
            for path in sorted((root / "set").rglob("*")):
                tar.add(path, path.relative_to(root / "set"), recursive=False)
    return opened(source)


@pytest.mark.parametrize(
    "make", [folders, imagenet, flat_imagenet, tiny_imagenet, imagenet_v2, cats_and_dogs, packed, shards]
)
def test_hidden_files_and_folders_change_nothing(tmp_path, make: Callable[[Path], str]):
    source = make(tmp_path)
    before = opened_as_it_is(tmp_path, source)
    digest = before.digest
    image = next(path for path in (tmp_path / "set").rglob("*") if path.suffix in (".jpg", ".jpeg", ".JPEG"))
    content = image.read_bytes()
    for folder in [tmp_path / "set", *(path for path in (tmp_path / "set").rglob("*") if path.is_dir())]:
        for name in HIDDEN:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    after = opened_as_it_is(tmp_path, source)
    assert (after.ids, after.classes, after.labels.tolist()) == (before.ids, before.classes, before.labels.tolist())
    assert after.digest == digest
    assert len(after) > 1
