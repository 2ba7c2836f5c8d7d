"""The views of prepared images under one part, and which of them go through a net together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch

from bench.images.cutting import stacked
from bench.images.loader import Prepared
from bench.images.pixels import Pixels, cut, size_of
from bench.images.rescaling import resized
from bench.images.scaling import Scaling
from protocols.protocol import Part
from protocols.view import Size, View

Kind = Literal["crops", "whole images", "grid"]


class ImageView(NamedTuple):
    """One view of a prepared image; `row` is its own number, `owner` its image's, `weight` how often it counts.

    `size` is its own. A named tuple, since tens of thousands a second are made.
    """

    row: int
    owner: int
    image: Prepared
    view: View
    weight: int
    scaling: Scaling
    size: Size

    @property
    def at_Q(self) -> torch.Tensor:
        """The image at the view's Q, uint8 RGB (3, H, W)."""
        return self.image.at[self.scaling]

    @property
    def nearest(self) -> torch.Tensor:
        """The same where the net is, if it has been brought there."""
        return self.image.there.get(self.scaling, self.at_Q)

    @property
    def pixels(self) -> torch.Tensor:
        """What the view shows, uint8 RGB (3, h, w)."""
        shown = cut(self.at_Q, self.view)
        return resized(shown, self.size, self.scaling) if self.is_resized else shown

    @property
    def is_resized(self) -> bool:
        """Whether its size is another than that of what it shows."""
        box = self.view.box
        return box is not None and self.view.side not in (None, box.right - box.left)


@dataclass(frozen=True, eq=False)
class ViewBatch:
    """Views that go through a net at once: crops or whole images of equal size, or the crops of a grid on one image.

    `pixels` is how many the net sees at once.
    """

    views: Sequence[ImageView]
    kind: Kind
    pixels: int

    @property
    def single(self) -> bool:
        """Whether nothing smaller can be tried."""
        return len(self.views) == 1 and self.kind != "grid"

    @property
    def rows(self) -> list[int]:
        return [view.row for view in self.views]

    @property
    def owners(self) -> list[int]:
        return [view.owner for view in self.views]


def scaling_of(part: Part, pixels: Pixels) -> Scaling:
    """How images are rescaled for a part, and a net that takes such pixels."""
    return Scaling(part.Q, part.square, pixels.interpolation, pil=part.published)


def views_of(block: Sequence[Prepared], part: Part, side: int, pixels: Pixels) -> list[ImageView]:
    """Every distinct view of every image, image by image; `side` is that of the crops, in pixels."""
    scaling = scaling_of(part, pixels)
    found: list[ImageView] = []
    for owner, image in enumerate(block):
        size = size_of(image.at[scaling])
        for view, weight in _views(part, image.size, side):
            found.append(ImageView(len(found), owner, image, view, weight, scaling, view.shown(size)))
    return found


@lru_cache(256)  # most images of a set have one of a few sizes
def _views(part: Part, size: Size, side: int) -> tuple[tuple[View, int], ...]:
    return tuple(part.views(size, side).items())


def pixels_of(views: Sequence[ImageView]) -> torch.Tensor:
    """What views of equal size show, uint8 RGB (N, 3, h, w), where the net is if all images have been brought there."""
    if any(view.is_resized for view in views):
        return torch.stack([view.pixels for view in views])
    images = [view.nearest for view in views]
    if len({image.device for image in images}) > 1:
        images = [view.at_Q for view in views]
    return stacked(images, [view.view for view in views])


def by_size(views: Sequence[ImageView]) -> list[ViewBatch]:
    """All views of equal size together, which are crops or whole images."""
    groups: dict[Size, list[ImageView]] = defaultdict(list)
    for view in views:
        groups[view.size].append(view)
    return [
        ViewBatch(group, "crops" if group[0].view.box else "whole images", len(group) * size.width * size.height)
        for size, group in groups.items()
    ]


def by_grid(views: Sequence[ImageView]) -> list[ViewBatch]:
    """All crops of one image together, mirrored ones apart: what they have in common is computed once."""
    groups: dict[tuple[int, bool], list[ImageView]] = defaultdict(list)
    for view in views:
        groups[view.owner, view.view.flip].append(view)
    return [ViewBatch(group, "grid", group[0].at_Q[0].numel()) for group in groups.values()]
