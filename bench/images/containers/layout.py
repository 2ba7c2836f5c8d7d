"""Where in a folder the class folders are: its parts, folders in folders, and what is no set of class folders."""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.images.containers.any_folder import AnyFolder, Folder
from bench.images.containers.finder import Finder, Listing, folders_in
from bench.images.containers.part_names import EVALUATION, PART, SEEN, TRAINING, choice, in_order, is_training, word_of
from bench.images.labels.imagenet_names import wnids

BARE = {"images", "image", "imgs", "img", "jpegimages", "jpg", "jpeg", "jpegs", "png", "pictures", "photos", "data"}
BESIDE = re.compile(  # what describes images, in folders beside theirs
    r".*(annot|label|mask|trimap|segment|bbox|attribute).*|parts|lists|imagesets|meta(data)?|devkit|ground_?truth|xmls?",
    re.IGNORECASE | re.DOTALL,
)
CLUTTER = ("BACKGROUND_Google", "257.clutter")
OWN_PARTS = ("train_test_split.txt", "meta/test.txt", "test_list.mat", "lists/test_list.mat", "setid.mat")
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
DEVKIT = re.compile(r"(ILSVRC20[0-9]{2}_)?devkit.*")  # the folder that ImageNet's devkit is unpacked to
KAGGLE_PLACE = "ILSVRC/Data/CLS-LOC"  # of ImageNet's images, from the folder of their labels
Holds = Callable[[Any], bool]


def has_folders(folder: Folder) -> bool:
    return bool(folders_in(folder))


def has_anything(folder: Folder) -> bool:
    """Folders or images."""
    here = Finder().listing(folder) if folder.is_dir() else Listing([], [], [])
    return bool(here.folders or here.images)


def parts_of(folder: Folder, holds: Holds = has_folders) -> dict[str, str]:
    """The folders that are parts of a set by their names, each with the word for it, where they hold what parts hold.

    A name such as `seg_train` is one where `seg_test` stands beside it.
    """
    found: dict[str, tuple[str, str]] = {}
    kinds: dict[str, set[bool]] = {}
    for name in folders_in(folder):
        if (match := PART.fullmatch(name)) and holds(folder / name):
            before, word = (match[1] or "").casefold(), match[2].casefold()
            found[name] = before, word
            kinds.setdefault(before, set()).add(word in TRAINING)
    return {name: word for name, (before, word) in found.items() if not before or len(kinds[before]) == 2}


def part_for(folder: Folder, split: str, holds: Holds = has_folders) -> tuple[str | None, tuple[str, ...]]:
    """The folder of a split, None where there is none, and what is to be said of the choice."""
    parts = parts_of(folder, holds)
    training, evaluation = in_order(parts, "train"), in_order(parts, "val")
    if split == "train":
        taken = next(iter(training), None)
        return taken, () if taken in (None, "train") else (f"{taken}/ is taken for training",)
    if not evaluation or not (evaluation[0] == "val" or training or all(name in parts for name in folders_in(folder))):
        return None, ()
    taken, *others = evaluation
    lacking = None if taken == "val" else "val/<class>/"
    notes = choice(f"{taken}/", [f"{name}/" for name in others], "its path", lacking)
    if aside := [f"{name}/" for name in folders_in(folder) if not (word_of(name) or DEVKIT.fullmatch(name))]:
        notes += (f"beside the parts stand {', '.join(aside[:3])}{', ...' * (len(aside) > 3)}, which are not read",)
    return taken, notes


def innermost(folder: AnyFolder, part: bool = False) -> tuple[AnyFolder, tuple[str, ...]]:
    """Through folders that hold one folder and no image, to parts, or to two class folders and more.

    In a `part`, folders that are named as parts are no others: `test_set/test_set/<class>`.
    """
    place = folder
    while part or not parts_of(place):
        names = folders_in(place)
        if not names or Finder().listing(place).images:
            return folder, ()
        if len(names) > 1 or names[0] in wnids():
            break
        place = place / names[0]
    inside = place.relative_to(folder).as_posix()
    return place, () if place == folder else (f"read in {inside}/, the only folder in {folder.name}/",)


def named_training(root: Folder, given: Folder | None = None) -> tuple[str, ...]:
    """What is to be said where the images that are evaluated are by their folder's name, or a link's, for training.

    So are those in folders of such a name, from the `given` one down.
    """
    names = {root.name, Path(os.path.realpath(root)).name}
    if given:
        names |= {given.name, *root.relative_to(given).parts}
    found = next((name for name in sorted(names) if is_training(name)), None)
    return (f"the folder is named {found!r}: a net trained on its images {SEEN}",) if found else ()


def refuse_known(folder: Folder, base: Folder) -> None:
    """Raise UserError for sets of which another kind of data is the reader; `base` is the innermost of `folder`."""
    above = (base / KAGGLE_PLACE, base / KAGGLE_PLACE.removeprefix(f"{base.name}/"))
    flat = base.match(f"*/{KAGGLE_PLACE}") and not has_folders(base / "val")  # some sort it
    if flat or any(place.is_dir() for place in above):
        way = f"give imagenet:{folder}" if isinstance(folder, Path) else "unpack it, and give imagenet:DIR"
        raise UserError(f"data {str(folder)!r}: this is ImageNet as Kaggle hands it out; {way}")
    if any((place / "JPEGImages").is_dir() and (place / "Annotations").is_dir() for place in (folder, base)):
        raise UserError(
            f"data {str(folder)!r}: this is Pascal VOC, whose labels are annotations; give voc2007:DIR, the folder "
            "that holds VOCdevkit, for the objects of 2007, or for bench.transfer voc2007-cls:DIR, voc2012-cls:DIR or "
            "voc2012-action:DIR"
        )


