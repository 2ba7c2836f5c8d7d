"""ImageNet-O: images of no class, of which a net should be less sure than of ImageNet's images of 200 classes."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.classes import reconcile
from bench.images.labels.groups import DETECTION, OUTSIDE, WITHIN, Groups
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.right_labels import RightLabels, digest_of
from bench.images.sets.imagenet_relatives import classes_of, read_relative

KIND = "imagenet-o"
WRITTEN = re.compile(r"(.+)\+([a-z0-9-]+:.+)", re.DOTALL)
SAID = "errors are of the images within the 200 classes, the AUPR is of all"
EACH = 50  # of ImageNet's validation images a class


def both_sets(argument: str) -> tuple[str, str]:
    """`DIR+imagenet:DIR` as the folder and the set of images within the classes. Raises UserError."""
    match = WRITTEN.fullmatch(argument)
    if match is None:
        folder, plus, within = argument.rpartition("+")
        if plus and within:
            raise UserError(
                f"data '{KIND}:{argument}': the second set needs a kind; give {KIND}:{folder}+imagenet:{within}"
            )
        raise UserError(
            f"data '{KIND}:{argument}': its images are of none of the 1000 classes, so they have no error, but an AUPR "
            f"beside ImageNet's validation images; give {KIND}:{argument}+imagenet:DIR"
        )
    return match[1], match[2]


def read_outside(folder: Path, within: Images, duplicates: bool = False) -> Images:
    """The images of ImageNet-O, and those of its 200 classes that are `within`, ImageNet's validation images.

    Raises UserError and OSError.
    """
    outside = read_relative(KIND, folder, duplicates)
    within = _of_its_classes(reconcile(within, len(wnids()), wnids(), "ImageNet"))
    labels = np.concatenate([outside.labels, within.labels])
    right: tuple[tuple[int, ...], ...] = ((),) * len(outside) + tuple((int(label),) for label in within.labels)
    return replace(
        outside,
        name=f"{KIND}+{within.name}[{len(classes_of(KIND))} classes]",
        sources=(*outside.sources, *within.sources),
        ids=(*(f"{OUTSIDE}/{name}" for name in outside.ids), *(f"{WITHIN}/{name}" for name in within.ids)),
        labels=labels,
        total=len(labels),
        notes=(*outside.notes, *(f"within: {note}" for note in within.notes)),
        assumed=within.assumed,
        doubts=within.doubts,
        order=within.order,
        right=RightLabels(f"{KIND}:{digest_of(right)}", SAID, right),
        groups=Groups((OUTSIDE,) * len(outside) + (WITHIN,) * len(within), measure=DETECTION),
    )


def _of_its_classes(images: Images) -> Images:
    """Those of ImageNet-O's classes. Raises UserError where a class has none."""
    wanted = [wnids().index(name) for name in classes_of(KIND)]
    found = images.take(np.flatnonzero(np.isin(images.labels, wanted)).tolist())
    counts = np.bincount(found.labels, minlength=len(wnids()))[wanted]
    if not counts.all():
        absent = classes_of(KIND)[int(counts.argmin())]
        raise UserError(f"data {images.name!r}: no image of class {absent}, which {KIND} needs; give all of them")
    if images.boxes is not None or images.pixel_digests is not None or images.right is not None:
        raise UserError(f"data {images.name!r}: {KIND} goes with ImageNet's validation images; give +imagenet:DIR")
    if (counts != EACH).any():
        few = f"{len(found)} images of the {len(wanted)} classes, not {len(wanted) * EACH:,}"
        found = replace(found, notes=(*found.notes, few))
    return found
