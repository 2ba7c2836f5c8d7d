"""Pascal VOC and Caltech in miniature, in the layouts of their archives: what is in an image is seen in its colours.

VOC's photographs are in two halves, each in the colour of a class that is in it, those of Caltech are of one colour; a
set may have as many images as a test asks for. Pictures are 40 to 90 pixels wide and high.
"""

import colorsys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.divided import DividedSet, open_divided
from bench.images.sets.voc import CLASSES
from bench.images.sets.voc_tasks import ACTIONS

PARTS = {"train": 40, "val": 40, "test": 40}
SMALL = {"train": 6, "val": 4}
CALTECH101 = ("Faces", "accordion", "airplanes", "ant")
CALTECH256 = ("001.ak47", "002.american-flag", "003.backpack", "257.clutter")


def voc(root: Path, year: str = "2007", parts: Mapping[str, int] = PARTS) -> Path:
    """`VOCdevkit/VOC<year>` for classification, `parts` images each; returns `root`, the DIR of --data.

    An image has the two classes that `voc_values` says, and one that is difficult.
    """
    top = root / "VOCdevkit" / f"VOC{year}"
    for part, count in parts.items():
        names = [voc_name(year, part, k) for k in range(count)]
        values = voc_values(count)
        for k, name in enumerate(names):
            present = np.flatnonzero(values[k] == 1).tolist()
            size = _halves(
                top / "JPEGImages" / f"{name}.jpg", *(present * 2)[:2], count=len(CLASSES), seed=_seed(part, k)
            )
            things = [(CLASSES[label], 0) for label in present]
            difficult = [(CLASSES[label], 1) for label in np.flatnonzero(values[k] == 0)]
            annotate(top, name, size, [*things, *difficult])
        write_lists(top / "ImageSets" / "Main", CLASSES, part, names, values)
    return root


def voc_name(year: str, part: str, k: int) -> str:
    number = 10_000 * list(PARTS).index(part) + k + 1
    return f"{number:06d}" if year == "2007" else f"2008_{number:06d}"


def _seed(part: str, k: int) -> int:
    """Of its noise, so that no image is in two parts."""
    return 1000 * list(PARTS).index(part) + k


def voc_values(count: int) -> np.ndarray:
    """Image k has classes k and 3k + 1 (of 20, they may be one), and k + 10 is difficult: (count, 20), 1, -1 and 0."""
    values = np.full((count, len(CLASSES)), -1, dtype=np.int8)
    for k in range(count):
        values[k, (k + 10) % len(CLASSES)] = 0
        values[k, [k % len(CLASSES), (3 * k + 1) % len(CLASSES)]] = 1
    return values


def action(root: Path, parts: Mapping[str, int] = PARTS) -> Path:
    """`VOCdevkit/VOC2012` for actions: photographs of two persons, and a horse that is object 2; returns `root`.

    There are `parts` persons each, an even number.
    """
    top = root / "VOCdevkit" / "VOC2012"
    for part, count in parts.items():
        values = action_values(count)
        examples = action_examples(part, count)
        for k in range(0, count, 2):
            name = examples[k].split()[0]
            labels = [int(np.argmax(values[k + each])) for each in (0, 1)]
            size = _halves(top / "JPEGImages" / f"{name}.jpg", *labels, count=len(ACTIONS), seed=_seed(part, k))
            annotate(top, name, size, [("person", 0), ("horse", 0), ("person", 0)])
        write_lists(top / "ImageSets" / "Action", ACTIONS, part, examples, values)
    return root


def action_examples(part: str, count: int) -> list[str]:
    """`2010_000001 1` and so on: objects 1 and 3 of each photograph are the persons."""
    first = 1000 * list(PARTS).index(part)
    return [f"2010_{first + k // 2 + 1:06d} {1 + 2 * (k % 2)}" for k in range(count)]


def action_values(count: int) -> np.ndarray:
    """Person k does action k (of 10); every seventh something else."""
    values = np.full((count, len(ACTIONS)), -1, dtype=np.int8)
    for k in range(count):
        if k % 7 != 6:
            values[k, k % len(ACTIONS)] = 1
    return values


