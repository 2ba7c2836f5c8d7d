"""torchvision's data sets in miniature, each as its archive has it: images in the colour of their class."""

import bz2
import csv
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from painted import colour, paint


def arrays(labels: Sequence[int], side: int) -> np.ndarray:
    """Pictures, uint8 (N, side, side, 3)."""
    found = [np.full((side, side, 3), colour(label)) for label in labels]
    return np.array(found, dtype=np.uint8).reshape(-1, side, side, 3)


def cifar10(root: Path, labels: Sequence[int], part: str) -> None:
    """Five files for training, and one for tests."""
    folder = root / "cifar-10-batches-py"
    test, train = (labels, [0]) if part == "val" else ([0], labels)
    _pickled(folder / "test_batch", test, "labels")
    for k in range(5):
        _pickled(folder / f"data_batch_{k + 1}", train[k::5], "labels")
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(STL)}))


def cifar100(root: Path, labels: Sequence[int], part: str) -> None:
    folder = root / "cifar-100-python"
    test, train = (labels, [0]) if part == "val" else ([0], labels)
    _pickled(folder / "test", test, "fine_labels")
    _pickled(folder / "train", train, "fine_labels")
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": list(HUNDRED)}))


def _pickled(file: Path, labels: Sequence[int], key: str) -> None:
    pickle_pixels(file, arrays(labels, 32), labels, key)


def pickle_pixels(file: Path, pixels: np.ndarray, labels: Sequence[int], key: str) -> None:
    """Colour by colour, row by row."""
    file.parent.mkdir(parents=True, exist_ok=True)
    flat = pixels.transpose(0, 3, 1, 2).reshape(len(labels), 3072)
    file.write_bytes(pickle.dumps({"data": flat, key: list(labels)}))


def idx(root: Path, labels: Sequence[int], part: str, folder: str) -> None:
    """Grey levels in MNIST's format: 10 times the label."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in ("train", "t10k"):
        own = labels if (name == "t10k") == (part == "val") else [0]
        pixels = np.array([np.full((28, 28), 10 * label) for label in own], dtype=np.uint8)
        head = np.array([0x803, len(own), 28, 28], dtype=">i4").tobytes()
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        head = np.array([0x801, len(own)], dtype=">i4").tobytes()
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(head + bytes(own))


def usps(root: Path, labels: Sequence[int], part: str) -> None:
    """libsvm's text, whose labels count from 1."""
    root.mkdir(parents=True, exist_ok=True)
    lines = (f"{k + 1} " + " ".join(f"{n}:{k / 5 - 1}" for n in range(1, 257)) for k in labels)
    with bz2.open(root / ("usps.t.bz2" if part == "val" else "usps.bz2"), "wt") as file:
        file.write("\n".join(lines) + "\n")


def svhn(root: Path, labels: Sequence[int], part: str) -> None:
    """Where the digit 0 is 10."""
    from scipy.io import savemat

    root.mkdir(parents=True, exist_ok=True)
    own = np.array([[label or 10] for label in labels], dtype=np.uint8)
    name = "test" if part == "val" else "train"
    savemat(root / f"{name}_32x32.mat", {"X": arrays(labels, 32).transpose(1, 2, 3, 0), "y": own})


def stl10(root: Path, labels: Sequence[int], part: str) -> None:
    """Columns before rows; labels count from 1."""
    folder = root / "stl10_binary"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "test", "unlabeled"):
        own = labels if name == ("test" if part == "val" else "train") else [0]
        (folder / f"{name}_X.bin").write_bytes(arrays(own, 96).transpose(0, 3, 2, 1).tobytes())
        if name != "unlabeled":
            (folder / f"{name}_y.bin").write_bytes(bytes(label + 1 for label in own))
    (folder / "class_names.txt").write_text("\n".join(STL) + "\n")


def food101(root: Path, labels: Sequence[int], part: str) -> None:
    names = [f"{FOOD[label]}/{k}" for k, label in enumerate(labels)]
    paint(root / "food-101/images", {f"{name}.jpg": label for name, label in zip(names, labels, strict=True)})
    (root / "food-101/meta").mkdir(parents=True, exist_ok=True)
    by_class = {each: [name for name in names if name.startswith(f"{each}/")] for each in FOOD[::-1]}
    (root / "food-101/meta" / ("test.json" if part == "val" else "train.json")).write_text(json.dumps(by_class))


def flowers102(root: Path, labels: Sequence[int], part: str) -> None:
    """Labels of all images count from 1; images of a part are numbers."""
    from scipy.io import savemat

    folder = root / "flowers-102"
    paint(folder / "jpg", {f"image_{k + 1:05d}.jpg": label for k, label in enumerate(labels)})
    savemat(folder / "imagelabels.mat", {"labels": np.array(labels, dtype=np.uint8)[None] + 1})
    own = np.arange(1, len(labels) + 1, dtype=np.uint16)[None]
    savemat(folder / "setid.mat", {"tstid": own, "trnid": own[:, ::-1], "valid": own[:, :1]})


