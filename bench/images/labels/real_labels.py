"""`--labels real:FILE`: the labels of "Are we done with ImageNet?" (Beyer et al., 2020) for its validation images."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.json_files import read_json
from bench.images.labels.known_images import image_number
from bench.images.labels.named_classes import places_of_imagenet
from bench.images.labels.right_labels import RULE, RightLabels, digest_of

KIND = "real"
IMAGES = 50_000
MOST_BYTES = 1 << 25
ENOUGH = 10  # images that tell whether labels are theirs: nine in ten have their own label among ReaL's


def is_real(labels: object) -> bool:
    """Whether a text is `real:FILE`."""
    return isinstance(labels, str) and labels.startswith(f"{KIND}:") and labels != f"{KIND}:"


def reassessed(images: Images, labels: str) -> Images:
    """The images with ReaL's labels beside their own, by the numbers in their ids; `labels` is `real:FILE`.

    Raises UserError.
    """
    file = Path(os.path.abspath(os.path.expanduser(labels.partition(":")[2])))
    try:
        classes = _read(file)
    except OSError as error:
        raise UserError(f"--labels {labels}: {str(file)!r} cannot be read ({error.strerror}); give another") from None
    own = tuple(classes[number - 1] for number in _numbers(images))
    right = RightLabels(f"{KIND}:{digest_of(classes)}", f"labels are ReaL's, of {file.name}: {RULE}", own)
    return replace(images, name=f"{images.name}[ReaL labels]", right=right)


def right_among(images: Images, count: int, names: tuple[str, ...] | None) -> Images:
    """The images with right labels that count in a net's `count` classes, of these `names`, as their own labels do.

    Raises UserError where it is not known which of ImageNet's classes each of the net's is, and where right labels are
    not those of the images: their own labels must be among the right ones of most.
    """
    if images.right is None:
        return images
    places = places_of_imagenet(count, names)
    if places is None:
        raise UserError(
            f"data {images.name!r}: its right labels are of ImageNet's 1000 classes, but the net has {count}, and no "
            "names that say which is which; give such a net, or other data"
        )
    right = images.right.renumbered(places)
    _require_own(images, right.classes)
    return replace(images, right=right)


def _require_own(images: Images, classes: tuple[tuple[int, ...], ...]) -> None:
    """Raise UserError where these right labels cannot be the images', or there are none."""
    pairs = [(label, right) for label, right in zip(images.labels, classes, strict=True) if right]
    if not pairs:
        raise UserError(f"data {images.name!r}: none of the {len(images)} images has a right label; raise --limit")
    same = sum(int(label) in right for label, right in pairs)
    if len(pairs) >= ENOUGH and 2 * same < len(pairs):
        raise UserError(
            f"data {images.name!r}: of {len(pairs)} images only {same} have their own label among the right ones, so "
            "one of both is not theirs; give the labels of these images"
        )


def _read(file: Path) -> list[tuple[int, ...]]:
    """The right classes of ILSVRC2012_val_00000001 to 00050000, in this order. Raises UserError and OSError."""
    found = read_json(file, MOST_BYTES)
    if not isinstance(found, list) or len(found) != IMAGES or not all(map(_is_classes, found)):
        raise UserError(
            f"--labels {KIND}:{file}: it is no list of {IMAGES:,} lists of class indices, 0 to {len(wnids()) - 1}; "
            "give real.json of github.com/google-research/reassessed-imagenet"
        )
    return list(map(tuple, found))


def _is_classes(each: Any) -> bool:
    return isinstance(each, list) and all(type(number) is int and 0 <= number < len(wnids()) for number in each)


def _numbers(images: Images) -> list[int]:
    """The images' numbers in the validation set. Raises UserError for an image without one."""
    found = [image_number(name) or 0 for name in images.ids]
    for name, number in zip(images.ids, found, strict=True):
        if not 1 <= number <= IMAGES:
            raise UserError(
                f"--labels: image {name!r} of data {images.name!r} is not named as ImageNet's validation images, "
                f"ILSVRC2012_val_00000001 to {IMAGES:08d}; leave --labels out"
            )
    return found
