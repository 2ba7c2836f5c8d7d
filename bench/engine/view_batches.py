"""The views of prepared images under one part, and which of them go through a net together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from bench.images.loader import Prepared
from bench.images.pixels import Pixels, cut, size_of
from bench.images.rescaling import resized
from bench.images.scaling import Scaling
from protocols.protocol import Part
from protocols.view import Size, View

Kind = Literal["crops", "whole images", "grid"]


@dataclass(frozen=True, eq=False)
class ImageView:
    """One view of a prepared image; `row` is its own number, `owner` its image's, `weight` how often it counts."""

    row: int
    owner: int
    image: Prepared
    view: View
    weight: int
    scaling: Scaling

    @property
    def at_Q(self) -> torch.Tensor:
        """The image at the view's Q, uint8 RGB (3, H, W)."""
        return self.image.at[self.scaling]

    @property
    def pixels(self) -> torch.Tensor:
        """What the view shows, uint8 RGB (3, h, w)."""
        shown = cut(self.at_Q, self.view)
        return shown if self.size == size_of(shown) else resized(shown, self.size, self.scaling)

    @property
    def size(self) -> Size:
        return self.view.shown(size_of(self.at_Q))


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
        for view, weight in part.views(image.size, side).items():
            found.append(ImageView(len(found), owner, image, view, weight, scaling))
    return found


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
