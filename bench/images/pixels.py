"""From a file to what a net takes: decode, rescale, cut a view, normalise."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from PIL import Image

from bench.images.decoding import converted, opened
from bench.images.image_source import Source
from bench.images.rescaling import BY_PIL
from bench.images.scaling import INTERPOLATIONS, Interpolation
from protocols.view import Box, Size, View, rescaled

STRIP = 1 << 20  # pixels that PIL hands over at once


@dataclass(frozen=True)
class Pixels:
    """What weights expect of their input: (value * range/255 - mean) / std, channels in `order`; L is one grey channel.

    `mean` and `std` are in the units of `range` and in the order of `order`, a value for each channel. `interpolation`
    is the filter by which images are rescaled before.
    """

    order: Literal["RGB", "BGR", "L"]
    range: Literal[1, 255]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: Interpolation = "bilinear"

    def __str__(self) -> str:
        filtered = "" if self.interpolation == "bilinear" else f"/{self.interpolation}"
        return f"{self.order}/{self.range}/{_numbers(self.mean)}/{_numbers(self.std)}{filtered}"

    @property
    def channels(self) -> int:
        return CHANNELS[self.order]

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 RGB (..., 3, H, W) to what the net takes, float32 (..., channels, H, W), channels last in memory."""
        rows = ORDERED[self.order](images).movedim(-3, -1).flatten(-2)  # as pixels lie: long loops over all channels
        mean, std = (_along_row(values, images.shape[-1], images.device) for values in (self.mean, self.std))
        values = rows.float().div_(255) if self.range == 1 else rows.float()
        values.sub_(mean).div_(std)
        if self.channels == 1:  # memory says of these nothing of channels, and layers choose a form by what it says
            return values.unsqueeze(-3)
        return values.unflatten(-1, (-1, self.channels)).movedim(-1, -3)

    def normalise_shift(self, shifts: torch.Tensor) -> torch.Tensor:
        """What colour shifts (N, 3), of 255 in RGB, add to normalised images (N, channels, H, W)."""
        channels = ORDERED_SHIFTS[self.order](shifts)
        return (channels * (self.range / 255) / torch.tensor(self.std, device=shifts.device))[:, :, None, None]


@lru_cache(512)
def _along_row(values: tuple[float, ...], width: int, device: torch.device) -> torch.Tensor:
    """A value for each channel, over a row of so many pixels; made once for a device."""
    with torch.inference_mode(False):  # what was made within it could not be used outside
        return torch.tensor(values, dtype=torch.float32, device=device).repeat(width)


def _grey(images: torch.Tensor) -> torch.Tensor:
    """uint8 (..., 3, H, W) to (..., 1, H, W): luma by ITU-R 601, rounded as PIL's convert("L") rounds it."""
    red, green, blue = images.int().split(1, -3)
    return ((19595 * red + 38470 * green + 7471 * blue + (1 << 15)) >> 16).to(torch.uint8)


LUMA = (0.299, 0.587, 0.114)  # ITU-R 601
CHANNELS = {"RGB": 3, "BGR": 3, "L": 1}
ORDERED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "RGB": lambda images: images,
    "BGR": lambda images: torch.stack(images.unbind(-3)[::-1], -1).movedim(-1, -3),
    "L": _grey,
}
ORDERED_SHIFTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "RGB": lambda shifts: shifts,
    "BGR": lambda shifts: shifts.flip(1),
    "L": lambda shifts: shifts @ torch.tensor(LUMA)[:, None],
}
NAMED = {
    "torchvision": Pixels("RGB", 1, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": Pixels("BGR", 255, (103.939, 116.779, 123.68), (1, 1, 1)),
    "mnist": Pixels("L", 1, (0.1307,), (0.3081,)),
}


def parse_pixels(text: str) -> Pixels:
    """Read a name of `NAMED`, or `order/range/mean/std` such as `BGR/255/104,117,123/1,1,1` or `L/1/0.13/0.31`,
    with the interpolation behind it where it is not bilinear.

    Raises ValueError that says what is allowed.
    """
    if text in NAMED:
        return NAMED[text]
    try:
        order, span, mean, std, *more = text.split("/")
        (interpolation,) = more or INTERPOLATIONS[:1]
        if order not in CHANNELS or span not in ("1", "255") or interpolation not in INTERPOLATIONS:
            raise ValueError
        pixels = Pixels(order, int(span), _values(mean), _values(std), interpolation)  # type: ignore[arg-type]
        if not len(pixels.mean) == len(pixels.std) == pixels.channels or min(pixels.std) <= 0:
            raise ValueError
        return pixels
    except ValueError:
        raise ValueError(
            f"pixels '{text}': give {', '.join(NAMED)}, or order/range/mean/std such as BGR/255/104,117,123/1,1,1 "
            "(order RGB, BGR or L for grey, range 1 or 255, a mean and a std above 0 for each channel), and behind it "
            f"/{' or /'.join(INTERPOLATIONS[1:])} where images are not rescaled by a bilinear filter"
        ) from None


def _values(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split(","))
    if not np.isfinite(values).all():
        raise ValueError
    return values


def _numbers(values: tuple[float, ...]) -> str:
    return ",".join(repr(float(value)).removesuffix(".0") for value in values)


def decode(source: Source, box: Box | None = None, exif: bool = False) -> torch.Tensor:
    """An image as uint8 RGB (3, H, W), from where `read` reads it; raises what that raises."""
    with opened(source, box) as image:
        return tensor_of(converted(image, box, exif))


def tensor_of(image: Image.Image) -> torch.Tensor:
    """An RGB image as uint8 (3, H, W)."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):  # as a whole PIL would hand it over in two more copies
        bottom = min(top + rows, image.height)
        strip = image if rows >= image.height else image.crop((0, top, image.width, bottom))
        pixels[top:bottom] = np.asarray(strip)
    return torch.from_numpy(pixels).permute(2, 0, 1)


def size_of(image: torch.Tensor) -> Size:
    return Size(image.shape[-1], image.shape[-2])


def cut(image: torch.Tensor, view: View) -> torch.Tensor:
    """The part of a rescaled image that a view shows, in the image's size, flipped if it says so."""
    if view.box is not None:
        left, top, right, bottom = view.box
        image = image[..., top:bottom, left:right]
    return image.flip(-1) if view.flip else image


def read_view(image: Image.Image, view: View, interpolation: Interpolation = "bilinear") -> torch.Tensor:
    """One view of an image at the view's Q, uint8 RGB (3, h, w), without rescaling what the view does not show.

    Equal to `cut(rescale(...))` up to rounding, one level of 255: for training, where many images give one view each.
    """
    whole = rescaled(Size(*image.size), view.Q)
    box = view.box or Box(0, 0, *whole)
    across, down = image.width / whole.width, image.height / whole.height
    source = (box.left * across, box.top * down, box.right * across, box.bottom * down)
    size = (box.right - box.left, box.bottom - box.top)
    shown = tensor_of(image.resize(size, BY_PIL[interpolation], box=source))
    return shown.flip(-1) if view.flip else shown
