"""Folders of images: one folder per class, and ImageNet and Imagenette as they are handed out."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path, PurePosixPath

import numpy as np

from bench.classes import relabelled, wnids
from bench.data import Images
from bench.errors import UserError
from bench.lists import Entry, alike, indices, read_entries

KAGGLE_LABELS = "LOC_val_solution.csv"
KAGGLE_COLUMNS = ("ImageId", "PredictionString")
LABEL_FILES = ("val.txt", "val_labels.txt", "labels.txt", "val.csv", "labels.csv", KAGGLE_LABELS)
DEVKIT_LABELS = "ILSVRC2012_validation_ground_truth.txt"
IMAGENETTE_URL = "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2.tgz"


def read_folder(folder: Path, split: str) -> Images:
    """Class folders in `folder/split`, or in `folder` itself for the split `val`. Raises UserError and OSError."""
    name = f"folder:{folder.name}"
    require(folder)
    if _has_folders(folder / split):
        return read_classes(folder / split, name)
    if split != "val":
        raise UserError(
            f"data {str(folder)!r}: no class folders in {split}/; give a folder with {split}/<class>/ in it, or "
            "--split 0.2 to make parts of one that has none"
        )
    if _has_folders(folder / "train"):
        # the splits would be read as two classes
        raise UserError(
            f"data {str(folder)!r}: it has train/ but no val/<class>/; give the folder of the class folders"
        )
    return read_classes(folder, name)


def read_whole(folder: Path) -> Images:
    """All class folders of a folder without parts, of which `--split` makes some. Raises UserError and OSError."""
    parts = [split for split in ("train", "val") if _has_folders(folder / split)]
    if parts:
        raise UserError(
            f"data {str(folder)!r}: {parts[0]}/ is there with class folders in it; leave --split out, or give "
            "the folder of the class folders"
        )
    return read_folder(folder, "val")


def read_classes(root: Path, name: str) -> Images:
    """One folder per class, sorted by class and file as torchvision's ImageFolder does.

    Raises UserError for an empty class and for images outside the class folders, and OSError for unreadable folders.
    """
    classes, loose = listing(root)
    if not classes:
        raise UserError(f"data {str(root)!r}: no class folders in it; sort the images into one folder per class")
    if loose:
        raise UserError(
            f"data {str(root)!r}: {len(loose)} images stand beside the class folders, first {loose[0]!r}; "
            "move them into class folders or away"
        )
    paths: list[Path] = []
    labels: list[int] = []
    for label, each in enumerate(classes):
        found = images_below(root / each)
        if not found:
            allowed = " ".join(extensions())
            raise UserError(f"data {str(root)!r}: class folder {each!r} holds no image ({allowed}); fill or remove it")
        paths += found
        labels += [label] * len(found)
    return Images(
        name=name,
        paths=tuple(paths),
        ids=tuple(path.relative_to(root).as_posix() for path in paths),
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(classes),
        total=len(paths),
    )


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
    root = next((place for place in places if _has_folders(place)), None)
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
    entries = _label_entries(file)
    labels, _ = indices([entry.label for entry in entries])
    if labels.max() >= len(wnids()):
        entry = entries[int(labels.argmax())]
        raise UserError(
            f"data {str(file)!r}: line {entry.line} has label {entry.label}; labels are 0 to {len(wnids()) - 1} in the "
            "order of the sorted WordNet ids (the devkit's 1 to 1000 are in another), or the WordNet ids themselves"
        )
    label_of = {_stem(entry.path): label for entry, label in zip(entries, labels, strict=True)}
    if len(label_of) < len(entries):
        raise UserError(
            f"data {str(file)!r}: {len(entries) - len(label_of)} images are in it twice; leave one line each"
        )
    stems = [_stem(name) for name in names]
    _refuse(file, "images have no label", [name for name in names if _stem(name) not in label_of])
    _refuse(file, "labelled images are missing", sorted(set(label_of) - set(stems)))
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


def _label_entries(file: Path) -> list[Entry]:
    if file.name != KAGGLE_LABELS:
        return list(alike(file, read_entries(file), names=False))
    # PredictionString: WordNet id and box, repeated
    entries = read_entries(file, KAGGLE_COLUMNS)
    first = (entry._replace(label=entry.label.partition(" ")[0]) for entry in entries)
    return list(alike(file, first, names=False))


def _refuse(file: Path, what: str, names: Sequence[str]) -> None:
    if names:
        raise UserError(f"data {str(file)!r}: {len(names)} {what}, first {names[0]!r}; labels and images must match")


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def require(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"data {str(folder)!r}: there is no such folder; give one that holds the images")


def _has_folders(folder: Path) -> bool:
    return folder.is_dir() and bool(listing(folder)[0])


def listing(folder: Path) -> tuple[list[str], list[str]]:
    """The names of a folder's folders, and those of its images."""
    with os.scandir(folder) as entries:
        is_folder = {entry.name: entry.is_dir() for entry in entries}
    names = sorted(is_folder)
    folders = [name for name in names if is_folder[name]]
    return folders, [name for name in names if not is_folder[name] and _is_image(name)]


def images_below(folder: Path) -> list[Path]:
    """Image files by their extension, in all folders below, sorted; and folders that are named so and hold no image.

    Raises OSError for unreadable folders, and UserError where links lead to one a second time.
    """

    walk = sorted(_walk(folder))
    images = [Path(place, name) for place, _, names in walk for name in sorted(names) if _is_image(name)]
    folders = [Path(place, name) for place, names, _ in walk for name in sorted(names) if _is_image(name)]
    return images + [each for each in folders if not any(image.is_relative_to(each) for image in images)]


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    def stop(error: OSError) -> None:
        raise error

    seen: dict[tuple[int, int], str] = {}
    for place, folders, names in os.walk(folder, onerror=stop, followlinks=True):
        about = os.stat(place)
        first = seen.setdefault((about.st_dev, about.st_ino), place)
        if first != place:
            raise UserError(f"folder {place!r} is {first!r} again, by a link: its images would count twice; remove it")
        yield place, folders, names


def _is_image(name: str) -> bool:
    return name.lower().endswith(extensions())


def extensions() -> tuple[str, ...]:
    """What makes a file in a folder an image."""
    from torchvision.datasets.folder import IMG_EXTENSIONS

    return IMG_EXTENSIONS
