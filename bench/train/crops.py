"""What a training iteration sees (section 3.1): a random crop at a random S, mirrored, shifted in colour."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.decoding import UndecodableError, read
from bench.images.pixels import read_view
from bench.images.scaling import Interpolation
from protocols.protocol import Part
from protocols.scales import TrainingScale
from protocols.view import Box, Size, View, rescaled
from results.formatting import shown

SHIFT = 10.0  # standard deviation of the random RGB shift, of 255


@dataclass(frozen=True)
class TrainingCrops(Dataset):
    """One random crop per image: uint8 RGB (3, side, side), its RGB shift (3,) in units of 255, its label.

    What is drawn depends on seed, epoch and index alone, whatever the number of threads that prepare.
    """

    images: Images
    S: TrainingScale
    side: int
    seed: int
    epoch: int
    interpolation: Interpolation = "bilinear"

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        random = np.random.default_rng([self.seed, self.epoch, index])
        S = int(random.integers(self.S.low, self.S.high + 1))
        image = _image(self.images, index)
        size = rescaled(Size(*image.size), S)
        left = int(random.integers(size.width - self.side + 1))
        top = int(random.integers(size.height - self.side + 1))
        view = View(S, Box(left, top, left + self.side, top + self.side), flip=bool(random.integers(2)))
        shift = torch.from_numpy(random.normal(0, SHIFT, 3).astype(np.float32))
        return read_view(image, view, self.interpolation).contiguous(), shift, int(self.images.labels[index])


@dataclass(frozen=True)
class CentreCrops(Dataset):
    """The centre crop at Q of every image, as validation and training without augmentation see it.

    uint8 RGB (3, side, side), and its label.
    """

    images: Images
    Q: int
    side: int
    interpolation: Interpolation = "bilinear"

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = _image(self.images, index)
        (view,) = Part("centre", self.Q).views(Size(*image.size), self.side)
        return read_view(image, view, self.interpolation).contiguous(), int(self.images.labels[index])


def _image(images: Images, index: int) -> Image.Image:
    try:
        return read(*images.place(index))
    except UndecodableError as error:
        source = images.sources[index]
        raise UserError(f"image '{source}' cannot be decoded ({shown(str(error))}); mend or remove it") from None
