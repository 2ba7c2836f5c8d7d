"""Multi-crop with shared early features: what a grid's crops have in common is computed once for the whole image.

Inside a crop, the features of the first stages equal the whole image's wherever its offset falls on a pooling window.
Only a frame differs, because a crop's own zero padding stands where the image goes on. So the whole image goes through
the first stages once per phase of their poolings; frames come from slabs along the crops' edges, shared by the crops
of one grid row or column, and from patches at their corners. The rest of the net sees every crop as ever.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import NamedTuple

import torch
from torch import nn

from bench.nets.cpu.pool import PairwiseMax
from bench.nets.cpu.winograd import Winograd
from bench.nets.vgg import SIDE, VGG

Begins = Mapping[int, int]  # by a crop's offset in the image: its offset in a map of features


@dataclass(frozen=True)
class Stage:
    """The layers up to a 2x2 pooling, and it: how many pixels they see to each side, and multiply-adds per pixel."""

    layers: nn.Sequential
    pool: nn.Module
    reach: int
    cost: int


class Copy(NamedTuple):
    """Along one axis: the pixels `into` of `crops` are the `pixels` of the features of `images`."""

    crops: int | slice
    into: slice
    images: int | slice
    pixels: slice


@dataclass(frozen=True)
class Whole:
    """Along one axis the image as it is, in which crops begin at `starts`."""

    starts: Sequence[int]

    def images(self, image: torch.Tensor, dim: int) -> torch.Tensor:
        """On a new first axis."""
        return image.unsqueeze(0)

    @property
    def begins(self) -> Begins:
        return {start: start for start in self.starts}

    def copies(self, begins: Begins, n: int) -> list[Copy]:
        """Each crop, n pixels of features, from where it begins."""
        return [Copy(self.starts.index(start), slice(0, n), 0, slice(at, at + n)) for start, at in begins.items()]


@dataclass(frozen=True)
class Edges:
    """Along one axis slabs of the image at both edges of every crop; their outer half gives the `frame` of features."""

    starts: Sequence[int]
    slab: int
    frame: int

    def images(self, image: torch.Tensor, dim: int) -> torch.Tensor:
        """On a new first axis, near and far edges in turn."""
        edges = (edge for start in self.starts for edge in (start, start + SIDE - self.slab))
        return torch.stack([image.narrow(dim, edge, self.slab) for edge in edges])

    @property
    def begins(self) -> Begins:
        return {0: 0}

    def copies(self, begins: Begins, n: int) -> list[Copy]:
        """The outer half of all near slabs, then of all far ones, to the n pixels of the crops' features."""
        every, outer = slice(None), self.frame
        near = Copy(every, slice(0, outer), slice(0, None, 2), slice(0, outer))
        far = Copy(every, slice(n - outer, n), slice(1, None, 2), slice(outer, 2 * outer))
        return [near, far]


Along = Whole | Edges  # what the first stages are given along one axis


