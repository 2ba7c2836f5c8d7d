"""The images that all comparisons are made on."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from bench.images.sets.shapes import render

ROOT = Path(__file__).resolve().parents[2]
COUNT, SIDE = 8, 224


class Views(NamedTuple):
    """Images of SIDE pixels, uint8 RGB (N, H, W, 3), and what they are."""

    pixels: np.ndarray
    about: str

    @property
    def tensor(self) -> torch.Tensor:
        """As this package has them: (N, 3, H, W)."""
        return torch.from_numpy(self.pixels).permute(0, 3, 1, 2)


def pytest_addoption(parser: pytest.Parser) -> None:
    folder = ROOT.parent / "shared" / "data" / "imagenet_sample" / "images"
    parser.addoption("--photographs", metavar="DIR", type=Path, default=folder, help="else images of the built-in set")


@pytest.fixture(scope="session")
def views(pytestconfig: pytest.Config) -> Views:
    folder = pytestconfig.getoption("photographs")
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpeg", ".jpg", ".png"))[:COUNT]
    images = [Image.open(path).convert("RGB") for path in files] or [render("val", k, k) for k in range(COUNT)]
    about = f"{len(images)} {'photographs' if files else 'rendered'}"
    return Views(np.stack([np.asarray(image.resize((SIDE, SIDE))) for image in images]), about)
