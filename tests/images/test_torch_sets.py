"""Each of torchvision's data sets in miniature, opened by name: its labels, its parts, and what is no image of it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch_layouts as layouts
from layouts import opened, refused
from painted import PIXELS, Painted, colour
from PIL import Image

import bench
from bench.images.decoding import read
from bench.images.sets import torch_set
from bench.images.sets.torch_sets import SETS

DIGITS = tuple("0123456789")


class Miniature(NamedTuple):
    make: Callable
    labels: tuple[int, ...]  # as the set's own order has them
    classes: tuple[str, ...] | None = None
    grey: int | None = None  # level of class k is this times k


PAIRS = {  # class folders, and where they are
    "country211": ("country211/{}", ("AD", "AE", "ZW")),
    "rendered-sst2": ("rendered-sst2/{}", ("negative", "positive")),
    "caltech256": ("caltech256/256_ObjectCategories", ("001.ak47", "257.clutter")),
    "eurosat": ("eurosat/2750", ("AnnualCrop", "SeaLake")),
}
MINIATURES = {
    "cifar10": Miniature(layouts.cifar10, (9, 0, 3, 3, 1, 8), layouts.STL),
    "cifar100": Miniature(layouts.cifar100, (99, 0, 10, 2), layouts.HUNDRED),
    "svhn": Miniature(layouts.svhn, (0, 9, 1, 0), DIGITS),
    "stl10": Miniature(layouts.stl10, (9, 0, 4), layouts.STL),
    "fashion-mnist": Miniature(partial(layouts.idx, folder="FashionMNIST"), (9, 0, 5), grey=10),
    "kmnist": Miniature(partial(layouts.idx, folder="KMNIST"), (9, 0, 5), grey=10),
    "usps": Miniature(layouts.usps, (9, 0, 5), DIGITS, grey=0),
    "food101": Miniature(layouts.food101, (3, 2, 2, 0), ("apple_pie", "baby_back_ribs", "baklava", "tacos")),
    "flowers102": Miniature(layouts.flowers102, (3, 0, 101, 7)),
    "oxford-pets": Miniature(layouts.pets, (2, 0, 1, 1), ("Abyssinian", "American Bulldog", "Birman")),
    "dtd": Miniature(layouts.dtd, (2, 0, 1), ("a", "b", "c")),
    "gtsrb": Miniature(layouts.gtsrb, (0, 10, 42)),
    "stanford-cars": Miniature(layouts.cars, (7, 0, 2), tuple(layouts.LETTERS)),
    "fgvc-aircraft": Miniature(layouts.aircraft, (3, 0, 1), layouts.PLANES),
    "caltech101": Miniature(layouts.caltech101, (0, 1, 2, 2), layouts.CALTECH),
    **{kind: Miniature(layouts.folders(*pair), (0, *range(len(pair[1]))), pair[1]) for kind, pair in PAIRS.items()},
    "sun397": Miniature(
        layouts.sun397, (0, 1, 2, 3), ("abbey", "bow_window/indoor", "bow_window/outdoor", "zen_garden")
    ),
}
FILES = [kind for kind, own in SETS.items() if own.evaluated.files]
FOLDERS = ["gtsrb", "country211", "rendered-sst2", "caltech101", "caltech256", "eurosat", "sun397"]


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """Miniatures cannot have the checksums of what is published."""
    for module in ("cifar", "svhn", "flowers102", "stl10"):
        where = f"torchvision.datasets.{module}.check_integrity"
        monkeypatch.setattr(where, lambda path, md5=None: os.path.isfile(path))


def seen(images) -> list[tuple[int, ...]]:
    """The colour of each image."""
    return [tuple(np.asarray(read(*images.place(k)))[0, 0].tolist()) for k in range(len(images))]


def test_every_set_has_a_miniature():
    assert set(MINIATURES) == set(SETS)


@pytest.mark.parametrize("part", ["val", "train"])
@pytest.mark.parametrize("kind", SETS)
def test_images_have_the_labels_of_what_they_show(tmp_path, kind, part):
    own = MINIATURES[kind]
    own.make(tmp_path, own.labels, part)
    if part == "train" and SETS[kind].trained is None:
        assert "it has no parts; give --split 0.2" in refused(f"{kind}:{tmp_path}", part)
        return
    images = opened(f"{kind}:{tmp_path}", part)
    assert sorted(images.labels) == sorted(own.labels)
    if own.classes:
        assert images.classes == own.classes
    if own.grey is None:
        assert seen(images) == [colour(label) for label in images.labels]
    else:
        levels = [own.grey * label if own.grey else int(label / 10 * 255) for label in images.labels]
        assert [levels_[0] for levels_ in seen(images)] == levels
    word = (SETS[kind].evaluated if part == "val" else SETS[kind].trained).word
    assert images.name == (f"{kind}/{word}" if word else kind)
    assert any(note.startswith(f"{len(own.labels)} images, not the ") for note in images.notes)
    assert word in ("", "test", "train", "trainval")


@pytest.mark.parametrize("kind", FILES)
def test_images_that_are_files_stay_files(tmp_path, kind):
    own = MINIATURES[kind]
    own.make(tmp_path, own.labels, "val")
    images = opened(f"{kind}:{tmp_path}")
    assert all(isinstance(source, Path) and source.is_file() for source in images.sources)
    own_folder, images_folder = Path(SETS[kind].evaluated.place).parts[0], SETS[kind].evaluated.place
    for inner in (own_folder, images_folder):
        again = opened(f"{kind}:{tmp_path}/{inner}")
        assert (again.sources, again.ids, again.digest) == (images.sources, images.ids, images.digest)


@pytest.mark.parametrize("kind", FOLDERS)
def test_what_is_hidden_is_no_image_and_no_class(tmp_path, kind):
    own = MINIATURES[kind]
    part = "train" if kind == "gtsrb" else "val"
    own.make(tmp_path, own.labels, part)
    before = opened(f"{kind}:{tmp_path}", part)
    for folder in {path.parent for path in before.sources} | {path.parent.parent for path in before.sources}:
        for name in (".DS_Store", "._image_0001.jpg", "._00000_00000.ppm", "Thumbs.db", "._sun_0.jpg"):
            (folder / name).write_bytes(b"x")
        for name in ("@eaDir/sun_0.jpg", ".ipynb_checkpoints"):
            (folder / name).mkdir(parents=True)
        for name in ("@eaDir/image_0009.jpg", ".ipynb_checkpoints/image_0001.jpg"):
            (folder / name).write_bytes(before.sources[0].read_bytes())
    after = opened(f"{kind}:{tmp_path}", part)
    assert (after.ids, after.labels.tolist(), after.classes) == (before.ids, before.labels.tolist(), before.classes)
    assert any("hidden or system" in note for note in after.notes)


@pytest.mark.parametrize("kind", ["caltech101", "eurosat", "caltech256", "sun397"])
def test_sets_without_parts_are_split_on_demand(tmp_path, kind):
    own = MINIATURES[kind]
    for k in range(3):
        own.make(tmp_path, own.labels * (k + 1), "val")
    parts = [opened(f"{kind}:{tmp_path}", part, split=0.5) for part in ("train", "val")]
    assert set(parts[0].ids) | set(parts[1].ids) == set(opened(f"{kind}:{tmp_path}").ids)
    assert not set(parts[0].ids) & set(parts[1].ids)
    assert "of its own" in refused(f"food101:{tmp_path}", split=0.5)


def counted(data: str, classes: tuple[str, ...], store: Path):
    net = Painted(len(classes))
    how = {"pixels": PIXELS, "S": 256, "classes": classes, "store": store, "progress": False}
    return bench.evaluate(net, data, "centre@256", **how)[0]


def test_counts_and_posteriors_are_those_of_the_same_files_in_a_list(tmp_path):
    layouts.food101(tmp_path, (3, 2, 2, 0), "val")
    layouts.paint(tmp_path / "food-101/images", {"baklava/1.jpg": 3})  # one that looks like tacos
    row = counted(f"food101:{tmp_path}", layouts.FOOD, tmp_path / "store")
    assert (row.n, row.wrong1) == (4, 1)
    images = opened(f"food101:{tmp_path}")
    lines = [f"{path} {layouts.FOOD[label]}\n" for path, label in zip(images.sources, images.labels, strict=True)]
    (tmp_path / "list.txt").write_text("".join(lines))
    listed = counted(f"list:{tmp_path}/list.txt", layouts.FOOD, tmp_path / "store")
    assert (listed.n, listed.wrong1) == (4, 1)
    assert listed.posteriors.probs.tobytes() == row.posteriors.probs.tobytes()


def test_counts_and_posteriors_of_fetched_images_are_those_of_files(tmp_path):
    labels = (5, 7, 7, 99)
    MINIATURES["cifar100"].make(tmp_path, labels, "val")
    pixels = layouts.arrays((5, 8, 7, 99), 32)  # the second looks like another
    for k, label in enumerate(labels):
        (tmp_path / f"png/fine {label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[k]).save(tmp_path / f"png/fine {label}/{k}.png")
    layouts.pickle_pixels(tmp_path / "cifar-100-python/test", pixels, labels, "fine_labels")
    sources = (f"cifar100:{tmp_path}", f"folder:{tmp_path}/png")
    fetched, files = (counted(source, layouts.HUNDRED, tmp_path / "store") for source in sources)
    for row in (fetched, files):
        assert (row.n, row.wrong1, row.wrong5) == (4, 1, 0)
    assert fetched.posteriors.probs.tobytes() == files.posteriors.probs.tobytes()


def test_the_same_counts_with_one_thread_and_four(tmp_path):
    layouts.svhn(tmp_path, tuple(range(10)) * 4, "val")
    images = opened(f"svhn:{tmp_path}")
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda k: np.asarray(read(*images.place(k)))[0, 0].tolist(), range(40)))
    assert [tuple(each) for each in found] == seen(images)


@pytest.mark.parametrize("kind", SETS)
def test_what_is_not_there_and_cannot_be_downloaded_is_one_line(tmp_path, monkeypatch, kind):
    def no_network(root, **_):
        (Path(root) / "half").touch()
        raise OSError("no network\nat all")

    monkeypatch.setattr("bench.images.sets.torch_set._class", lambda own: no_network)
    (tmp_path / "new").mkdir()
    message = refused(f"{kind}:{tmp_path}/new")
    assert "download failed (no network at all)" in message
    assert str(tmp_path / "new" / SETS[kind].evaluated.place) in message
    assert not any((tmp_path / "new").iterdir())


@pytest.mark.parametrize("kind", [*SETS, "mnist", "imagenette"])
def test_a_folder_that_is_named_is_there_or_nothing_is_made_or_downloaded(tmp_path, monkeypatch, kind):
    asked = []
    monkeypatch.setattr("bench.images.sets.torch_set._class", lambda own: lambda *_, **__: asked.append(own))
    monkeypatch.setattr("torchvision.datasets.MNIST.download", asked.append)
    monkeypatch.setattr("torchvision.datasets.Imagenette", lambda *_, **__: asked.append(kind))
    monkeypatch.chdir(tmp_path)
    for word in ("train", f"{tmp_path}/typo"):
        message = refused(f"{kind}:{word}")
        assert f"{str(tmp_path / Path(word).name)!r} is not there" in message
        assert f"make it to download into it, or give {kind} for the cache" in message
    assert not asked
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["cifar10", "mnist", "imagenette"])
def test_a_failed_download_leaves_no_empty_folder(tmp_path, monkeypatch, kind):
    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("bench.images.sets.torch_set._class", lambda own: no_network)
    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", no_network)
    monkeypatch.setattr("torchvision.datasets.Imagenette", no_network)
    monkeypatch.setattr("bench.images.kinds.cache_folder", lambda: tmp_path / "a/cache")
    assert "download failed" in refused(kind)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["gtsrb", "cifar10"])
def test_a_download_is_whole_or_not_there_and_parts_come_beside_each_other(tmp_path, monkeypatch, kind):
    own, asked = MINIATURES[kind], []
    real = torch_set._class(SETS[kind])

    def downloads(root, download=False, **arguments):
        if download:
            asked.append(Path(root))
            own.make(Path(root), own.labels, "train" if "train" in arguments.values() else "val")
        return real(root, **arguments)

    monkeypatch.setattr("bench.images.sets.torch_set._class", lambda _: downloads)
    first = opened(f"{kind}:{tmp_path}")
    assert opened(f"{kind}:{tmp_path}").digest == first.digest
    if kind == "gtsrb":
        assert sorted(opened(f"{kind}:{tmp_path}", "train").labels) == sorted(own.labels)
    assert len(asked) == (2 if kind == "gtsrb" else 1)
    assert all(each.parent == tmp_path and not each.exists() for each in asked)


@pytest.mark.parametrize("kind", [kind for kind in SETS if kind != "dtd"])
def test_what_is_not_whole_is_one_line(tmp_path, kind):
    own = MINIATURES[kind]
    own.make(tmp_path, own.labels, "val")
    place = tmp_path / SETS[kind].evaluated.place
    for path in [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3]) if kind not in FOLDERS else path.unlink()
    message = refused(f"{kind}:{tmp_path}")
    assert str(tmp_path) in message
    assert "unpack" in message


def test_a_missing_file_and_a_label_beyond_the_classes_are_refused(tmp_path):
    layouts.food101(tmp_path, (3, 2, 2, 0), "val")
    (tmp_path / "food-101/images/baklava/1.jpg").unlink()
    assert "1 of 4 images are not there, first" in refused(f"food101:{tmp_path}")
    layouts.pets(tmp_path, (0, 2), "val")  # classes are counted from images: the third has the second's name
    assert "its labels are not those of its classes" in refused(f"oxford-pets:{tmp_path}")
