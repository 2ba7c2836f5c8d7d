"""A conversion checked by numbers: at the net's own size it is the net, and its map moves as the image does.

The second holds at the places that no padding reaches. They are found by numbers too: pixels at two opposite edges are
NaN, and with them every place that sees an edge, or the padding behind it. So images are strips, no higher than the
map needs, and as long as what a place sees; one is the other moved by the distance of two places.
"""

from math import ceil
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import fx, nn

from bench.images.pixels import Pixels
from bench.nets.conversion.refusals import refuse_likely_attention
from bench.nets.convert import UnconvertibleError, accepts, map_places
from bench.nets.cpu.forms import quicken
from bench.nets.layers import evaluating, on_meta, sharing_copy

AGREES = 1e-3  # of the spread that is looked at
ROUNDING = 1e-5  # of the largest value, whatever its spread
GRAIN = 8  # pixels of a patch of one colour: finer grain is gone before it reaches the map
LONGER = (1, 2, 6)  # times as long as known layers see, and as the net is wide: others may see farther


class Strips(NamedTuple):
    """How long and how high they are, and by how many pixels they are moved."""

    length: int
    height: int
    step: int


def check_conversion(net: nn.Module, convolutional: fx.GraphModule, side: int, pixels: Pixels) -> None:
    """Raise UnconvertibleError where the converted net is not the net slid over the image; both are float32.

    What is not finite even at the net's own size is not judged: its posteriors are refused where they come up.
    """
    try:
        _check_numbers(net, convolutional, side, pixels)
    except UnconvertibleError:
        refuse_likely_attention(convolutional)  # which says more
        raise


@torch.inference_mode()
def _check_numbers(net: nn.Module, convolutional: fx.GraphModule, side: int, pixels: Pixels) -> None:
    quick = sharing_copy(convolutional)
    quicken(quick)
    image = _noise(pixels, side, side)
    with evaluating(net):
        own, slid = net(image), quick(image).mean((2, 3))
    if not own.isfinite().all():
        return
    largest = float(torch.maximum(own.abs(), slid.abs()).max())
    own, slid = (scores - scores.mean(1, keepdim=True) for scores in (own, slid))  # a log-soft-max is gone
    difference, spread = float((own - slid).abs().max()), float(own.abs().max())
    if not _agree(difference, spread, largest):
        raise UnconvertibleError(f"at its own {side} px its scores would differ by {difference:.2g} of {spread:.2g}")
    _check_sizes(convolutional, side, pixels)
    for upright in (False, True):
        _check_moves(convolutional, quick, side, pixels, upright)


