"""Small sets as hubs hold them, in parquet files, and the same images as files in folders."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import nn

from bench.images.dataset import Images

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
GREYS = (16, 80, 144, 208)  # of which each is a class
NAMES = ("ant", "bee", "cat", "dog")
LABELS = [number % 4 for number in range(10)]
SIDE = 32
ASKED = {"progress": False, "S": 32, "pixels": "RGB/255/0,0,0/1,1,1", "side": SIDE, "Q": "32"}  # of Shades


def png(grey: int, blue: int = 0) -> bytes:
    """A picture of one colour; another `blue` makes other bytes of the same class."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (grey, grey, blue)).save(file, "PNG")
    return file.getvalue()


def features(names: Sequence[str] | None, image: str = "image", label: str = "label") -> dict[bytes, bytes]:
    """What the datasets library writes into a schema's metadata."""
    said: dict[str, Any] = {image: {"_type": "Image"}, label: {"dtype": "int64", "_type": "Value"}}
    if names is not None:
        said[label] = {"names": list(names), "_type": "ClassLabel"}
    return {b"huggingface": json.dumps({"info": {"features": said}}).encode()}


def table_of(labels: Sequence[Any], names: Sequence[str] | None = NAMES, first: int = 0, **other: Any) -> pa.Table:
    """A row per label, with a picture that shows it, and a name of its own from number `first` on."""
    rows = [
        {"bytes": png(GREYS[number % len(GREYS)], number), "path": f"{number:03d}.png"}
        for number, _ in enumerate(labels, first)
    ]
    columns = {"image": pa.array(rows, IMAGE), "label": pa.array(labels), **other}
    return pa.table(columns).replace_schema_metadata(features(names))


def write(root: Path, name: str, table: pa.Table, group: int = 3, **options: Any) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, row_group_size=group, **options)
    return file


def as_folder(root: Path, table: pa.Table, names: Sequence[str] = NAMES) -> Path:
    """The same images as files, sorted into folders of their classes."""
    for image, label in zip(table["image"].to_pylist(), table["label"].to_pylist(), strict=True):
        file = root / names[label] / image["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(image["bytes"])
    return root


def named(images: Images) -> list[str]:
    return [(images.classes or ())[label] for label in images.labels]


class Shades(nn.Module):
    """Knows the class of every such picture: whose grey its red is nearest to. Blue changes how sure it is."""

    def __init__(self) -> None:
        super().__init__()
        greys = torch.tensor(GREYS, dtype=torch.float32)
        self.last = nn.Conv2d(3, len(GREYS), 1)
        self.last.weight.data.zero_()
        self.last.weight.data[:, 0, 0, 0] = greys / 1e4
        self.last.weight.data[0, 2] = -1e-4
        self.last.bias.data = -(greys**2) / 2e4

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(images).mean((2, 3))
