"""Class names that nearly are the weights', or ImageNet's nouns: which one each stands for, or why nobody can say."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import ALSO, head, in_imagenets_order, nouns, synonyms, wnids
from bench.images.labels.numbered_classes import NUMBER, renumbered

WNID = re.compile(r"n[0-9]{8}")
SECOND = {744: ("missile",)}  # the projectile, which lists call by either word of WordNet's
SHOWN = 3  # pairs of names in a note
REMEDY = "rename its folder or label, or give --class-map FILE"


def _blanks(name: str) -> str:
    """With blanks for underscores, and letters as most systems write them."""
    return " ".join(unicodedata.normalize("NFC", name).replace("_", " ").split())


def _small(name: str) -> str:
    return head(_blanks(name)).casefold()


def _words(name: str) -> frozenset[str]:
    return synonyms(_blanks(name).casefold())


# from what is the same to what nearly is; one of these holds for all classes of a set
FOLDS: tuple[Callable[[str], str], ...] = (str, _blanks, _small)


def by_names(images: Images, names: Sequence[str]) -> Images | None:
    """The images with labels of the weights' classes, by their names but for underscores, case and synonyms.

    None where some class has no such name. Raises UserError for a class that could be two, for two that are one, and
    for synonyms that have but the first in common.
    """
    return _matched(images, names, [(name,) for name in names], "the weights' classes")


def by_nouns(images: Images, count: int, names: Sequence[str] | None) -> Images | None:
    """The images with labels of weights that know ImageNet's classes, whose WordNet ids become the classes, by nouns.

    None where the weights do not, and where no more than half of the classes have such names. Raises UserError as
    `by_names` does, and for weights without names where only most classes have them.
    """
    ids = ids_of(count, names)
    if ids is None or images.classes is None:
        return None
    said = names if names is not None and in_imagenets_order(names) else ()
    found = _matched(images, ids, [_called(each) for each in ids], "ImageNet's nouns", said)
    if found is None and names is None and images.order is None:
        words = {_small(word) for each in ids for word in _called(each)}
        known = {name: _small(name) in words for name in map(images.classes.__getitem__, images.present)}
        strange, usual = ([name for name, each in known.items() if each is wanted] for wanted in (False, True))
        if len(strange) < len(usual):
            raise _mixed(images, strange[0], "is none of ImageNet's nouns", usual[0])
    return found


def unlike(classes: Sequence[str], names: Sequence[str]) -> list[str]:
    """The classes that are not nearly one of the names."""
    known = set(map(_small, names))
    return [name for name in classes if _small(name) not in known]


def is_imagenet(images: Images) -> bool:
    """Whether the classes that occur are known by ImageNet's WordNet ids."""
    return images.classes is not None and {images.classes[label] for label in images.present} <= set(wnids())


def ids_of(count: int, names: Sequence[str] | None) -> Sequence[str] | None:
    """The WordNet ids of the weights' classes, where they are ImageNet's: by name, or 1000 without names."""
    if names is None or in_imagenets_order(names):
        return wnids() if count == len(wnids()) else None
    return names if set(names) <= set(wnids()) else None


def places_of_imagenet(count: int, names: Sequence[str] | None) -> Sequence[int] | None:
    """Where each of ImageNet's classes, in the order of their WordNet ids, is among a net's; None where nobody says."""
    if count != len(wnids()):
        return None
    if names is None or in_imagenets_order(names):
        return range(count)
    if set(names) == set(wnids()):
        return list(map(list(names).index, wnids()))
    try:
        found = by_nouns(Images("names", (), (), np.arange(count), tuple(names), count), count, None)
    except UserError:
        return None
    return None if found is None else found.labels.argsort().tolist()


def moved(names: Sequence[str]) -> bool:
    """Whether more of a net's 1000 names are ImageNet's of another place than of their own."""
    index = {_small(word): place for place, wnid in enumerate(wnids()) for word in (wnid, *_called(wnid))}
    places = [(place, index.get(_small(name))) for place, name in enumerate(names)]
    own = sum(place == other for place, other in places)
    return sum(other is not None for _, other in places) > 2 * own


def _called(wnid: str) -> tuple[str, ...]:
    index = wnids().index(wnid)
    return nouns()[index], *sorted(ALSO.get(index, ())), *SECOND.get(index, ())