def _check_sizes(convolutional: fx.GraphModule, side: int, pixels: Pixels) -> None:
    """Images of any size are taken: a net that halves its maps and doubles them may take some sizes alone."""
    meta, step = on_meta(convolutional), round(map_places(convolutional, side, pixels.channels)[1])
    lengths = [side + 1, side + step, side + step // 2, side + 2 * step - 1]
    for height, width in zip(lengths, [*lengths[1:], lengths[0]], strict=True):
        if not accepts(meta, (pixels.channels, height, width)):
            raise UnconvertibleError(f"it takes no image of {width}x{height} px")


def _check_moves(convolutional: fx.GraphModule, quick: nn.Module, side: int, pixels: Pixels, upright: bool) -> None:
    """Along one axis: the first length at which there is a place that sees no edge decides."""
    for longer in LONGER:
        strips = _strips(convolutional, side, pixels.channels, longer)
        before, after = _maps(quick, pixels, strips, upright)
        free = (before - after).isfinite().all(1)  # (N, h, w)
        if not free.any():
            continue
        values = before.movedim(1, -1)[free]
        difference, spread = float((before - after).abs().movedim(1, -1)[free].max()), _spread(before, free)
        if _agree(difference, spread, float(values.abs().max())):
            return
        raise UnconvertibleError(
            f"its map does not move with the image: by {strips.step} px, its scores differ by {difference:.2g} "
            f"where they spread over {spread:.2g}"
        )
    raise UnconvertibleError(
        f"every place of its map depends on the edges of an image of {strips.length} px: it is not convolutional"
    )


def _agree(difference: float, spread: float, largest: float) -> bool:
    return difference <= AGREES * spread + ROUNDING * largest


def _spread(values: torch.Tensor, free: torch.Tensor) -> float:
    """How far the scores of a class lie apart over the map, for the class where that is most; (N, K, h, w)."""
    seen = values.movedim(1, -1)[free]
    return float((seen.max(0).values - seen.min(0).values).max())


def _strips(convolutional: fx.GraphModule, side: int, channels: int, longer: int) -> Strips:
    """Strips in which a place of the map sees neither edge, where it sees what known layers see, times `longer`."""
    step = max(1, round(map_places(convolutional, side, channels)[1]))
    meta = on_meta(convolutional)
    heights = [height for height in (2 * step, 3 * step, 4 * step) if height < side]
    height = next((each for each in heights if accepts(meta, (channels, each, each))), side)
    seen = seen_by_a_place(convolutional)
    length = (seen if longer == 1 else longer * max(seen, side)) + 4 * step  # edges, a neighbour, and what is left over
    return Strips(ceil(length / step) * step, height, step)


def seen_by_a_place(convolutional: fx.GraphModule) -> int:
    """How many pixels across a place of the map sees through convolutions and poolings: its receptive field."""
    seen: dict[fx.Node, int] = {}
    apart: dict[fx.Node, int] = {}  # pixels between neighbours of a node's map
    for node in convolutional.graph.nodes:
        before = node.all_input_nodes
        seen[node] = max((seen[each] for each in before), default=1)
        apart[node] = max((apart[each] for each in before), default=1)
        if window := _window(convolutional, node):
            kernel, stride, dilation = window
            seen[node] += (kernel - 1) * dilation * apart[node]
            apart[node] *= stride
    return max(seen.values())


def _window(convolutional: fx.GraphModule, node: fx.Node) -> tuple[int, int, int] | None:
    """Kernel, stride and dilation of a layer that sees neighbours; None for others."""
    if node.op == "call_module":
        layer = convolutional.get_submodule(str(node.target))
        said = [getattr(layer, name, None) for name in ("kernel_size", "stride", "dilation")]
    elif node.target in (F.max_pool2d, F.avg_pool2d):
        said = [node.kwargs.get("kernel_size", node.args[1:2]), node.kwargs.get("stride", node.args[2:3]), None]
    else:
        return None
    kernel, stride, dilation = (_largest(each) for each in said)
    return (kernel, stride or kernel, dilation or 1) if kernel else None


def _largest(numbers: Any) -> int:
    """Of a number, of two for height and width, or of none."""
    return max((_largest(each) for each in numbers), default=0) if isinstance(numbers, (tuple, list)) else numbers or 0


def _maps(quick: nn.Module, pixels: Pixels, strips: Strips, upright: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The map of a strip and that of the strip moved, at the places that show the same."""
    strip = _noise(pixels, strips.height, strips.length + strips.step)
    maps = []
    for start in (0, strips.step):
        seen = strip[..., start : start + strips.length].clone()
        seen[..., : strips.step] = seen[..., -strips.step :] = torch.nan
        seen = seen.mT if upright else seen
        maps.append(quick(seen.contiguous(memory_format=torch.channels_last)))
    along = 2 if upright else 3
    return maps[0].narrow(along, 1, maps[0].shape[along] - 1), maps[1].narrow(along, 0, maps[1].shape[along] - 1)


def _noise(pixels: Pixels, height: int, width: int) -> torch.Tensor:
    """An image of random patches, the same each time, as a net takes it: float32 (1, channels, height, width)."""
    patches = ceil(height / GRAIN), ceil(width / GRAIN)
    colours = torch.randint(0, 256, (1, 3, *patches), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    image = colours.repeat_interleave(GRAIN, 2).repeat_interleave(GRAIN, 3)[..., :height, :width]
    return pixels.normalise(image)