def pets(root: Path, labels: Sequence[int], part: str) -> None:
    """Labels count from 1; names of images begin with those of classes."""
    folder = root / "oxford-iiit-pet"
    names = [f"{PETS[label].replace(' ', '_')}_{k + 1}" for k, label in enumerate(labels)]
    paint(folder / "images", {f"{name}.jpg": label for name, label in zip(names, labels, strict=True)})
    (folder / "annotations").mkdir(exist_ok=True)
    lines = [f"{name} {label + 1} 1 1\n" for name, label in zip(names, labels, strict=True)]
    (folder / "annotations" / ("test.txt" if part == "val" else "trainval.txt")).write_text("".join(lines))


def dtd(root: Path, labels: Sequence[int], part: str) -> None:
    names = [f"{LETTERS[label]}/{LETTERS[label]}_{k:04d}.jpg" for k, label in enumerate(labels)]
    paint(root / "dtd/dtd/images", dict(zip(names, labels, strict=True)))
    (root / "dtd/dtd/labels").mkdir(parents=True, exist_ok=True)
    (root / "dtd/dtd/labels" / ("test1.txt" if part == "val" else "train1.txt")).write_text("\n".join(names) + "\n")


def gtsrb(root: Path, labels: Sequence[int], part: str) -> None:
    """Test images in a table; training images, which are PPM, in folders, each with a table of its own."""
    top = root / "gtsrb"
    if part == "val":
        names = {f"{k:05d}.ppm": label for k, label in enumerate(labels)}
        paint(top / "GTSRB/Final_Test/Images", names)
        with (top / "GT-final_test.csv").open("w", newline="") as file:
            table = csv.writer(file, delimiter=";")
            table.writerows([("Filename", "Width", "ClassId"), *((name, 8, label) for name, label in names.items())])
        return
    for k, label in enumerate(labels):
        paint(top / "GTSRB/Training", {f"{label:05d}/{k:05d}_00000.ppm": label})
        (top / f"GTSRB/Training/{label:05d}/GT-{label:05d}.csv").write_text("Filename;ClassId\n")


def cars(root: Path, labels: Sequence[int], part: str) -> None:
    from scipy.io import savemat

    folder, name = root / "stanford_cars", "cars_test" if part == "val" else "cars_train"
    files = [f"{k + 1:05d}.jpg" for k in range(len(labels))]
    paint(folder / name, dict(zip(files, labels, strict=True)))
    (folder / "devkit").mkdir(exist_ok=True)
    form = [("class", np.uint8), ("fname", object)]
    rows = np.array([(label + 1, file) for label, file in zip(labels, files, strict=True)], dtype=form)
    where = folder / "cars_test_annos_withlabels.mat" if part == "val" else folder / "devkit/cars_train_annos.mat"
    savemat(where, {"annotations": rows})
    savemat(folder / "devkit/cars_meta.mat", {"class_names": np.array(list(LETTERS), dtype=object)})


def aircraft(root: Path, labels: Sequence[int], part: str) -> None:
    folder = root / "fgvc-aircraft-2013b/data"
    paint(folder / "images", {f"{k:07d}.jpg": label for k, label in enumerate(labels)})
    (folder / "variants.txt").write_text("".join(f"{name}\n" for name in PLANES))
    lines = [f"{k:07d} {PLANES[label]}\n" for k, label in enumerate(labels)]
    (folder / ("images_variant_test.txt" if part == "val" else "images_variant_trainval.txt")).write_text(
        "".join(lines)
    )


def folders(place: str, names: Sequence[str]) -> Callable[[Path, Sequence[int], str], None]:
    """Class folders; `{}` in their place is the part's word."""

    def make(root: Path, labels: Sequence[int], part: str) -> None:
        files = {f"{names[label]}/image_{k + 1:04d}.jpg": label for k, label in enumerate(labels)}
        paint(root / place.format("test" if part == "val" else "train"), files)

    return make


def caltech101(root: Path, labels: Sequence[int], part: str) -> None:
    folders("caltech101/101_ObjectCategories", CALTECH)(root, labels, part)
    paint(root / "caltech101/101_ObjectCategories", {"BACKGROUND_Google/image_0001.jpg": 99})


def sun397(root: Path, labels: Sequence[int], part: str) -> None:
    names = [f"{SCENES[label][1:]}/sun_{k:016d}.jpg" for k, label in enumerate(labels)]
    paint(root / "SUN397", dict(zip(names, labels, strict=True)))
    (root / "SUN397/ClassName.txt").write_text("".join(f"{name}\n" for name in SCENES))


LETTERS = "abcdefgh"
HUNDRED = tuple(f"fine {k}" for k in range(100))
STL = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
FOOD = ("apple_pie", "baby_back_ribs", "baklava", "tacos")
PETS = ("Abyssinian", "american bulldog", "Birman")
PLANES = ("707-320", "A300B4", "DH-82", "Boeing 717")
CALTECH = ("Faces", "accordion", "airplanes")
SCENES = ("/a/abbey", "/b/bow_window/indoor", "/b/bow_window/outdoor", "/z/zen_garden")