class Grid:
    """A net of the paper's kind, applied to all crops of a grid on one image."""

    def __init__(self, net: VGG) -> None:
        self.net = net
        self.stages = _stages_of(net)

    def scores(self, image: torch.Tensor, tops: Sequence[int], lefts: Sequence[int]) -> torch.Tensor:
        """Scores of the crops of an image (3, H, W) at all tops and lefts: (L, T, K)."""
        height, width = image.shape[-2:]
        depth = self.depth(height, width, tops, lefts)
        features = self._crop_features(image, tops, lefts, depth)
        rest = self.net.features[sum(len(stage.layers) + 1 for stage in self.stages[:depth]) :]
        return self.net.classifier(rest(features).flatten(1)).unflatten(0, (len(lefts), len(tops)))

    def depth(self, height: int, width: int, tops: Sequence[int], lefts: Sequence[int]) -> int:
        """Of how many stages sharing takes the fewest multiply-adds; 0 where it never pays."""
        saved = [self._multiply_adds_saved(depth, height, width, tops, lefts) for depth in range(len(self.stages) + 1)]
        return saved.index(max(saved))

    def _multiply_adds_saved(
        self, depth: int, height: int, width: int, tops: Sequence[int], lefts: Sequence[int]
    ) -> int:
        """Multiply-adds of the crops one by one, less those of sharing so many stages."""
        slab, rows, columns = self._slab(depth), len(tops), len(lefts)
        if 2 * slab > SIDE:
            return -1
        saved = 0
        for level, stage in enumerate(self.stages[:depth]):
            down, across = (len({start % 2**level for start in starts}) for starts in (tops, lefts))
            whole = height * down * width * across
            slabs = 2 * rows * slab * width * across + 2 * columns * slab * height * down
            corners = 4 * rows * columns * slab**2
            saved += stage.cost * (rows * columns * SIDE**2 - whole - slabs - corners) // 4**level
        return saved

    def _frame(self, depth: int) -> int:
        """How many pixels of a crop's features, after so many stages, its padding reaches from each side."""
        width = 0
        for stage in self.stages[:depth]:
            width = ceil((width + stage.reach) / 2)
        return width

    def _slab(self, depth: int) -> int:
        """How many pixels of the image a frame is computed from: at a slab's inner side a frame is wrong again."""
        return 2 * self._frame(depth) * 2**depth

    def _crop_features(
        self, image: torch.Tensor, tops: Sequence[int], lefts: Sequence[int], depth: int
    ) -> torch.Tensor:
        """What the first stages give for every crop: (L * T, C, n, n), channels last."""
        n, frame, slab = SIDE >> depth, self._frame(depth), self._slab(depth)
        rows, columns = Whole(tops), Whole(lefts)
        ways: list[tuple[Along, Along]] = [(rows, columns)]
        if frame:  # over what the whole image gives
            edge_rows, edge_columns = Edges(tops, slab, frame), Edges(lefts, slab, frame)
            ways += [(rows, edge_columns), (edge_rows, columns), (edge_rows, edge_columns)]
        crops: torch.Tensor | None = None
        for down, across in ways:
            images = across.images(down.images(image, dim=-2), dim=-1)  # (columns, rows, 3, h, w)
            for features, ys, xs in self._phases(images.flatten(0, 1), down.begins, across.begins, depth):
                last = features.permute(0, 2, 3, 1).unflatten(0, images.shape[:2])
                if crops is None:
                    crops = last.new_empty(len(lefts), len(tops), n, n, last.shape[-1])
                for y, x in product(down.copies(ys, n), across.copies(xs, n)):
                    crops[x.crops, y.crops, y.into, x.into] = last[x.images, y.images, y.pixels, x.pixels]
        assert crops is not None
        return crops.flatten(0, 1).permute(0, 3, 1, 2)

    def _phases(
        self, images: torch.Tensor, ys: Begins, xs: Begins, depth: int, level: int = 0
    ) -> Iterator[tuple[torch.Tensor, Begins, Begins]]:
        """Features after all stages, once per phase of the poolings, with the crops that begin on a window there."""
        if level == depth:
            yield images, ys, xs
            return
        stage = self.stages[level]
        features = stage.layers(images)
        for y, x in product({y % 2 for y in ys.values()}, {x % 2 for x in xs.values()}):
            yield from self._phases(stage.pool(features[..., y:, x:]), _halved(ys, y), _halved(xs, x), depth, level + 1)


def _stages_of(net: VGG) -> list[Stage]:
    """The net's stages from the first on, but for the last: its map is what the classifier takes."""
    stages: list[Stage] = []
    layers: list[nn.Module] = []
    for layer in net.features:
        if isinstance(layer, PairwiseMax) or PairwiseMax.of(layer):
            convolutions = [each for each in layers if isinstance(each, (nn.Conv2d, Winograd))]
            reach = sum(each.kernel_size[0] // 2 for each in convolutions)
            stages.append(Stage(nn.Sequential(*layers), layer, reach, sum(map(_cost, convolutions))))
            layers = []
        else:
            layers.append(layer)
    return stages[:-1]


def _cost(layer: nn.Conv2d | Winograd) -> int:
    """Multiply-adds per pixel; a transformed kernel makes sixteen pixels at once."""
    return layer.kernels.numel() // 16 if isinstance(layer, Winograd) else layer.weight.numel()


def _halved(begins: Begins, phase: int) -> Begins:
    return {start: at // 2 for start, at in begins.items() if at % 2 == phase}
