"""Multi-crop with shared early features: what a grid's crops have in common is computed once for the whole image.

Inside a crop, the features of the first stages equal the whole image's wherever its offset falls on a pooling window.
Only a frame differs, because a crop's own zero padding stands where the image goes on. So the whole image goes through
the first stages once per phase of their poolings. Frames come, stage by stage, from slabs along the crops' edges,
shared by the crops of one grid row or column, and from patches at their corners. These are as narrow as the next frame
asks for: their outer pixels come from the frame before it, the others from the whole image. The rest of the net sees
every crop as ever.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import NamedTuple

import torch
from torch import nn

from bench.nets.cpu.pool import PairwiseMax
from bench.nets.cpu.winograd import Winograd
from bench.nets.vgg import SIDE, VGG


@dataclass(frozen=True)
class Stage:
    """The layers up to a 2x2 pooling, and it: how many pixels they see to each side, and multiply-adds per pixel."""

    layers: nn.Sequential
    pool: nn.Module
    reach: int
    cost: int


class Edge(NamedTuple):
    """Of the crops that begin at `start`: the near side's, or the far one's."""

    start: int
    far: bool


Place = int | Edge  # along one axis: the whole image's map by its phase, or a slab
Maps = Mapping[tuple[Place, Place], torch.Tensor]  # features (h, w, C), by their places down and across


class Piece(NamedTuple):
    """Along one axis: pixels of the map at a place, and where they go."""

    place: Place
    pixels: slice
    into: slice


@dataclass(frozen=True)
class Axis:
    """Crops along one axis after some stages: a frame of so many pixels is their own, the rest the whole image's."""

    starts: Sequence[int]
    level: int
    frame: int

    @property
    def side(self) -> int:
        """Of a crop's features, in pixels."""
        return SIDE >> self.level

    @property
    def phases(self) -> list[int]:
        """Where crops begin within the windows of all poolings so far."""
        return sorted({start % 2**self.level for start in self.starts})

    @property
    def places(self) -> list[Place]:
        return [*self.phases, *(Edge(start, far) for start in self.starts for far in (False, True))]

    def crop(self, start: int, first: int, stop: int) -> list[Piece]:
        """A crop's pixels from where to where."""
        inner, outer = self.frame, self.side - self.frame
        at, phase = start >> self.level, start % 2**self.level
        parts = [
            (Edge(start, False), 0, max(first, 0), min(stop, inner)),
            (phase, -at, max(first, inner), min(stop, outer)),
            (Edge(start, True), outer, max(first, outer), stop),
        ]
        return [
            Piece(place, slice(begin - zero, end - zero), slice(begin - first, end - first))
            for place, zero, begin, end in parts
            if begin < end
        ]

    def slab(self, place: Place, size: int) -> list[Piece]:
        """All of a phase's map, or a slab of so many pixels along an edge."""
        if isinstance(place, int):
            return [Piece(place, slice(None), slice(None))]
        first = self.side - size if place.far else 0
        return self.crop(place.start, first, first + size)


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
        saved, rows, columns = 0, len(tops), len(lefts)
        for level, stage in enumerate(self.stages[:depth]):
            side, slab = SIDE >> level, self._slab(level)
            if slab > side:
                return -1
            high = (height >> level) * len(Axis(tops, level, 0).phases)
            wide = (width >> level) * len(Axis(lefts, level, 0).phases)
            slabs = 2 * rows * slab * wide + 2 * columns * slab * high
            saved += stage.cost * (rows * columns * (side**2 - 4 * slab**2) - high * wide - slabs)
        return saved

    def _frame(self, depth: int) -> int:
        """How many pixels of a crop's features, after so many stages, its padding reaches from each side."""
        width = 0
        for stage in self.stages[:depth]:
            width = ceil((width + stage.reach) / 2)
        return width

    def _slab(self, level: int) -> int:
        """How many pixels of features before a stage give the frame behind it; an even number, for the pooling."""
        return 2 * self._frame(level + 1) + 2 * ceil(self.stages[level].reach / 2)

    def _crop_features(
        self, image: torch.Tensor, tops: Sequence[int], lefts: Sequence[int], depth: int
    ) -> torch.Tensor:
        """What the first stages give for every crop: (L * T, C, n, n), channels last."""
        maps: Maps = {(0, 0): image.permute(1, 2, 0)}
        for level in range(depth):
            frame = self._frame(level)
            maps = self._after(maps, Axis(tops, level, frame), Axis(lefts, level, frame))
        frame = self._frame(depth)
        down, across, n = Axis(tops, depth, frame), Axis(lefts, depth, frame), SIDE >> depth
        crops = [_joined(maps, down.crop(top, 0, n), across.crop(left, 0, n), (n, n)) for left in lefts for top in tops]
        return torch.stack(crops).permute(0, 3, 1, 2)

    def _after(self, maps: Maps, down: Axis, across: Axis) -> Maps:
        """The next stage's maps: of the whole image, and of slabs and corners whose frames are the crops' own."""
        level, slab = down.level, self._slab(down.level)
        stage, frame = self.stages[level], 2 * self._frame(level + 1)
        groups: dict[tuple[Place, Place], list[tuple[Place, Place]]] = defaultdict(list)
        for y, x in product(down.places, across.places):
            groups[_kind(y), _kind(x)].append((y, x))
        following: dict[tuple[Place, Place], torch.Tensor] = {}
        for members in groups.values():
            inputs = []
            for y, x in members:
                high = maps[y, across.phases[0]].shape[0] if isinstance(y, int) else slab
                wide = maps[down.phases[0], x].shape[1] if isinstance(x, int) else slab
                inputs.append(_joined(maps, down.slab(y, slab), across.slab(x, slab), (high, wide)))
            features = stage.layers(torch.stack(inputs).permute(0, 3, 1, 2))
            first = members[0]
            for (dy, ys), (dx, xs) in product(_windows(down, first[0], frame), _windows(across, first[1], frame)):
                pooled = stage.pool(features[..., ys, xs]).permute(0, 2, 3, 1)
                for (y, x), each in zip(members, pooled, strict=True):
                    following[y if dy is None else dy, x if dx is None else dx] = each
        return following


def _kind(place: Place) -> Place:
    """What places have in common that are computed together."""
    return place if isinstance(place, int) else Edge(0, place.far)


def _windows(axis: Axis, place: Place, frame: int) -> list[tuple[int | None, slice]]:
    """Where the pooling's windows begin: for each of the phases that a phase becomes; or the outer pixels of a slab."""
    if isinstance(place, int):
        size = 2**axis.level
        phases = sorted({start % (2 * size) for start in axis.starts if start % size == place})
        return [(phase, slice(phase // size, None)) for phase in phases]
    return [(None, slice(-frame, None) if place.far else slice(0, frame))]


def _joined(maps: Maps, down: list[Piece], across: list[Piece], shape: tuple[int, int]) -> torch.Tensor:
    """Features (*shape, C) put together from pieces of maps."""
    if len(down) == len(across) == 1:
        return maps[down[0].place, across[0].place][down[0].pixels, across[0].pixels]
    joined: torch.Tensor | None = None
    for y, x in product(down, across):
        piece = maps[y.place, x.place][y.pixels, x.pixels]
        if joined is None:
            joined = piece.new_empty(*shape, piece.shape[-1])
        joined[y.into, x.into] = piece
    assert joined is not None
    return joined


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
    """Multiply-adds per pixel; a transformed kernel makes sixteen pixels at once, and half of the time is its own."""
    return layer.kernels.numel() // 8 if isinstance(layer, Winograd) else layer.weight.numel()
