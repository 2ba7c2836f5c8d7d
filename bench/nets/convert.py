"""From a fully-connected classifier to the fully-convolutional net of section 3.2, exactly or not at all.

The net's graph is rewritten at its end. Where the last pooling leaves the map as it is at the net's own input size
(VGG 7x7, AlexNet 6x6), the first linear layer becomes a convolution of that size. Where it is a mean over the whole
map, and what follows is linear (ResNet, MobileNetV2, SqueezeNet), it goes, since the mean of scores over positions is
the score of the mean. Where something else follows the mean (ConvNeXt), the end slides over the map.
"""

import torch
from torch import fx, nn

from bench.nets.conversion.exported_graphs import exported_graph
from bench.nets.conversion.graphs import UnconvertibleError, brief, drop_log_softmax, node_shapes
from bench.nets.conversion.linear_end import linear_end, make_convolutions
from bench.nets.conversion.refusals import refuse_attention, refuse_likely_attention, refuse_whole_image
from bench.nets.conversion.slid_end import averaged_end, slide
from bench.nets.conversion.whole_windows import slide_whole_windows
from bench.nets.layers import on_meta, sharing_copy
from bench.nets.tracing import traced

FAR = 2048  # pixels, a multiple of every net's stride


def fully_convolutional(net: nn.Module, side: int, channels: int = 3) -> fx.GraphModule:
    """Convert a net that takes (N, channels, side, side): it gives a class score map (N, K, h, w) on any larger input.

    A log-soft-max at the very end goes: its scores have the same soft-max, also after a mean over positions.
    Parameters are shared with the net. Raises UnconvertibleError.
    """
    graph = _graph_of(net, (channels, side, side))
    graph.graph.eliminate_dead_code()  # such as heads that training alone uses
    drop_log_softmax(graph)
    refuse_attention(graph)
    shapes = node_shapes(graph, (channels, side, side))
    slide_whole_windows(graph, shapes)
    averaged = averaged_end(graph, shapes)
    if end := linear_end(graph, shapes, [averaged.average, *averaged.after] if averaged else []):
        make_convolutions(graph, end, shapes)
    elif averaged:
        slide(graph, averaged, shapes)
    else:
        refuse_likely_attention(graph)
        raise UnconvertibleError("it does not end in a pooled or flattened map and linear layers")
    graph.delete_all_unused_submodules()
    graph.recompile()
    refuse_whole_image(graph, shapes)
    return graph


def smallest_side(convolutional: fx.GraphModule, side: int, channels: int = 3) -> int:
    """The smallest square input, in pixels, that a converted net gives a score map for; at most `side`."""
    meta = on_meta(convolutional)
    low, high = 1, side
    while low < high:
        middle = (low + high) // 2
        if accepts(meta, (channels, middle, middle)):
            high = middle
        else:
            low = middle + 1
    return high


def map_places(convolutional: fx.GraphModule, side: int, channels: int = 3) -> tuple[float, float]:
    """Where on an image, in pixels, the positions of a converted net's score map lie: the first, and their distance.

    A position lies in the middle of what stands for one input of the net's own size; where that gives several (nets
    that end in an average), they are spread evenly around its middle: right to half a distance.
    Raises UnconvertibleError where larger images have no larger map.
    """
    meta = on_meta(convolutional)
    try:
        own, wide = (
            meta(torch.empty(1, channels, side, width, device="meta")).shape[-1] for width in (side, side + FAR)
        )
    except (RuntimeError, ValueError, AssertionError):
        raise UnconvertibleError(f"its graph holds for images of {side} px alone") from None
    if wide <= own:
        raise UnconvertibleError("its map does not grow with the image")
    distance = FAR / (wide - own)
    return side / 2 - distance * (own - 1) / 2, distance


def accepts(meta: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Whether a net without storage gives a map of an image (channels, height, width)."""
    try:
        return min(meta(torch.empty(1, *shape, device="meta")).shape) > 0
    except (RuntimeError, ValueError, AssertionError):
        return False


def _graph_of(net: nn.Module, shape: tuple[int, int, int]) -> fx.GraphModule:
    """As torch.fx traces it, which keeps its layers whole; what that cannot follow, as torch.export does."""
    try:
        return traced(sharing_copy(net).eval())
    except Exception as error:  # tracing runs the net's own Python, which may raise anything
        try:
            return exported_graph(net, shape)
        except Exception:
            raise UnconvertibleError(f"it cannot be traced ({brief(error)})") from None
