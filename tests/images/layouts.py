"""Sets in layouts that people have, of images a few pixels large, opened or refused."""

from pathlib import Path

import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.sources import DataSpec, open_data

TENCH, GOLDFISH, SHARK = "n01440764", "n01443537", "n01484850"
CLASSES = ("cats", "dogs")


def draw(root: Path, *names: str) -> Path:
    for shade, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (shade, 0, 0)).save(path, "PNG")
    return root


def parted(root: Path, *parts: str) -> Path:
    """Two classes in each part, an image each, named after the part."""
    for part in parts:
        draw(root, *(f"{part}/{name}/{part.replace('/', '-')}.jpg" for name in CLASSES))
    return root


def opened(source: str, part: str = "val", **options):
    return open_data(DataSpec(source, **options), part)


def refused(source: str, part: str = "val", **options) -> str:
    with pytest.raises(UserError) as caught:
        opened(source, part, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)
