"""Images at their test scale, by torch's arithmetic or by PIL's."""

import numpy as np
import torch
from PIL import Image

from bench.images.scaling import Scaling
from protocols.view import Size, rescaled

BY_PIL = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


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