def refuse_parts(root: Folder, classes: Sequence[str]) -> None:
    """Raise UserError where folders are parts of a set, or hold what describes it, and not classes."""
    flat = parts_of(root, _has_images_alone)
    if len(classes) == 1 and (word := word_of(classes[0])) and _has_images_alone(root / classes[0]):
        flat = {classes[0]: word}
    if flat and (len(flat) == len(classes) or len({word in TRAINING for word in flat.values()}) == 2):
        names = " and ".join(f"{name}/" for name in flat)
        hold = "hold" if len(flat) > 1 else "holds"
        raise UserError(
            f"data {str(root)!r}: {names} {hold} images without class folders, which nothing gives classes; write "
            "list:FILE with 'path label' lines, or sort them into one folder per class (Kaggle's cats and dogs: "
            "catsdogs:DIR)"
        )
    bare = [name for name in classes if name.casefold() in BARE]
    beside = [name for name in classes if BESIDE.fullmatch(name)]
    if bare and (beside or len(classes) == 1):
        what = f"{bare[0]}/ and {beside[0]}/" if beside else f"{bare[0]}/"
        way = (
            f"give {source_at(root / bare[0])} for the class folders in it"
            if has_folders(root / bare[0])
            else "write list:FILE with 'path label' lines, or sort the images into one folder per class"
        )
        raise UserError(f"data {str(root)!r}: {what} are no classes, labels are elsewhere; {way}")


def flat_parts(folder: Folder) -> str:
    """What to say of parts for evaluation without class folders."""
    flat = [name for name, word in parts_of(folder, _has_images_alone).items() if word in EVALUATION]
    return f" ({', '.join(f'{name}/' for name in flat)}: images without class folders)" if flat else ""


def _has_images_alone(folder: Folder) -> bool:
    here = Finder().listing(folder)
    return bool(here.images) and not here.folders


def check_classes(root: Folder, classes: Sequence[str], below: Mapping[str, Mapping[str, Listing]]) -> tuple[str, ...]:
    """Raise UserError for folders that are sets and no classes; say where images lie deeper than class folders.

    `below` are the folders below each class. A folder with parts in it is a set, and so are two that hold folders of
    the same names: most of the smaller one's and at least two, and fewer images of their own.
    """
    inner = {name: _inner_folders(str(root / name), below[name]) for name in classes}
    inner = {name: names for name, names in inner.items() if len(names) >= 2}
    _refuse_again(root, classes, inner)
    first: dict[str, str] = {}
    for name, names in inner.items():
        words = {match[2] for each in names if (match := PART.fullmatch(each)) and not match[1]}
        if words & set(TRAINING) and words & set(EVALUATION):
            raise _sets(root, f"{name}/ holds {' and '.join(sorted(names.values()))}, so it is no class but a set")
        met = Counter(first[each] for each in sorted(names) if each in first)
        for other, common in met.most_common(1):
            if common >= 2 and common > min(len(names), len(inner[other])) / 2:
                example = next(names[each] for each in sorted(names) if first.get(each) == other)
                what = f"{other}/ and {name}/ hold {common} folders of the same names, such as {example!r}"
                raise _sets(root, f"{what}, so they are no classes but sets or parts")
        for each in names:
            first.setdefault(each, name)
    notes = tuple(
        f"{name!r} is clutter, no category of Caltech's: it counts as a class" for name in classes if name in CLUTTER
    )
    notes += tuple(
        f"{name} beside {root.name}/ says which images are for training: all count here"
        for name in OWN_PARTS
        if (root.parent / name).is_file()
    )
    if len(inner) == len(classes):
        return (*notes, "class folders hold folders: their images count for the class of the outer one")
    return notes


def _refuse_again(root: Folder, classes: Sequence[str], inner: Mapping[str, Mapping[str, str]]) -> None:
    """Raise UserError where a folder holds those beside it again, as archives that were packed twice do."""
    beside = {name.casefold() for name in classes}
    for name, names in inner.items():
        again = [each for folded, each in names.items() if folded in beside - {name.casefold()}]
        if len(again) >= 2 and len(again) > len(names) / 2:
            raise UserError(
                f"data {str(root)!r}: {name}/ holds folders of the same names as those beside it, such as "
                f"{again[0]!r}, so it is no class but the set again; move it away, or give {source_at(root / name)}"
            )


def _sets(root: Folder, what: str) -> UserError:
    return UserError(
        f"data {str(root)!r}: {what}; give folder:DIR for one of them, or list:FILE with 'path label' lines"
    )


def _inner_folders(place: str, below: Mapping[str, Listing]) -> dict[str, str]:
    """The folders in a class folder, or in the only one in it and so on, by their names in small letters.

    None where it is images that it holds.
    """
    here = below[place]
    while len(here.folders) == 1 and not here.images and os.path.join(place, here.folders[0]) in below:
        place = os.path.join(place, here.folders[0])
        here = below[place]
    return {name.casefold(): name for name in here.folders} if len(here.images) < len(here.folders) else {}


def source_at(folder: Folder) -> str:
    """What `--data` takes for the class folders in a folder."""
    return f"{'folder' if isinstance(folder, Path) else 'tar'}:{folder}"


def archives(names: Sequence[str]) -> str:
    """What to say of archives among files that are no images."""
    found = [name for name in names if name.lower().endswith(ARCHIVES)]
    if not found:
        return ""
    return f"; {found[0]!r}{f' and {len(found) - 1} more' * (len(found) > 1)} must be unpacked first"
