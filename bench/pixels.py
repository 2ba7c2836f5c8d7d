"""From a file to what a net takes: decode, rescale, cut a view, normalise."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2.functional import resize

from protocols.view import Box, Size, View, rescaled

RULES = "PIL convert(RGB), no EXIF, antialiased bilinear on uint8"  # in every signature


@dataclass(frozen=True)
class Pixels:
    """What weights expect of their input: (value * range/255 - mean) / std, channels in `order`.

    `mean` and `std` are in the units of `range` and in the order of `order`.
    """

    order: Literal["RGB", "BGR"]
    range: Literal[1, 255]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __str__(self) -> str:
        return f"{self.order}/{self.range}/{_numbers(self.mean)}/{_numbers(self.std)}"

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 RGB (..., 3, H, W) to what the net takes, float32 in the same shape."""
        channels = images.flip(-3) if self.order == "BGR" else images
        mean = torch.tensor(self.mean, device=images.device)[:, None, None]
        std = torch.tensor(self.std, device=images.device)[:, None, None]
        values = channels.float() / 255 if self.range == 1 else channels.float()
        return values.sub_(mean).div_(std)


NAMED = {
    "torchvision": Pixels("RGB", 1, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": Pixels("BGR", 255, (103.939, 116.779, 123.68), (1, 1, 1)),
}


def parse_pixels(text: str) -> Pixels:
    """Read `torchvision`, `caffe` or `order/range/mean/std`, such as `BGR/255/104,117,123/1,1,1`.

    Raises ValueError that says what is allowed.
    """
    if text in NAMED:
        return NAMED[text]
    try:
        order, span, mean, std = text.split("/")
        if order not in ("RGB", "BGR") or span not in ("1", "255"):
            raise ValueError
        pixels = Pixels(order, int(span), _triple(mean), _triple(std))  # type: ignore[arg-type]
        if min(pixels.std) <= 0:
            raise ValueError
        return pixels
    except ValueError:
        raise ValueError(
            f"pixels '{text}': give torchvision, caffe, or order/range/mean/std such as BGR/255/104,117,123/1,1,1 "
            "(order RGB or BGR, range 1 or 255, std above 0)"
        ) from None


def _triple(text: str) -> tuple[float, float, float]:
    first, second, third = (float(part) for part in text.split(","))
    if not np.isfinite([first, second, third]).all():
        raise ValueError
    return first, second, third


def _numbers(values: tuple[float, ...]) -> str:
    return ",".join(repr(float(value)).removesuffix(".0") for value in values)


def decode(path: Path) -> torch.Tensor:
    """Read an image file as uint8 RGB (3, H, W), by PIL's rules; EXIF orientation is not applied.

    Raises OSError, SyntaxError or ValueError, as PIL does, where it cannot be decoded.
    """
    return _tensor(read(path))


def read(path: Path) -> Image.Image:
    """The file as an RGB image; raises what `decode` raises."""
    with Image.open(path) as image:
        return image.convert("RGB")


def _tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def size_of(image: torch.Tensor) -> Size:
    return Size(image.shape[-1], image.shape[-2])


def rescale(image: torch.Tensor, Q: int) -> torch.Tensor:
    """Isotropic rescaling of uint8 (3, H, W) to a shorter side of Q."""
    size = rescaled(size_of(image), Q)
    return resize(image, [size.height, size.width], antialias=True)


def cut(image: torch.Tensor, view: View) -> torch.Tensor:
    """The part of a rescaled image that a view shows, flipped if it says so."""
    if view.box is not None:
        left, top, right, bottom = view.box
        image = image[..., top:bottom, left:right]
    return image.flip(-1) if view.flip else image


def read_view(image: Image.Image, view: View) -> torch.Tensor:
    """One view of an image at the view's Q, uint8 RGB (3, h, w), without rescaling what the view does not show.

    Equal to `cut(rescale(...))` up to rounding, one level of 255: for training, where many images give one view each.
    """
    whole = rescaled(Size(*image.size), view.Q)
    box = view.box or Box(0, 0, *whole)
    across, down = image.width / whole.width, image.height / whole.height
    source = (box.left * across, box.top * down, box.right * across, box.bottom * down)
    size = (box.right - box.left, box.bottom - box.top)
    shown = _tensor(image.resize(size, Image.Resampling.BILINEAR, box=source))
    return shown.flip(-1) if view.flip else shown
