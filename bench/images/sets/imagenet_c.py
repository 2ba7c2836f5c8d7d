"""ImageNet-C: ImageNet's validation images, each under corruptions of five severities."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.containers.finder import folders_in
from bench.images.dataset import Images
from bench.images.labels.classes import relabelled
from bench.images.labels.groups import Groups
from bench.images.labels.imagenet_names import wnids
from bench.images.sets.folder import read_classes, require
from results.corruption import ALEXNET, EXTRA, GROUPS, SEVERITIES

CORRUPTIONS = (*ALEXNET, *EXTRA)
ARCHIVES = ("noise", "blur", "weather", "digital", "extra")  # which its corruptions are handed out in


def read_corrupted(folder: Path, duplicates: bool = False) -> Images:
    """The images of all corruptions and severities that are there, in groups such as `snow/3`.

    Raises UserError for folders that are none of its corruptions, severities or classes, and OSError.
    """
    require(folder)
    _refuse_inner(folder)
    places = _severities(_corruptions(folder))
    _refuse_again(places)
    groups = {group: _group(group, place, duplicates) for group, place in places.items()}
    joined = _joined(groups)
    return replace(joined, groups=Groups(_names(groups), _lacking(groups)))


def _refuse_inner(folder: Path) -> None:
    """Raise UserError for the folder of a corruption, of one of its severities, or of a class there."""
    last, *above = reversed(folder.parts[-3:])
    if last not in (*CORRUPTIONS, *map(str, SEVERITIES), *wnids()):
        return
    if (name := next((each for each in (last, *above) if each in CORRUPTIONS), None)) is not None:
        outer = next(place.parent for place in (folder, *folder.parents) if place.name == name)
        raise UserError(
            f"data {str(folder)!r}: one level too deep; give imagenet-c:{outer}, the folder that holds {name}/"
        )


def _corruptions(folder: Path) -> dict[str, Path]:
    """The folder of each corruption that is there, in the paper's order; they may lie in those of its archives."""
    while len(names := folders_in(folder)) == 1 and names[0] not in (*CORRUPTIONS, *ARCHIVES):
        folder = folder / names[0]
    found = [folder / name for name in names if name not in ARCHIVES]
    for archive in set(names) & set(ARCHIVES):
        found += [folder / archive / name for name in folders_in(folder / archive)]
    unknown = next((place for place in sorted(found) if place.name not in CORRUPTIONS), None)
    if unknown or not found:
        what = f"{unknown.name!r} is none" if unknown else "there are none"
        raise UserError(
            f"data {str(folder)!r}: folders are named as ImageNet-C's corruptions, such as "
            f"gaussian_noise/1/<WordNet id>/, but {what}; give the folder that holds them"
        )
    by_name = {place.name: place for place in found}
    if len(by_name) < len(found):
        raise UserError(f"data {str(folder)!r}: a corruption is there twice; leave one folder of each")
    return {name: by_name[name] for name in CORRUPTIONS if name in by_name}


def _severities(corruptions: Mapping[str, Path]) -> dict[str, Path]:
    """The folder of each group."""
    known = set(map(str, SEVERITIES))
    for place in corruptions.values():
        severities = folders_in(place)
        if not severities or set(severities) - known:
            raise UserError(f"data {str(place)!r}: it holds {', '.join(severities[:3]) or 'no folders'}; give 1/ to 5/")
    return {f"{name}/{each}": place / each for name, place in corruptions.items() for each in folders_in(place)}


def _refuse_again(places: Mapping[str, Path]) -> None:
    """Raise UserError where two groups are one folder."""
    first: dict[Path, str] = {}
    for group, place in places.items():
        if (other := first.setdefault(place.resolve(), group)) != group:
            raise UserError(f"data {str(place)!r}: it is {other} again, by a link; remove the link")


def _group(group: str, place: Path, duplicates: bool) -> Images:
    unknown = sorted(set(folders_in(place)) - set(wnids()))
    if unknown:
        raise UserError(f"data {str(place)!r}: {unknown[0]!r} is no WordNet id of ImageNet's 1000 classes; remove it")
    return relabelled(read_classes(place, f"imagenet-c/{group}", duplicates), wnids())


def _joined(groups: Mapping[str, Images]) -> Images:
    """The images of all groups, one after another."""
    sets = list(groups.values())
    return Images(
        name="imagenet-c",
        sources=tuple(source for images in sets for source in images.sources),
        ids=tuple(f"{group}/{name}" for group, images in groups.items() for name in images.ids),
        labels=np.concatenate([images.labels for images in sets]),
        classes=wnids(),
        total=sum(map(len, sets)),
        notes=_notes(groups),
    )


def _notes(groups: Mapping[str, Images]) -> tuple[str, ...]:
    corruptions = dict.fromkeys(group.partition("/")[0] for group in groups)
    extra = [name for name in corruptions if name in EXTRA]
    said = f"{len(groups)} groups of {len(corruptions)} corruptions"
    aside = f"; {', '.join(extra)} are in no mean" if extra else ""
    own = (f"{group}: {note}" for group, images in groups.items() for note in images.notes)
    return (said + aside, *own)


def _names(groups: Mapping[str, Images]) -> tuple[str, ...]:
    return tuple(group for group, images in groups.items() for _ in range(len(images)))


def _lacking(groups: Mapping[str, Images]) -> dict[str, str]:
    """What those of the 15 corruptions' groups lack that do not hold the images of all of them."""
    ids: dict[str, Sequence[str]] = {group: groups[group].ids for group in GROUPS if group in groups}
    every = len(set().union(*ids.values()))
    lacking = {group: "is not there" for group in GROUPS if group not in groups}
    fewer = {group: len(names) for group, names in ids.items() if len(names) < every}
    return lacking | {group: f"has {count} of {every} images" for group, count in fewer.items()}
