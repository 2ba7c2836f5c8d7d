"""ImageNet-V2 (Recht et al., ICML 2019): folders named 0 to 999, which are the classes' indices."""

import re
from dataclasses import replace
from pathlib import Path

from bench.errors import UserError
from bench.images.containers.finder import Finder, folders_in
from bench.images.containers.layout import archives
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.numbered_classes import renumbered
from bench.images.sets.folder import read_classes, require

VARIANTS = {
    "matched-frequency": re.compile(r"matched[ _-]?frequency", re.IGNORECASE),
    "threshold-0.7": re.compile(r"threshold[ _-]?0[._]?7", re.IGNORECASE),
    "top-images": re.compile(r"top[ _-]?images", re.IGNORECASE),
}
IMAGES = 10_000  # of each variant, ten a class
INDEX = re.compile(r"0|[1-9][0-9]{0,2}")


def read_imagenet_v2(folder: Path, duplicates: bool = False) -> Images:
    """All images of one of its three variants, which folders are named after.

    A class folder's name is its index, though text has 10 before 2. Raises UserError for other folders, and OSError.
    """
    require(folder)
    root = _root(folder)
    _require_indices(root)
    variant = _variant(folder, root)
    images = read_classes(root, f"imagenet-v2/{variant}" if variant else "imagenet-v2", duplicates)
    names = images.classes or ()
    notes: tuple[str, ...] = (
        () if variant else (f"no folder says which of its variants this is: {', '.join(VARIANTS)}",)
    )
    if len(names) != len(wnids()):
        notes += (f"{len(names)} of the 1000 classes have folders: the others have no image",)
    if len(images) != IMAGES:
        notes += (f"{len(images)} images, not the {IMAGES:,} of imagenet-v2",)
    images = renumbered(images, list(map(int, names)), wnids())
    return replace(images, notes=(*images.notes, *notes))


def _root(folder: Path) -> Path:
    """Where the class folders are: in the only folder in others. Raises UserError for several variants."""
    root = folder
    while not any(map(INDEX.fullmatch, names := folders_in(root))):
        if several := [name for name in names if _variant_in(name)][1:]:
            raise UserError(
                f"data {str(root)!r}: {len(several) + 1} variants of imagenet-v2 are in it; give one, such as "
                f"imagenet-v2:{root / several[-1]}"
            )
        if len(names) != 1:
            break
        root = root / names[0]
    return root


def _require_indices(root: Path) -> None:
    here = Finder().listing(root)
    if not here.folders:
        raise UserError(
            f"data {str(root)!r}: imagenet-v2 has folders named 0 to 999, and there are none"
            f"{archives(here.others) or '; give the folder that holds them'}"
        )
    if others := [name for name in here.folders if not INDEX.fullmatch(name)]:
        raise UserError(
            f"data {str(root)!r}: imagenet-v2 has folders named 0 to 999, and {others[0]!r} is none of them; give the "
            "folder as its archive made it, or folder:DIR for another set"
        )


def _variant(folder: Path, root: Path) -> str | None:
    """As the innermost folder that names one does, from the class folders up to the one that was given."""
    places = [root, *root.parents]
    return next(filter(None, (_variant_in(place.name) for place in places[: places.index(folder) + 1])), None)


def _variant_in(name: str) -> str | None:
    return next((variant for variant, form in VARIANTS.items() if form.search(name)), None)
