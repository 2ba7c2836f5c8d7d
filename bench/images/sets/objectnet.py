"""ObjectNet (Barbu et al., NeurIPS 2019): photographs of things at home, of which 113 classes are ImageNet's, too.

Its licence allows evaluation: only tuning the parameters of a model is forbidden.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.images.containers.finder import Finder, folders_in, images_of
from bench.images.containers.layout import innermost
from bench.images.dataset import Images
from bench.images.decoding import UndecodableError, opened
from bench.images.image_source import Source
from bench.images.labels.imagenet_names import classes_named, wnids
from bench.images.labels.json_files import read_json
from bench.images.labels.right_labels import RULE, RightLabels, digest_of
from bench.images.sets.folder import require
from bench.progress import progress
from protocols.view import Box

BORDER = 2  # pixels on each side that its authors' evaluation cuts off: the outermost are red
IMAGES = 18_574  # of the classes that are ImageNet's
FOLDERS, CLASSES = "folder_to_objectnet_label.json", "objectnet_to_imagenet_1k.json"
MOST_BYTES = 1 << 20


def read_objectnet(folder: Path, duplicates: bool = False) -> Images:
    """The images of the classes that are ImageNet's too, without their borders; any of its classes there is right.

    `folder` holds `images/` and `mappings/`. Raises UserError and OSError.
    """
    require(folder)
    root, notes = innermost(folder) if not (folder / "mappings").is_dir() else (folder, ())
    classes = _classes(root)
    finder = Finder(duplicates)
    paths: list[Path] = []
    right: list[tuple[int, ...]] = []
    for name, own in classes.items():
        found = images_of(finder.below(root / "images" / name))
        if not found:
            raise UserError(f"data {str(root)!r}: images/{name}/ holds no image; unpack it again")
        paths += found
        right += [own] * len(found)
    finder.check_twins(paths)
    said = f"classes of ImageNet are right for each as its mapping says: {RULE}"
    return Images(
        name=f"objectnet[{len(classes)} classes]",
        sources=tuple(paths),
        ids=tuple(path.relative_to(root / "images").as_posix() for path in paths),
        labels=np.array([own[0] for own in right], dtype=np.int64),
        classes=wnids(),
        total=len(paths),
        boxes=tuple(map(_within_border, progress(paths, len(paths), "reading objectnet"))),
        notes=(*notes, *_notes(root, classes, len(paths)), *finder.notes(root)),
        right=RightLabels(f"objectnet:{digest_of(right)}", said, tuple(right)),
    )


def _classes(root: Path) -> dict[str, tuple[int, ...]]:
    """ImageNet's classes that are right for the images of a folder, for those folders that have some, sorted."""
    labels, mapping = _texts(root / "mappings" / FOLDERS), _texts(root / "mappings" / CLASSES)
    found = {name: mapping[label] for name, label in labels.items() if label in mapping}
    missing = sorted(set(found) - set(folders_in(root / "images")))
    if missing or not found:
        what = f"{len(missing)} class folders are missing in images/, first {missing[0]!r}" if found else "no classes"
        raise UserError(f"data {str(root)!r}: {what}; unpack objectnet-1.0 again")
    return {name: _indices(root, found[name]) for name in sorted(found)}


def _indices(root: Path, names: str) -> tuple[int, ...]:
    """`analog clock; digital clock` as indices of ImageNet's classes."""
    found = [classes_named(name) for name in names.split("; ")]
    if any(len(each) != 1 for each in found):
        raise UserError(f"data {str(root)!r}: {CLASSES} names {names[:100]!r}, which are no classes of ImageNet")
    return tuple(sorted({each[0] for each in found}))


def _texts(file: Path) -> dict[str, str]:
    """A JSON object of texts. Raises UserError and OSError."""
    if not file.is_file():
        raise UserError(
            f"data {str(file.parent.parent)!r}: no mappings/{file.name}; give the folder objectnet-1.0, with images/ "
            "and mappings/ in it"
        )
    found = read_json(file, MOST_BYTES)
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UserError(f"data {str(file)!r}: it is no JSON object of texts; unpack objectnet-1.0 again")
    return found


def _within_border(source: Source) -> Box | None:
    """All but the border; None for what cannot be read, which is said when it is."""
    try:
        with opened(source, None) as image:
            width, height = image.size
    except UndecodableError:
        return None
    small = min(width, height) <= 2 * BORDER
    return None if small else Box(BORDER, BORDER, width - BORDER, height - BORDER)


def _notes(root: Path, classes: Mapping[str, object], count: int) -> tuple[str, ...]:
    others = len(set(folders_in(root / "images")) - set(classes))
    notes: tuple[str, ...] = (
        f"a border of {BORDER} pixels is cut off, as in its authors' evaluation",
        f"{others} of its classes are none of ImageNet's and are left out; all 1000 compete",
    )
    return notes if count == IMAGES else (*notes, f"{count} images, not the {IMAGES:,} of the 113 classes")
