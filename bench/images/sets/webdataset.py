"""WebDataset shards: tars in which an image stands beside its label, both under one key."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.errors import UserError
from bench.images.containers.finder import ENDING, Noted, foreign, named_as_image
from bench.images.containers.tar_files import Kind, TarIndex, TarMember
from bench.images.dataset import Images, distinct
from bench.images.decoding import UndecodableError
from bench.images.sets.list_entries import kind_of
from bench.images.sets.lists import indices
from bench.progress import progress

SAMPLE = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]*)", re.DOTALL)  # the first dot of the base name ends the key
PLAIN = ("cls", "cls.txt")
JSON = "json"
LABELS = (".cls", ".cls.txt", ".json")
FIELDS = ("label", "cls")  # of a JSON
MOST_LABEL = 1 << 20  # bytes
SHOWN = 3  # endings of files beside images
DOTS = "a key ends at the first dot of a name"


@dataclass
class Sample:
    """What stands under a key in a tar: the places of images and of labels, by their endings."""

    images: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)


def has_labels(indexes: Sequence[TarIndex]) -> bool:
    """Whether tars are shards: there are labels, or a JSON beside any image says one. Raises UserError."""
    return any(_has_labels(index) for index in indexes)


def _has_labels(index: TarIndex) -> bool:
    """JSONs are read up to the first that says a label."""
    if not any(name.lower().endswith(LABELS) for name in index.names):
        return False
    images: set[str] = set()
    beside: dict[str, int] = {}
    for place, key, ending in _members(index):
        if ending in PLAIN:
            return True
        if ending == JSON:
            beside[key] = place
        else:
            images.add(key)
    places = [place for key, place in beside.items() if key in images]
    return any(label is not None for _, label in _labels(index, places))


def seen_beside(indexes: Sequence[TarIndex]) -> str:
    """What to say of files beside images that say no label; of the first JSON its keys."""
    endings: dict[str, tuple[TarIndex, int]] = {}
    for index in indexes:
        for place, name in enumerate(index.names):
            match = SAMPLE.fullmatch(name)
            if match and index.kinds[place] == Kind.FILE and not (foreign(name) or named_as_image(name)):
                endings.setdefault(match[2].lower(), (index, place))
    shown = [f".{ending}{_keys(*where) if ending == JSON else ''}" for ending, where in list(endings.items())[:SHOWN]]
    return f", but {' and '.join(shown)}" if shown else ""


def _keys(index: TarIndex, place: int) -> str:
    if index.sizes[place] > MOST_LABEL:
        return ""
    try:
        (content,) = index.contents([place])
        found = json.loads(content)
    except (ValueError, RecursionError, UndecodableError):
        return ""
    return f" with {', '.join(found)[:100]}" if isinstance(found, dict) and found else ""


def read_shards(indexes: Sequence[TarIndex], name: str, duplicates: bool, notes: tuple[str, ...]) -> Images:
    """The labelled images of shards, in the order of shards and of images in them.

    With `duplicates`, a key that is in another shard too counts again. Raises UserError and OSError.
    """
    images: list[TarMember] = []
    labels: list[str] = []
    seen: dict[str, TarIndex] = {}
    endings: set[str] = set()
    again, unlabelled, alone = 0, Noted(), Noted()
    for index in progress(indexes, len(indexes), f"reading the labels of {name}", "tar"):
        found = samples(index)
        read = dict(_labels(index, [place for sample in found.values() for place in sample.labels.values()]))
        for key, sample in found.items():
            image, label = _image(index, key, sample), _said(index, sample.labels, read)
            if image is None and label is not None:
                alone.add(f"{index.file}:{key}")
            elif image is not None and label is None:
                unlabelled.add(str(image))
            elif image is not None and label is not None:
                first = seen.setdefault(key, index)
                again += first is not index
                if first is not index and not duplicates:
                    raise _twice(index, key, first)
                endings.update(ending for ending, place in sample.labels.items() if read[place] is not None)
                images.append(image)
                labels.append(label)
    _refuse(name, unlabelled, "images have no label (.cls, .cls.txt, or .json with 'label') beside them")
    _refuse(name, alone, "labels have no image beside them")
    notes += (f"labels are the {' and '.join(f'.{ending}' for ending in sorted(endings))} beside the images",)
    if again:
        notes += (f"{again} keys are in another tar too and count again (--allow-duplicates)",)
    _require_alike(labels, images)
    numbers, classes = indices(labels)
    ids = distinct([image.name for image in images])
    return Images(name, tuple(images), ids, numbers, classes, len(images), notes=notes)


def samples(index: TarIndex) -> dict[str, Sample]:
    """What images and labels a tar has, by their keys. Raises UserError for two of one name."""
    found: dict[str, Sample] = {}
    for place, key, ending in _members(index):
        sample = found.setdefault(key, Sample())
        members = sample.labels if ending in (*PLAIN, JSON) else sample.images
        if ending in members:
            raise UserError(
                f"data {str(index.file)!r}: key {key!r} has two members .{ending}; give each image a key of its own"
            )
        members[ending] = place
    return found


def _members(index: TarIndex) -> Iterator[tuple[int, str, str]]:
    """The images and labels of a tar: their places, keys and endings in small letters."""
    for place, name in enumerate(index.names):
        match = SAMPLE.fullmatch(name)
        if index.kinds[place] == Kind.FOLDER or not match or any(map(foreign, name.split("/"))):
            continue
        ending = match[2].lower()
        if ending in (*PLAIN, JSON) or ENDING.fullmatch(f".{ending.rpartition('.')[2]}"):
            yield place, match[1], ending


def _image(index: TarIndex, key: str, sample: Sample) -> TarMember | None:
    """A key's image: others beside it, such as `.seg.png`, have a dot more. Raises UserError for several."""
    if not sample.images:
        return None
    short = {ending: place for ending, place in sample.images.items() if "." not in ending} or sample.images
    if len(short) > 1:
        two = " and ".join(f".{ending}" for ending in list(short)[:2])
        raise UserError(
            f"data {str(index.file)!r}: key {key!r} has {len(short)} images, {two}; {DOTS}, so write none within names"
        )
    (place,) = short.values()
    linked = index.kinds[place] not in (Kind.FILE, Kind.SPARSE)
    return index.member(place, "no file, but a link or a device" if linked else "")


