"""Sets that ask an ImageNet net about other images of its classes: one folder per class, named by WordNet id."""

from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from bench.errors import UserError
from bench.images.containers.finder import folders_in
from bench.images.containers.layout import innermost
from bench.images.dataset import Images
from bench.images.labels.classes import relabelled
from bench.images.labels.imagenet_names import wnids
from bench.images.sets.folder import one_class, read_classes, require


class Relative(NamedTuple):
    """How many images are handed out, and the file of its WordNet ids, None where it has all 1000 classes."""

    images: int
    file: str | None = None


RELATIVES = {
    "imagenet-a": Relative(7500, "imagenet_a.txt"),  # Hendrycks et al., "Natural Adversarial Examples", CVPR 2021
    "imagenet-r": Relative(30000, "imagenet_r.txt"),  # Hendrycks et al., "The Many Faces of Robustness", ICCV 2021
    "imagenet-o": Relative(2000, "imagenet_o.txt"),  # as imagenet-a
    "imagenet-sketch": Relative(50889),  # Wang et al., NeurIPS 2019: about 50 a class
}


@cache
def classes_of(kind: str) -> tuple[str, ...]:
    """The WordNet ids of a set's classes, sorted."""
    file = RELATIVES[kind].file
    return wnids() if file is None else tuple((files("bench.images.labels") / file).read_text().split())


def read_relative(kind: str, folder: Path, duplicates: bool = False) -> Images:
    """All images of one of `RELATIVES`. Where it has few of the 1000 classes, only these compete, as in its paper.

    Raises UserError unless exactly its classes have folders, since fewer that compete would flatter a net; and OSError.
    """
    require(folder)
    root, notes = innermost(folder)
    if root.name in wnids() and not folders_in(root):
        raise one_class(kind, root)
    _require_classes(kind, root, folders_in(root))
    images = relabelled(read_classes(root, kind, duplicates, notes), wnids())
    paper, classes = RELATIVES[kind].images, classes_of(kind)
    if len(images) != paper:
        images = replace(images, notes=(*images.notes, f"{len(images)} images, not the {paper:,} of {kind}"))
    if classes == wnids():
        return images
    said = f"only its {len(classes)} of the 1000 classes compete, as in its paper"
    return replace(
        images,
        name=f"{kind}[{len(classes)} classes]",
        restricted=True,
        notes=(*images.notes, said),
    )


def _require_classes(kind: str, root: Path, found: list[str]) -> None:
    classes = classes_of(kind)
    missing, others = sorted(set(classes) - set(found)), sorted(set(found) - set(classes))
    where = f"data {str(root)!r}: {kind} has {len(classes)} class folders named by WordNet id"
    if others:
        raise UserError(f"{where}, and {others[0]!r} is none of them; give its own folder, or folder:{root}")
    if missing:
        raise UserError(f"{where}; {len(missing)} are missing, first {missing[0]!r}; unpack it again")