def write_lists(folder: Path, classes: Sequence[str], part: str, examples: Sequence[str], values: np.ndarray) -> None:
    """A list a class, as the archives align them, and the list of the part's images."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, name in enumerate(classes):
        rows = zip(examples, values[:, label], strict=True)
        (folder / f"{name}_{part}.txt").write_text("".join(f"{example} {value:2d}\n" for example, value in rows))
    images = dict.fromkeys(example.split()[0] for example in examples)
    (folder / f"{part}.txt").write_text("".join(f"{image}\n" for image in images))


def keep_back(root: Path, year: str, words: int) -> Path:
    """Takes the test images' labels away: `test.txt` alone is left, or persons without values; returns `root`."""
    folder = root / "VOCdevkit" / f"VOC{year}" / "ImageSets" / ("Main" if words == 1 else "Action")
    for file in folder.glob("*_test.txt"):
        persons = [line.split()[:2] for line in file.read_text().splitlines()]
        file.unlink() if words == 1 else file.write_text("".join(f"{' '.join(each)}\n" for each in persons))
    return root


def annotate(top: Path, name: str, size: tuple[int, int], things: Sequence[tuple[str, int]]) -> None:
    """Objects by name and whether they are difficult: the first has the left half, others the right one."""
    (top / "Annotations").mkdir(parents=True, exist_ok=True)
    width, height = size
    half = width // 2
    rows = "".join(
        f"<object><name>{thing}</name><difficult>{difficult}</difficult><bndbox>"
        f"<xmin>{half + 1 if k else 1}</xmin><ymin>1</ymin><xmax>{width if k else half}</xmax><ymax>{height}</ymax>"
        "</bndbox></object>"
        for k, (thing, difficult) in enumerate(things)
    )
    text = (
        f"<annotation><size><width>{width}</width><height>{height}</height><depth>3</depth></size>{rows}</annotation>"
    )
    (top / "Annotations" / f"{name}.xml").write_text(text)


def caltech101(root: Path, images: int = 6, background: bool = True) -> Path:
    """`caltech101/101_ObjectCategories` with four classes and, as its archive has it, BACKGROUND_Google."""
    top = root / "caltech101" / "101_ObjectCategories"
    names = [*CALTECH101, *["BACKGROUND_Google"] * background]
    for label, name in enumerate(names):
        for k in range(images):
            _plain(top / name / f"image_{k + 1:04d}.jpg", label, len(names), k)
    if background:
        (top / "BACKGROUND_Google" / "tmp").write_text("no image")
    return root


def caltech256(root: Path, images: int = 6) -> Path:
    """`caltech256/256_ObjectCategories` with three classes and clutter."""
    top = root / "caltech256" / "256_ObjectCategories"
    for label, name in enumerate(CALTECH256):
        for k in range(images):
            _plain(top / name / f"{name[:3]}_{k + 1:04d}.jpg", label, len(CALTECH256), k)
    return root


def opened(kind: str, root: Path, region: str = "image+box", **options) -> DividedSet:
    """What a transfer opens of such a set."""
    return open_divided(DataSpec(f"{kind}:{root}", **options), region)


def refused(kind: str, root: Path, **options) -> str:
    """Why such a set is not read, in one line."""
    with pytest.raises(UserError) as caught:
        opened(kind, root, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def lists(root: Path, year: str = "2007") -> Path:
    """Where VOC's lists are."""
    return root / "VOCdevkit" / f"VOC{year}" / "ImageSets" / "Main"


def colour_of(label: int, count: int) -> np.ndarray:
    """Of `count` classes, all as far apart in hue as can be."""
    return np.array(colorsys.hsv_to_rgb(label / count, 0.9, 0.9)) * 255


def _halves(path: Path, left: int, right: int, count: int, seed: int) -> tuple[int, int]:
    """Two colours side by side; returns width and height."""
    width, height = _size(seed)
    pixels = np.empty((height, width, 3))
    pixels[:, : width // 2] = colour_of(left, count)
    pixels[:, width // 2 :] = colour_of(right, count)
    _write(path, pixels, seed)
    return width, height


def _plain(path: Path, label: int, count: int, seed: int) -> None:
    width, height = _size(seed)
    _write(path, np.broadcast_to(colour_of(label, count), (height, width, 3)), seed)


def _size(seed: int) -> tuple[int, int]:
    return 40 + 2 * (7 * seed % 26), 40 + 2 * (11 * seed % 26)


def _write(path: Path, pixels: np.ndarray, seed: int) -> None:
    """With a little noise, so that no two files are the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.RandomState(seed).normal(0, 6, pixels.shape)
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(path, quality=95)
