"""Many views of rescaled images at once: cut and mirrored where the images lie, with little to do for each."""

from collections.abc import Sequence

import numpy as np
import torch

from bench.images.pixels import size_of
from protocols.view import Box, View


def stacked(images: Sequence[torch.Tensor], views: Sequence[View]) -> torch.Tensor:
    """What views of equal size show, a view of each image: uint8 (N, 3, h, w), channels last in memory.

    The images are uint8 (3, H, W), on one device, best channels last in memory; an image may come several times. Same
    values as of `cut`.
    """
    return (by_rows if images[0].device.type == "cpu" else by_index)(images, views)


def by_rows(images: Sequence[torch.Tensor], views: Sequence[View]) -> torch.Tensor:
    """By copying a view's rows, which lie together: what a processor is good at."""
    boxes = [_seen(image, view) for image, view in zip(images, views, strict=True)]
    left, top, right, bottom = boxes[0]
    found = np.empty((len(views), bottom - top, right - left, 3), np.uint8)
    lying: dict[tuple[int, bool], np.ndarray] = {}  # each image once, and once mirrored
    for place, image, view, (left, top, right, bottom) in zip(found, images, views, boxes, strict=True):
        key = id(image), view.flip
        if key not in lying:
            lying[key] = (mirrored(image) if view.flip else image).permute(1, 2, 0).numpy()
        place[:] = lying[key][top:bottom, left:right]
    return torch.from_numpy(found).permute(0, 3, 1, 2)


def by_index(images: Sequence[torch.Tensor], views: Sequence[View]) -> torch.Tensor:
    """By one list of pixels for all views: a device's calls are few, however many views there are."""
    starts: dict[int, int] = {}
    lying: list[torch.Tensor] = []
    first, down, across = [], [], []
    count = 0
    for image, view in zip(images, views, strict=True):
        height, width = image.shape[1:]
        if id(image) not in starts:
            starts[id(image)] = count
            lying.append(image.permute(1, 2, 0).reshape(-1, 3))
            count += height * width
        left, top, right, _ = view.box or Box(0, 0, width, height)
        first.append(starts[id(image)] + top * width + (right - 1 if view.flip else left))
        down.append(width)
        across.append(-1 if view.flip else 1)
    device = images[0].device
    left, top, right, bottom = _seen(images[0], views[0])
    begin, rows, columns = torch.tensor([first, down, across]).to(device, non_blocking=True)[:, :, None, None]
    below = torch.arange(bottom - top, device=device)[:, None]
    index = begin + rows * below + columns * torch.arange(right - left, device=device)
    found = torch.cat(lying).index_select(0, index.flatten())
    return found.view(*index.shape, 3).permute(0, 3, 1, 2)


def mirrored(image: torch.Tensor) -> torch.Tensor:
    """An image (3, H, W) with left and right exchanged, channels last in memory."""
    return image.permute(1, 2, 0).contiguous().permute(2, 0, 1).flip(-1)  # as it then lies torch is quick at it


def _seen(image: torch.Tensor, view: View) -> Box:
    """What a view sees of an image, or of the mirror image."""
    width, height = size_of(image)
    left, top, right, bottom = view.box or Box(0, 0, width, height)
    return Box(width - right, top, width - left, bottom) if view.flip else Box(left, top, right, bottom)