def _matched(
    images: Images, names: Sequence[str], called: Sequence[Sequence[str]], whose: str, said: Sequence[str] = ()
) -> Images | None:
    """Each class by one of the words that a class is `called`; `names` are these classes' in messages.

    What the weights themselves have `said` of a class must not contradict.
    """
    assert images.classes is not None
    for fold in FOLDS:
        places: dict[str, list[int]] = {}
        for index, words in enumerate(called):
            for word in dict.fromkeys(map(fold, words)):
                places.setdefault(word, []).append(index)
        wanted = [places.get(fold(name), []) for name in images.classes]
        if all(wanted[label] for label in images.present):
            if fold is _small:
                known = [(*words, *said[index : index + 1]) for index, words in enumerate(called)]
                wanted = [_agreeing(images, label, wanted[label], known) for label in range(len(wanted))]
            found = _one_to_one(images, names, called, wanted)
            notes = _notes(images, names, called, found, whose)
            return renumbered(replace(images, notes=(*images.notes, *notes)), found, tuple(names))
    return None


def _agreeing(images: Images, label: int, places: list[int], known: Sequence[Sequence[str]]) -> list[int]:
    """Of the places whose first synonym is that of a class: those with the same synonyms, else all.

    Raises UserError for a class that occurs and that has other synonyms than one of them.
    """
    assert images.classes is not None
    name = images.classes[label]
    own = _words(name)
    if same := [place for place in places if own in map(_words, known[place])]:
        return same
    for place in places if label in images.present else ():
        full = [each for each in known[place] if len(_words(each)) > 1]
        if len(own) > 1 and full and len(own & frozenset().union(*map(_words, known[place]))) < 2:
            raise UserError(
                f"data {images.name!r}: class {name!r} is {full[0]!r} by the word before the comma alone; {REMEDY}"
            )
    return places


def _notes(
    images: Images, names: Sequence[str], called: Sequence[Sequence[str]], found: Sequence[int], whose: str
) -> tuple[str, ...]:
    """What is matched with what, first of all where it is not letter for letter; nothing where each is its own name."""
    assert images.classes is not None
    pairs = [(images.classes[label], found[label]) for label in images.present]
    near = [(name, place) for name, place in pairs if name not in called[place]]
    near.sort(key=lambda pair: any(_words(pair[0]) == _words(word) for word in called[pair[1]]))
    shown = near[:SHOWN] or [pair for pair in pairs[:1] if pair[0] != names[pair[1]]]
    if not shown:
        return ()
    *others, last = [f"{name!r} with {names[place]!r}" for name, place in shown]
    examples = f"{', '.join(others)} and {last}" if others else last
    count = f"; {len(near)} of {len(pairs)} are not the same letter for letter" if near else ""
    return (f"classes are matched by name with {whose}, such as {examples}{count}",)


def _one_to_one(
    images: Images, names: Sequence[str], called: Sequence[Sequence[str]], wanted: Sequence[Sequence[int]]
) -> list[int]:
    """The place of each class, -1 for those that do not occur and have none.

    Raises UserError where one that occurs could be several of the weights', and where two are one.
    """
    assert images.classes is not None
    present = images.present.tolist()
    sure: dict[int, int] = {}
    for label in (*present, *range(len(wanted))):
        if len(wanted[label]) == 1:
            sure.setdefault(wanted[label][0], label)
    found = [-1] * len(wanted)
    for label in present:
        free = [place for place in wanted[label] if sure.get(place, label) == label]
        if len(free) > 1:
            either = " or ".join(f"{names[place]!r} ({called[place][0]})" for place in free[:2])
            raise UserError(f"data {images.name!r}: class {images.classes[label]!r} could be {either}; {REMEDY}")
        if not free:
            place = wanted[label][0]
            twins = f"{images.classes[sure[place]]!r} and {images.classes[label]!r} are both {names[place]!r}"
            raise UserError(f"data {images.name!r}: classes {twins} by name; {REMEDY}")
        sure[free[0]] = label
        found[label] = free[0]
    return found


def refuse_mixture(images: Images) -> None:
    """Raise UserError where some classes are named by numbers or WordNet ids, others not, and nobody said an order."""
    assert images.classes is not None
    kinds = {name: _kind(name) for name in map(images.classes.__getitem__, images.present)}
    if len(set(kinds.values())) > 1 and images.order is None:
        counts = Counter(kinds.values())
        odd, usual = (pick(kinds, key=lambda name: counts[kinds[name]]) for pick in (min, max))
        raise _mixed(images, odd, f"is {kinds[odd]}", usual)


def _kind(name: str) -> str:
    return "a number" if NUMBER.fullmatch(name) else "a WordNet id" if WNID.fullmatch(name) else "a name"


def _mixed(images: Images, odd: str, what: str, usual: str) -> UserError:
    return UserError(
        f"data {images.name!r}: class {odd!r} {what}, unlike others, such as {usual!r}; name all in one way, or give "
        "--class-map FILE, or --class-order text if they are the net's classes in this order"
    )