def _said(index: TarIndex, labels: dict[str, int], read: dict[int, str | None]) -> str | None:
    """The label under a key, None where there is none. Raises UserError for two."""
    said = {ending: label for ending, place in labels.items() if (label := read[place]) is not None}
    if len(said) > 1 and len(set(said.values())) > 1:
        both = " and ".join(f".{ending} says {label[:30]!r}" for ending, label in said.items())
        raise UserError(f"data {str(index.file)!r}: of {index.names[min(labels.values())]!r}, {both}; leave one")
    return next(iter(said.values()), None)


def _labels(index: TarIndex, places: Sequence[int]) -> Iterator[tuple[int, str | None]]:
    """Places in a tar with their labels, None for a JSON that says none. Raises UserError for what is no label."""
    for place in places:
        if index.kinds[place] != Kind.FILE or index.sizes[place] > MOST_LABEL:
            raise UserError(f"{_where(index, place)} is no file of at most {MOST_LABEL:,} bytes; write the tar again")
    try:
        for place, content in zip(places, index.contents(places), strict=True):
            yield place, _label(index, place, content)
    except UndecodableError as error:
        raise UserError(
            f"data {str(index.file)!r}: it changes while its labels are read ({error}); run again"
        ) from None


def _label(index: TarIndex, place: int, content: bytes) -> str | None:
    """Raises UserError for what is no label."""
    try:
        text = content.decode("utf-8-sig").strip()
        if not index.names[place].lower().endswith(f".{JSON}"):
            return text
        about = json.loads(text, object_pairs_hook=tuple)  # a key may be there twice
    except (ValueError, RecursionError) as error:
        raise UserError(f"{_where(index, place)} cannot be read ({error}); write the tar again") from None
    said = [value for name, value in about if name in FIELDS] if isinstance(about, tuple) else []
    if len(texts := dict.fromkeys(map(str, said))) > 1:
        two = " and ".join(repr(each[:30]) for each in list(texts)[:2])
        raise UserError(f"{_where(index, place)} says {len(texts)} labels, {two}; leave one")
    label = said[0] if said else None
    if isinstance(label, bool) or not isinstance(label, int | str | None):
        what = f"{_where(index, place)} is {str(label)[:30]!r}"
        raise UserError(f"{what}; give the number of a class, from 0, or its name")
    return None if label is None else str(label)


def _where(index: TarIndex, place: int) -> str:
    return f"data {str(index.file)!r}: label {index.names[place]!r}"


def _require_alike(labels: Sequence[str], images: Sequence[TarMember]) -> None:
    """Raise UserError unless labels are all class indices, all WordNet ids or all names."""
    for label, image in zip(labels, images, strict=True):
        kind = kind_of(label)
        if kind is None or kind != kind_of(labels[0]):
            other = f", but that of {str(images[0])!r} is {labels[0][:30]!r}" if image is not images[0] else ""
            raise UserError(
                f"the label of image {str(image)!r} is {label[:30]!r}{other}; labels are all class indices from 0, all "
                "WordNet ids, or all names"
            )


def _twice(index: TarIndex, key: str, first: TarIndex) -> UserError:
    return UserError(
        f"data {str(index.file)!r}: key {key!r} is in {str(first.file)!r} too; give each image a key of its own, or "
        "--allow-duplicates if both are to count"
    )


def _refuse(name: str, found: Noted, what: str) -> None:
    if found.count:
        raise UserError(
            f"data {name!r}: {found.count} {what}, first {found.first[0]!r}; write the tars again with both"
        )
