"""ImageNet's validation images whose labels are known, the first and the last ten, by the numbers in their names."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.named_classes import places_of_imagenet
from bench.images.labels.numbered_classes import whole_numbers
from bench.images.labels.relabellings import devkit

NUMBER = re.compile(r"ILSVRC2012_val_([0-9]{8})(?![0-9])")
NUMBERS = (*range(1, 11), *range(49_991, 50_001))
KNOWN = dict(  # the published labels of the first and the last images, by their numbers
    zip(
        NUMBERS,
        (
            *("n01751748", "n09193705", "n02105855", "n04263257", "n03125729"),
            *("n01735189", "n02346627", "n02776631", "n03794056", "n02328150"),
            *("n01980166", "n02442845", "n04328186", "n01871265", "n03729826"),
            *("n02123394", "n01630670", "n02106166", "n10148035", "n02437616"),
        ),
        strict=True,
    )
)


class Order(NamedTuple):
    """What numbers of classes may mean: `classes[number - first]` is the WordNet id."""

    about: str
    first: int
    classes: tuple[str, ...]

    def meaning(self, number: int) -> str | None:
        """The WordNet id, None for a number beyond the classes."""
        place = number - self.first
        return self.classes[place] if 0 <= place < len(self.classes) else None


def orders() -> tuple[Order, ...]:
    """Those that files of ImageNet's labels are in."""
    return (
        Order("indices of the sorted WordNet ids, from 0", 0, wnids()),
        Order("numbers of the sorted WordNet ids, from 1", 1, wnids()),
        Order("the devkit's ids 1 to 1000, in its own order", 1, devkit()),
    )


def image_number(name: str) -> int | None:
    """The number of a validation image, from its name or id: the last there; None without one."""
    found = NUMBER.findall(name)
    return int(found[-1]) if found else None


def published(name: str) -> str | None:
    """The published label of an image, a WordNet id; None where it is not known here."""
    return KNOWN.get(image_number(name) or 0)


def published_otherwise(ids: Sequence[str], called: Sequence[str]) -> tuple[str, ...]:
    """What to say where known images have other labels, WordNet ids, than are published; nothing if none."""
    known = [each for each in zip(ids, called, map(published, ids), strict=True) if each[2]]
    wrong = [each for each in known if each[1] != each[2]]
    if not wrong:
        return ()
    name, label, right = wrong[0]
    how_many = f"{len(wrong)} of {len(known)} known images have other labels than are published"
    return (f"{how_many}, first {name!r}, which is {label} here and {right} there",)


def as_published(seen: Images, images: Images, count: int, names: tuple[str, ...] | None) -> Images:
    """The images `seen` in a net's `count` classes, with a doubt where known ones have other labels than are published.

    `images` are the same before their labels became the net's, `names` the net's. Nothing is said of a net whose
    classes are not known to be ImageNet's. Raises UserError for labels that are numbers of another order.
    """
    known = [place for place, name in enumerate(seen.ids) if published(name)]
    classes = _as_wnids(seen, count, names) if known else None
    if classes is None:
        return seen
    found, before = seen.take(known), images.take(known)
    doubts = published_otherwise(found.ids, [classes[label] for label in found.labels])
    if doubts and (numbers := _numbers(before)):
        _refuse_other_order(before, numbers, doubts[0])
    return replace(seen, doubts=(*seen.doubts, *doubts))


def _as_wnids(seen: Images, count: int, names: tuple[str, ...] | None) -> Sequence[str] | None:
    """The WordNet ids of a net's classes; None where nobody says that they are ImageNet's."""
    places = places_of_imagenet(count, names)
    if places is not None:
        return [wnids()[place] for place in np.argsort(places)]
    return seen.classes if seen.classes and set(seen.classes) <= set(wnids()) else None


def _numbers(images: Images) -> list[int] | None:
    """The labels as the numbers that they were given as; None where they are names, or the user said what they mean."""
    if images.mapped:
        return None
    if images.classes is None or images.named:
        return images.labels.tolist()
    numbers = whole_numbers(images.classes)
    return [numbers[label] for label in images.labels] if numbers else None


def _refuse_other_order(images: Images, numbers: Sequence[int], doubt: str) -> None:
    """Raise UserError where known images' numbers are just right in another order than they were taken in."""
    from_zero, from_one, from_devkit = orders()
    names = "write WordNet ids instead"
    with_devkit = f"give imagenet:DIR with the devkit, or {names}"
    remedies = {
        from_zero: names,
        from_one: "give --labels-from 1",
        Order("the sorted WordNet ids, from -1", -1, wnids()): f"leave --labels-from out, or {names}",
        from_devkit: with_devkit,
        Order("the devkit's ids less 1, in its own order", 0, devkit()): with_devkit,
    }
    right = list(map(published, images.ids))
    for order, remedy in remedies.items():
        if list(map(order.meaning, numbers)) == right:
            raise UserError(f"data {images.name!r}: {doubt}: the labels seem to be {order.about}; {remedy}")
