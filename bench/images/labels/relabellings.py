"""Other readings of labels, for the case that they are not those of the weights: what is tried on every counted row."""

from dataclasses import replace
from functools import cache
from importlib.resources import files

import numpy as np

from bench.images.dataset import Images
from bench.images.labels.imagenet_names import wnids
from results.doubts import MAY_BE, Relabelling


@cache
def devkit() -> tuple[str, ...]:
    """The WordNet ids of ILSVRC-2012's classes in the order of its devkit: ILSVRC2012_ID 1 is the first."""
    return tuple((files("bench.images.labels") / "imagenet_devkit.txt").read_text().split())


def relabellings(count: int) -> list[Relabelling]:
    """Readings of labels that count in `count` classes, as people and tools get them wrong."""
    own = np.arange(count)
    found = [
        Relabelling("every label one lower", own - 1),
        Relabelling("every label one higher", np.append(own[1:], -1)),
    ]
    if count > 10:  # numbers up to 9 have one order
        by_text = np.array(sorted(range(count), key=str))
        found += [
            Relabelling("labels that number the classes' numbers sorted as text", by_text),
            Relabelling("the weights' classes taken as numbers sorted as text", by_text.argsort()),
        ]
    if count == len(wnids()):
        index = {name: number for number, name in enumerate(wnids())}
        by_devkit = np.array([index[name] for name in devkit()])
        found += [
            Relabelling("labels read as ids of ImageNet's devkit, from 1,", np.append(-1, by_devkit[:-1])),
            Relabelling("labels read as ids of ImageNet's devkit, from 0,", by_devkit),
            Relabelling("the weights' classes taken in the order of ImageNet's devkit", by_devkit.argsort()),
        ]
    return found


def doubted(images: Images) -> Images:
    """The whole set, with a doubt where its labels are numbers that count from 1: those of weights count from 0."""
    if images.classes is not None or not len(images):
        return images
    return replace(images, doubts=(*images.doubts, *doubts_of(images.labels)))


def doubts_of(labels: np.ndarray) -> tuple[str, ...]:
    """What there is to say of a whole set's index labels (N,), which are taken to count from 0."""
    numbers = np.unique(labels)
    last = len(numbers)
    if last == 1 or not np.array_equal(numbers, np.arange(1, last + 1)):
        return ()
    said = f"labels are exactly 1 to {last}, and weights count from 0; --labels-from 1 if they count from 1; {MAY_BE}"
    return (said,)
