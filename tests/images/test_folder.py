import os
from pathlib import Path

import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from bench.errors import UserError
from bench.images.labels.imagenet_names import wnids
from bench.images.sources import DataSpec, open_data

TENCH, SPRINGER, TISSUE = "n01440764", "n02102040", "n15075141"  # 0, 217, 999
VAL = [f"ILSVRC2012_val_{k:08d}" for k in (11, 12, 13)]  # whose labels are not known


def draw(root: Path, *names: str) -> Path:
    for shade, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (shade, 0, 0)).save(path, "PNG")
    return root


def refused(spec: str, split: str = "val") -> str:
    with pytest.raises(UserError) as caught:
        open_data(DataSpec(spec), split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_folder_is_read_as_torchvision_reads_it(tmp_path):
    root = draw(
        tmp_path / "set",
        *("dog/b.png", "dog/a.PNG", "dog/10.jpg", "dog/9.jpg", "Zebra/x.webp", "cat/deep/er/y.png", "cat/z.bmp"),
        *("cat/a/3.png", "cat/a/deep/1.png", "cat/a b/2.png", "a cat/1 2.jpeg"),
    )
    (root / "cat" / "linked").symlink_to(draw(tmp_path / "outside", "x.webp"))
    (root / "dog" / "notes.txt").write_text("no image")
    (root / "README.md").write_text("no image either")
    theirs, ours = ImageFolder(str(root)), open_data(DataSpec(f"folder:{root}"))
    assert list(zip(map(str, ours.sources), ours.labels.tolist(), strict=True)) == theirs.samples
    assert list(ours.classes) == theirs.classes
    assert ours.ids == tuple(Path(path).relative_to(root).as_posix() for path, _ in theirs.samples)
    assert (ours.name, ours.total, len(set(ours.ids))) == ("folder:set", 12, 12)


def test_list_csv_and_folder_of_the_same_images_have_one_digest(tmp_path):
    names, labels = ("cat/a b.png", "cat/c.png", "dog/a.png"), (0, 0, 1)
    draw(tmp_path, *names)
    pairs = list(zip(names, labels, strict=True))
    (tmp_path / "list.txt").write_text("".join(f"{name} {label}\n" for name, label in pairs))
    (tmp_path / "list.csv").write_text("label,file\n" + "".join(f"{label},{name}\n" for name, label in pairs))
    digest = open_data(DataSpec(f"folder:{tmp_path}")).digest
    assert open_data(DataSpec(f"list:{tmp_path}/list.txt")).digest == digest
    assert open_data(DataSpec(f"list:{tmp_path}/list.csv")).digest == digest
    assert open_data(DataSpec(f"list:{tmp_path}/list.csv")).take([0, 2, 1]).digest != digest


def test_split_is_a_folder_of_class_folders(tmp_path):
    draw(tmp_path, "val/cat/a.png", "val/dog/a.png", "train/cat/b.png", "train/dog/b.png", "train/dog/c.png")
    val, train = open_data(DataSpec(f"folder:{tmp_path}")), open_data(DataSpec(f"folder:{tmp_path}"), "train")
    assert val.ids == ("cat/a.png", "dog/a.png")
    assert train.ids == ("cat/b.png", "dog/b.png", "dog/c.png")
    assert open_data(DataSpec(f"folder:{tmp_path}/val")).digest == val.digest


def test_class_may_be_named_val(tmp_path):
    assert open_data(DataSpec(f"folder:{draw(tmp_path, 'val/a.png', 'van/b.png')}")).classes == ("val", "van")


def test_training_folder_without_validation_is_not_read_as_a_class(tmp_path):
    draw(tmp_path, "train/cat/a.png", "train/dog/b.png")
    assert "train/ but no val/<class>/" in refused(f"folder:{tmp_path}")
    assert open_data(DataSpec(f"folder:{tmp_path}/train")).classes == ("cat", "dog")


def test_missing_training_split_is_an_error(tmp_path):
    draw(tmp_path, "cat/a.png")
    for kind in ("folder", "imagenet"):
        assert "train/" in refused(f"{kind}:{tmp_path}", "train")


def test_empty_things_are_named(tmp_path):
    assert "there is no such folder" in refused(f"folder:{tmp_path}/none")
    assert "no class folders" in refused(f"folder:{tmp_path}")
    draw(tmp_path, "cat/a.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    assert "class folder 'dog' holds no image" in refused(f"folder:{tmp_path}")


def test_images_outside_the_class_folders_are_not_dropped(tmp_path):
    draw(tmp_path, "cat/a.png", "b.png", "c.png")
    assert "2 images stand beside the class folders, first 'b.png'" in refused(f"folder:{tmp_path}")


def test_unreadable_folder_inside_a_class_is_not_skipped(tmp_path, monkeypatch):
    draw(tmp_path, "cat/a.png", "cat/more/b.png")
    scandir = os.scandir

    def guarded(path="."):
        if str(path).endswith("more"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    message = refused(f"folder:{tmp_path}")
    assert f"{str(tmp_path / 'cat' / 'more')!r} cannot be read (Permission denied)" in message


def test_imagenet_folders_have_imagenets_labels(tmp_path):
    draw(tmp_path, f"val/{TISSUE}/a.JPEG", f"val/{TENCH}/b.JPEG", f"val/{SPRINGER}/c.JPEG", f"val/{TENCH}/a.JPEG")
    images = open_data(DataSpec(f"imagenet:{tmp_path}"))
    assert images.labels.tolist() == [0, 0, 217, 999]
    assert images.ids == (f"{TENCH}/a.JPEG", f"{TENCH}/b.JPEG", f"{SPRINGER}/c.JPEG", f"{TISSUE}/a.JPEG")
    assert (images.name, images.classes) == ("imagenet/val", wnids())
    assert open_data(DataSpec(f"imagenet:{tmp_path}/val")).digest == images.digest


def test_imagenet_folders_must_be_wordnet_ids(tmp_path):
    assert "neither folders nor images" in refused(f"imagenet:{tmp_path}")
    draw(tmp_path, f"val/{TENCH}/a.JPEG", "val/n99999999/b.JPEG")
    assert "'n99999999' is no WordNet id" in refused(f"imagenet:{tmp_path}")


def test_half_sorted_imagenet_is_refused(tmp_path):
    draw(tmp_path, f"val/{TENCH}/a.JPEG", f"val/{VAL[0]}.JPEG")
    assert "1 images stand beside the class folders" in refused(f"imagenet:{tmp_path}")


INDICES = "".join(f"{name}.JPEG {label}\n" for name, label in zip(VAL, (217, 0, 999), strict=True))
FLAT = {
    "val.txt": INDICES,
    "val_labels.txt": "".join(f"val/{line}\n" for line in reversed(INDICES.splitlines())),
    "labels.txt": f"{SPRINGER};{VAL[0]}.JPEG\n{TENCH};{VAL[1]}.JPEG\n{TISSUE};{VAL[2]}.JPEG\n",
    "val.csv": f"file,label\n{VAL[0]}.JPEG,{SPRINGER}\n{VAL[1]}.JPEG,{TENCH}\n{VAL[2]}.JPEG,{TISSUE}\n",
    "labels.csv": f"label,file\n217,{VAL[0]}.JPEG\n0,{VAL[1]}.JPEG\n999,{VAL[2]}.JPEG\n",
    "LOC_val_solution.csv": f"ImageId,PredictionString\n{VAL[1]},{TENCH} 1 2 3 4 {TENCH} 5 6 7 8 \n"
    f"{VAL[0]},{SPRINGER} 85 1 499 272 \n{VAL[2]},{TISSUE} 0 0 9 9 \n",
}


def test_names_are_no_labels_of_imagenet(tmp_path):
    assert "line 1 is 'ILSVRC2012_val_00000011.JPEG tench'" in flat(tmp_path, INDICES.replace("217", "tench"))


@pytest.mark.parametrize("place", [".", "val"])
@pytest.mark.parametrize("name", FLAT)
def test_flat_imagenet_is_labelled_by_a_file(tmp_path, name, place):
    draw(tmp_path, *(f"val/{image}.JPEG" for image in VAL))
    (tmp_path / place / name).write_text(FLAT[name])
    images = open_data(DataSpec(f"imagenet:{tmp_path}"))
    assert images.ids == tuple(f"{image}.JPEG" for image in VAL)
    assert images.sources == tuple(tmp_path / "val" / f"{image}.JPEG" for image in VAL)
    assert images.labels.tolist() == [217, 0, 999]
    assert (images.name, images.classes, images.total) == ("imagenet/val", wnids(), 3)


def flat(root: Path, labels: str, count: int = 3) -> str:
    draw(root, *(f"{image}.JPEG" for image in VAL[:count]))
    (root / "val.txt").write_text(labels)
    return refused(f"imagenet:{root}")


def test_flat_imagenet_and_its_labels_must_match(tmp_path):
    assert f"2 images have no label, first '{VAL[1]}.JPEG'" in flat(tmp_path / "a", INDICES.splitlines()[0])
    assert f"1 labelled images are missing, first '{VAL[2]}'" in flat(tmp_path / "b", INDICES, count=2)
    assert "1 images are in it twice" in flat(tmp_path / "c", INDICES + f"{VAL[0]}.JPEG 5\n")


def test_labels_of_a_flat_folder_are_read_no_further_than_its_images_go(tmp_path, monkeypatch):
    """However long the file is."""
    read = []
    monkeypatch.setattr(
        "bench.images.sets.flat_imagenet.alike", lambda file, entries, names: (read.append(e) or e for e in entries)
    )
    lines = "".join(f"ILSVRC2012_val_{k:08d}.JPEG 0\n" for k in range(11, 10_001))
    assert f"at least 1 labelled images are missing, first '{VAL[2]}'" in flat(tmp_path, lines, count=2)
    assert len(read) == 3


def test_labels_from_1_to_1000_are_refused_unless_that_is_said(tmp_path):
    assert "line 3 has label 1000" in flat(tmp_path / "a", INDICES.replace("999", "1000"))
    later = "".join(f"{name}.JPEG {label}\n" for name, label in zip(VAL, (218, 1, 1000), strict=True))
    assert "--labels-from 1" in flat(tmp_path / "b", later)
    images = open_data(DataSpec(f"imagenet:{tmp_path}/b", labels_from=1))
    assert (images.labels.tolist(), images.classes) == ([217, 0, 999], wnids())
    (tmp_path / "b/val.txt").write_text(INDICES)
    with pytest.raises(UserError, match="line 2 has label 0; labels are 1 to 1000"):
        open_data(DataSpec(f"imagenet:{tmp_path}/b", labels_from=1))


@pytest.mark.parametrize("inside", ["imagenette2/val", "val"])
def test_imagenette_that_is_there_is_not_downloaded(tmp_path, monkeypatch, inside):
    monkeypatch.setattr("torchvision.datasets.Imagenette", None)
    draw(tmp_path, f"{inside}/{SPRINGER}/a.JPEG", f"{inside}/{TENCH}/b.JPEG")
    images = open_data(DataSpec(f"imagenette:{tmp_path}"))
    assert images.ids == (f"{TENCH}/b.JPEG", f"{SPRINGER}/a.JPEG")
    assert (images.name, images.classes) == ("imagenette/val", (TENCH, SPRINGER))


def test_imagenette_is_downloaded_into_the_cache(tmp_path, monkeypatch):
    def download(root, split, download):
        assert download
        assert Path(root).parent == tmp_path / "cache"
        draw(Path(root), f"imagenette2/{split}/{TENCH}/a.JPEG")

    monkeypatch.setattr("torchvision.datasets.Imagenette", download)
    monkeypatch.setattr("bench.images.kinds.cache_folder", lambda: tmp_path / "cache")
    assert open_data(DataSpec("imagenette")).sources == (tmp_path / "cache" / "imagenette2" / "val" / TENCH / "a.JPEG",)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["imagenette2"]


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("no route")])
def test_failed_or_half_done_download_leaves_nothing(tmp_path, monkeypatch, error):
    def download(root, split, download):
        draw(Path(root), f"imagenette2/{split}/{TENCH}/a.JPEG")
        raise error

    monkeypatch.setattr("torchvision.datasets.Imagenette", download)
    message = refused(f"imagenette:{tmp_path}")
    assert "download failed (no route); fetch https://" in message
    assert "imagenette2.tgz" in message
    assert str(tmp_path) in message
    assert list(tmp_path.iterdir()) == []


def test_broken_imagenette_is_not_downloaded_over(tmp_path):
    (tmp_path / "imagenette2").mkdir()
    assert "remove imagenette2" in refused(f"imagenette:{tmp_path}")
