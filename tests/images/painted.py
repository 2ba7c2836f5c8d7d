"""A net that names the class whose colour an image is painted in, so that every answer is known beforehand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import nn

import bench
from bench.images.labels.imagenet_names import wnids

PIXELS = "RGB/255/0,0,0/1,1,1"
COLUMNS = 32


def colour(label: float) -> tuple[int, int, int]:
    """Each class has its own; the nearest in score are those right beside it: label + 1, then label - 1.

    Halves are between two classes.
    """
    return int(8 * (label % COLUMNS)) + 1, int(8 * (label // COLUMNS)) + 1, 0


class Painted(nn.Module):
    """Scores fall with the distance from a class's colour, far more so in green than in red."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        red, green, _ = zip(*map(colour, range(classes)), strict=True)
        self.register_buffer("red", torch.tensor(red) - 0.5)  # no two classes are equally near
        self.register_buffer("green", torch.tensor(green) - 0.25)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean((2, 3))
        red, green = mean[:, :1] - self.red, mean[:, 1:2] - self.green
        return -(red.square() + 20 * green.square()) / 40


class Reordered(nn.Module):
    """The same net with its classes in another order: the first is number `order[0]` of ImageNet's."""

    def __init__(self, order: Sequence[int]) -> None:
        super().__init__()
        self.usual = Painted()
        self.register_buffer("order", torch.tensor(order))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.usual(images)[:, self.order]


def paint(root: Path, seen: Mapping[str, float], size: tuple[int, int] = (8, 8)) -> Path:
    """Images by path, each in the colour of the class that the net is to see."""
    for name, label in seen.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, colour(label)).save(root / name, "PNG")
    return root


def evaluated(data: str, store: Path, protocols: str = "centre@256", **more) -> "bench.Table":
    return bench.evaluate(
        Painted(), data, protocols, pixels=PIXELS, S=256, classes=wnids(), store=store, progress=False, **more
    )
