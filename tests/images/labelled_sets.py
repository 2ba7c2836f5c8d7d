"""Sets of images a pixel or two large, whose labels are what is looked at."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.classes import reconcile
from bench.images.labels.imagenet_names import wnids
from bench.images.sources import DataSpec, open_data


@cache
def sentences() -> tuple[str, ...]:
    """WordNet's synonyms by class, as the schema of the hub's imagenet-1k has them."""
    timm = pytest.importorskip("timm")
    lines = (Path(timm.__file__).parent / "data/_info/imagenet_synset_to_lemma.txt").read_text().splitlines()
    by_id = dict(line.split("\t")[:2] for line in lines)
    return tuple(by_id[wnid] for wnid in wnids())


def labelled(labels, classes) -> Images:
    ids = tuple(f"{k}.png" for k in range(len(labels)))
    return Images("parquet:x", tuple(map(Path, ids)), ids, np.array(labels, dtype=np.int64), classes, len(ids))


def folders(root: Path, names, part: str = "") -> str:
    for name in names:
        (root / part / name).mkdir(parents=True)
        Image.new("RGB", (2, 2)).save(root / part / name / "a.png")
    return f"folder:{root}"


def listed(root: Path, labels) -> str:
    for k in range(len(labels)):
        Image.new("RGB", (2, 2)).save(root / f"{k}.png")
    (root / "list.txt").write_text("".join(f"{k}.png {label}\n" for k, label in enumerate(labels)))
    return f"list:{root}/list.txt"


def label_of(images: Images) -> dict[str, int]:
    """By the names of folders, or of the files of a list."""
    names = [id.split("/")[0].removesuffix(".png") for id in images.ids]
    return dict(zip(names, images.labels.tolist(), strict=True))


def seen(spec: DataSpec, count: int, names=None) -> Images:
    return reconcile(open_data(spec), count, names, "w")


def refused(spec: DataSpec, count: int, names=None) -> str:
    with pytest.raises(UserError) as caught:
        seen(spec, count, names)
    assert "\n" not in str(caught.value)
    return str(caught.value)
