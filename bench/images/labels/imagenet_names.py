"""What ImageNet's 1000 classes are called: WordNet ids, nouns, and the sentences of synonyms that hubs have of them."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

# beside torchvision's nouns: WordNet has two cranes and two maillots, which it tells apart by words of its own; the
# datasets library allows no two equal names, so that the hub's imagenet-1k numbers the second crane
ALSO = {134: frozenset({"crane"}), 517: frozenset({"crane2"}), 639: frozenset({"maillot", "tank suit"})}


@cache
def wnids() -> tuple[str, ...]:
    """The WordNet ids of ImageNet's 1000 classes (ILSVRC-2012), sorted: their order is that of everybody's weights."""
    return tuple((files("bench.images.labels") / "imagenet_wnids.txt").read_text().split())


@cache
def nouns() -> tuple[str, ...]:
    """What torchvision's weights call ImageNet's classes, in the order of the WordNet ids."""
    return tuple((files("bench.images.labels") / "imagenet_nouns.txt").read_text().splitlines())


def in_imagenets_order(names: Sequence[str]) -> bool:
    """Whether names are those of ImageNet's 1000 classes in the order of the sorted WordNet ids.

    They are where each is torchvision's noun of its place, or has it among synonyms with commas between, as the
    hub's `imagenet-1k` has them ("tench, Tinca tinca"); underscores count as blanks.
    """
    if len(names) != len(wnids()):
        return False
    own = map(synonyms, names)
    apart = "tank suit" not in synonyms(names[638])  # else the two maillots could stand in either order
    return apart and all(each & known for each, known in zip(own, _known(), strict=True))


def with_nouns(names: Sequence[str]) -> list[str]:
    """Names of 1000 classes that are indices or WordNet ids, with ImageNet's nouns behind them; others as they are."""
    if len(names) != len(wnids()):
        return list(names)
    return [
        f"{name} ({noun})" if name in (str(index), wnid) else name
        for index, (name, wnid, noun) in enumerate(zip(names, wnids(), nouns(), strict=True))
    ]


def synonyms(name: str) -> frozenset[str]:
    """The words of a name that commas part."""
    return frozenset(each.strip() for each in name.replace("_", " ").split(","))


def head(name: str) -> str:
    """The first of a name's synonyms, which tells it from all others but the cranes; of two maillots one needs both."""
    first, _, rest = name.partition(",")
    return f"{first} tank suit" if first == "maillot" and rest.strip() == "tank suit" else first


def classes_named(name: str) -> list[int]:
    """The classes of which a sentence of synonyms is the name, as indices: one, unless it is a crane or a maillot."""
    return [index for index, known in enumerate(_known()) if known & synonyms(name)]


@cache
def _known() -> tuple[frozenset[str], ...]:
    return tuple(frozenset({noun}) | ALSO.get(index, frozenset()) for index, noun in enumerate(nouns()))
