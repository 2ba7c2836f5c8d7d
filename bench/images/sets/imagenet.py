"""ImageNet and Imagenette as they are handed out."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

from bench.errors import UserError
from bench.folders import made_to_fill
from bench.images.containers.any_folder import Folder
from bench.images.containers.finder import Finder, Listing, folders_in
from bench.images.containers.layout import (
    DEVKIT,
    KAGGLE_PLACE,
    archives,
    has_anything,
    has_folders,
    innermost,
    named_training,
    part_for,
)
from bench.images.containers.tar_folders import TarFolder, TarTree
from bench.images.containers.tar_index import tar_index
from bench.images.dataset import Images
from bench.images.labels.classes import relabelled
from bench.images.labels.imagenet_names import wnids
from bench.images.sets.flat_imagenet import read_flat
from bench.images.sets.folder import one_class, read_classes, read_folder, require
from bench.images.sets.tiny_imagenet import annotated, read_annotated
from bench.progress import downloading

VALIDATION = "ILSVRC2012_img_val.tar"
TINY = 200  # classes
IMAGENETTE_URL = "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2.tgz"


def read_imagenet(folder: Path, split: str, duplicates: bool = False, first: int = 0) -> Images:
    """ILSVRC-2012: class folders named by WordNet id, or a flat validation folder, or the original tar, and labels.

    With `duplicates`, images that links show twice count twice; labels that are indices count from `first`. Raises
    UserError and OSError.
    """
    if tar := _tar(folder, split):
        return _read_tar(tar, split, duplicates, first)
    require(folder)
    base, notes = _base(folder)
    if annotated(base) and split == "val":
        return relabelled(read_annotated(base, "tiny-imagenet/val", notes, duplicates), wnids())
    taken, said = part_for(base, split, has_anything)
    if (base / split).is_dir():
        taken = split
    if taken is None and split != "val":
        raise UserError(f"data {str(folder)!r}: no {split}/ in it; give a folder with {split}/<WordNet id>/")
    root, within = innermost(base / taken, part=True) if taken else (base, ())
    seen = named_training(base / (taken or "")) if split == "val" else ()
    name = "imagenet/train" if seen else f"imagenet/{taken or split}"
    return _read([base, root, folder], root, name, duplicates, notes + said + within + seen, first)


def _read(
    places: Sequence[Path], root: Folder, name: str, duplicates: bool, notes: tuple[str, ...], first: int
) -> Images:
    """The images in a folder, flat with labels in one of the places, or in class folders."""
    here = Finder().listing(root)
    if isinstance(root, Path) and root.name in wnids() and here.images and not here.folders:
        raise one_class("imagenet", root)
    if here.images and all(map(DEVKIT.fullmatch, here.folders)):
        return replace(read_flat(places, root, Finder(duplicates), notes, first), name=name)
    _require_wnids(root, here)
    return relabelled(read_classes(root, name, duplicates, notes), wnids())


def _tar(folder: Path, split: str) -> Path | None:
    """The tar that holds the validation images: what was given, or the original beside no unpacked ones."""
    if folder.is_file() and folder.suffix == ".tar":
        return folder
    tar = folder / VALIDATION
    if split != "val" or not tar.is_file() or part_for(folder, split, has_anything)[0] or (folder / split).is_dir():
        return None
    here = Finder().listing(folder)
    return None if here.images or set(here.folders) & set(wnids()) else tar


def _read_tar(tar: Path, split: str, duplicates: bool, first: int) -> Images:
    """The images of a tar, with labels beside it if they are not in class folders. Raises UserError and OSError."""
    if split != "val":
        raise UserError(f"data {str(tar)!r}: it has no split {split!r}; give a folder with {split}/<WordNet id>/")
    root, within = innermost(TarFolder(TarTree(tar, [tar_index(tar)])), part=True)
    return _read([tar.parent], root, f"imagenet/{split}", duplicates, (f"read in {tar.name}", *within), first)


def read_tiny_imagenet(folder: Path, split: str, duplicates: bool = False) -> Images:
    """Tiny ImageNet: its validation images as handed out, or in class folders. Raises UserError and OSError."""
    require(folder)
    images = read_folder(folder, split, duplicates)
    if strange := sorted(set(images.classes or ()) - set(wnids())):
        raise UserError(
            f"data {str(folder)!r}: {strange[0]!r} is no WordNet id of ImageNet's 1000 classes; give the folder that "
            "tiny-imagenet-200.zip makes, or folder:DIR for other classes"
        )
    count = len(images.classes or ())
    notes = () if count == TINY else (f"{count} classes, not the {TINY} of Tiny ImageNet",)
    return replace(images, name=f"tiny-imagenet/{split}", notes=(*images.notes, *notes))


def _base(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Where `train/` and `val/` are, in the archive of Kaggle's competition too."""
    for inside in (KAGGLE_PLACE, KAGGLE_PLACE.removeprefix("ILSVRC/")):
        if (folder / inside).is_dir():
            return folder / inside, (f"read in {inside}/",)
    return innermost(folder)


def _require_wnids(root: Folder, here: Listing) -> None:
    """Raise UserError where folders have other names."""
    unknown = sorted(set(here.folders) - set(wnids()))
    if unknown or not here.folders:
        what = (
            f"{unknown[0]!r} is no WordNet id of ImageNet's 1000 classes"
            if unknown
            else f"neither folders nor images{archives(here.others)}"
        )
        deeper = next((name for name in unknown if set(folders_in(root / name)) & set(wnids())), None)
        if deeper is not None:
            way = f"give imagenet:{root / deeper}" if isinstance(root, Path) else "unpack it, and give that folder"
            raise UserError(f"data {str(root)!r}: {what}, but holds some; {way}")
        raise UserError(
            f"data {str(root)!r}: {what}; give val/<WordNet id>/*.JPEG or val/*.JPEG with a label file, "
            "or folder:DIR for other classes"
        )


def read_imagenette(folder: Path, split: str, duplicates: bool = False) -> Images:
    """Ten ImageNet classes, downloaded by torchvision unless they are in the folder. Raises UserError and OSError."""
    sizes = sorted(folder.glob("imagenette2-*"), reverse=True)  # 320 before 160
    places = [folder / "imagenette2" / split, folder / split, *(size / split for size in sizes)]
    root = next((place for place in places if has_folders(place)), None)
    if root is None:
        _download_imagenette(folder, split)
        root = places[0]
    notes = (f"read in {root.parent.name}/",) if root.parent in sizes else ()
    return read_classes(root, f"imagenette/{split}", duplicates, notes)


def _download_imagenette(folder: Path, split: str) -> None:
    from torchvision.datasets import Imagenette

    place = folder / "imagenette2"
    if place.exists():
        raise UserError(f"data {str(place)!r}: no class folders in {split}/; remove imagenette2, or unpack it again")
    # unpacked aside, so that an interrupted run leaves no half of the data set to be measured
    with made_to_fill(folder), tempfile.TemporaryDirectory(prefix="imagenette2-", dir=folder) as aside:
        try:
            with downloading():
                Imagenette(aside, split, download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            raise UserError(
                f"data 'imagenette': download failed ({error}); fetch {IMAGENETTE_URL} and unpack it in {str(folder)!r}"
            ) from None
        (Path(aside) / "imagenette2").rename(place)
