"""How an image gets its test scale: to which size, by which filter, and by whose arithmetic."""

from typing import Literal, NamedTuple

import numpy as np
import torch
from PIL import Image

from protocols.view import Size, rescaled

Interpolation = Literal["bilinear", "bicubic", "lanczos"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("bilinear", "bicubic", "lanczos")
BY_PIL = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class Scaling(NamedTuple):
    """One way to rescale: the shorter side to Q, or with `square` both; each filter is antialiased.

    `pil` says that PIL computes it, as published recipes have it; else torch does, which has no Lanczos filter.
    """

    Q: int
    square: bool = False
    interpolation: Interpolation = "bilinear"
    pil: bool = False

    @property
    def rule(self) -> str:
        """In words, for keys and signatures."""
        by_pil = self.pil or self.interpolation == "lanczos"
        return f"antialiased {self.interpolation} {'by PIL' if by_pil else 'on uint8'}"


def rescale(image: torch.Tensor, scaling: Scaling) -> torch.Tensor:
    """uint8 RGB (3, H, W) to (3, h, w)."""
    size = rescaled(Size(image.shape[-1], image.shape[-2]), scaling.Q, scaling.square)
    return resized(image, size, scaling)


def resized(image: torch.Tensor, size: Size, scaling: Scaling) -> torch.Tensor:
    """uint8 RGB (3, H, W) at another size, by the filter of a scaling."""
    if scaling.pil or scaling.interpolation == "lanczos":
        picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
        changed = picture.resize(size, BY_PIL[scaling.interpolation])
        return torch.from_numpy(np.array(changed)).permute(2, 0, 1)
    from torchvision.transforms.v2.functional import InterpolationMode, resize  # takes seconds, stored parts go without

    mode = InterpolationMode(scaling.interpolation)
    return resize(image, [size.height, size.width], mode, antialias=True)
