"""ImageNet and Imagenette as they are handed out."""

import tempfile
from collections.abc import Sequence
from http.client import HTTPException
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from bench.classes import relabelled, wnids
from bench.data import Images
from bench.errors import UserError
from bench.folder import has_folders, listing, read_classes, require
from bench.lists import COLUMNS, Entry, alike, indices, read_entries

KAGGLE_LABELS = "LOC_val_solution.csv"
KAGGLE_COLUMNS = (("ImageId", "PredictionString"),)
LABEL_FILES = ("val.txt", "val_labels.txt", "labels.txt", "val.csv", "labels.csv", KAGGLE_LABELS)
DEVKIT_LABELS = "ILSVRC2012_validation_ground_truth.txt"
IMAGENETTE_URL = "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2.tgz"


def read_imagenet(folder: Path, split: str) -> Images:
    """ILSVRC-2012: class folders named by WordNet id, or a flat validation folder with a label file.

    Raises UserError and OSError.
    """
    require(folder)
    root = folder / split
    if not root.is_dir():
        if split != "val":
            raise UserError(f"data {str(folder)!r}: no {split}/ in it; give a folder with {split}/<WordNet id>/")
        root = folder
    classes, loose = listing(root)
    if loose and not classes:
        return _read_flat(folder, root, loose)
    unknown = sorted(set(classes) - set(wnids()))
    if unknown or not classes:
        what = (
            f"{unknown[0]!r} is no WordNet id of ImageNet's 1000 classes" if unknown else "neither folders nor images"
        )
        raise UserError(
            f"data {str(root)!r}: {what}; give val/<WordNet id>/*.JPEG or val/*.JPEG with a label file, "
            "or folder:DIR for other classes"
        )
    return relabelled(read_classes(root, f"imagenet/{split}"), wnids())


def read_imagenette(folder: Path, split: str) -> Images:
    """Ten ImageNet classes, downloaded by torchvision unless they are in the folder. Raises UserError and OSError."""
    places = [folder / "imagenette2" / split, folder / split]
    root = next((place for place in places if has_folders(place)), None)
    if root is None:
        _download_imagenette(folder, split)
        root = places[0]
    return read_classes(root, f"imagenette/{split}")


def _download_imagenette(folder: Path, split: str) -> None:
    from torchvision.datasets import Imagenette

    place = folder / "imagenette2"
    if place.exists():
        raise UserError(f"data {str(place)!r}: no class folders in {split}/; remove imagenette2, or unpack it again")
    folder.mkdir(parents=True, exist_ok=True)
    # unpacked aside, so that an interrupted run leaves no half of the data set to be measured
    with tempfile.TemporaryDirectory(prefix="imagenette2-", dir=folder) as aside:
        try:
            Imagenette(aside, split, download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            raise UserError(
                f"data 'imagenette': download failed ({error}); fetch {IMAGENETTE_URL} and unpack it in {str(folder)!r}"
            ) from None
        (Path(aside) / "imagenette2").rename(place)


def _read_flat(folder: Path, root: Path, names: Sequence[str]) -> Images:
    file = _label_file(folder, root)
    entries = _label_entries(file, len(names))
    labels, _ = indices([entry.label for entry in entries])
    if labels.max() >= len(wnids()):
        entry = entries[int(labels.argmax())]
        raise UserError(
            f"data {str(file)!r}: line {entry.line} has label {entry.label}; labels are 0 to {len(wnids()) - 1} in the "
            "order of the sorted WordNet ids (the devkit's 1 to 1000 are in another), or the WordNet ids themselves"
        )
    label_of = {_stem(entry.path): label for entry, label in zip(entries, labels, strict=True)}
    cut = len(entries) > len(names)
    if len(label_of) < len(entries):
        count = f"{'at least ' * cut}{len(entries) - len(label_of)}"
        raise UserError(f"data {str(file)!r}: {count} images are in it twice; leave one line each")
    stems = [_stem(name) for name in names]
    missing = sorted(set(label_of) - set(stems))
    _refuse(file, "images have no label", [] if cut else [name for name in names if _stem(name) not in label_of])
    _refuse(file, "labelled images are missing", missing, "at least " * cut)
    return Images(
        name="imagenet/val",
        paths=tuple(root / name for name in names),
        ids=tuple(names),
        labels=np.array([label_of[stem] for stem in stems], dtype=np.int64),
        classes=wnids(),
        total=len(names),
    )


def _label_file(folder: Path, root: Path) -> Path:
    for place in (folder, root):
        for name in LABEL_FILES:
            if (place / name).is_file():
                return place / name
    advice = (
        "give val.txt with lines 'ILSVRC2012_val_00000001.JPEG LABEL' (LABEL a WordNet id, or its index among the "
        f"sorted ones) or Kaggle's {KAGGLE_LABELS}"
    )
    if any((place / DEVKIT_LABELS).is_file() for place in (folder, root)):
        raise UserError(
            f"data {str(folder)!r}: {DEVKIT_LABELS} counts the devkit's class ids 1 to 1000, in another order than the "
            f"weights' classes; {advice}"
        )
    raise UserError(f"data {str(folder)!r}: no label file ({', '.join(LABEL_FILES)}) for the images in it; {advice}")


def _label_entries(file: Path, count: int) -> list[Entry]:
    """One more than there are images suffices to tell that images are missing, or twice in it."""
    entries = read_entries(file, KAGGLE_COLUMNS if file.name == KAGGLE_LABELS else COLUMNS)
    if file.name == KAGGLE_LABELS:  # PredictionString: WordNet id and box, repeated
        entries = (entry._replace(label=entry.label.partition(" ")[0]) for entry in entries)
    return list(islice(alike(file, entries, names=False), count + 1))


def _refuse(file: Path, what: str, names: Sequence[str], least: str = "") -> None:
    if names:
        count = f"{least}{len(names)}"
        raise UserError(f"data {str(file)!r}: {count} {what}, first {names[0]!r}; labels and images must match")


def _stem(path: str) -> str:
    return PurePosixPath(path).stem
