"""A net's fully-convolutional form (section 3.2), checked by numbers once for a net and its weights."""

from collections.abc import Hashable

from torch import fx, nn

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets.conversion_check import check_conversion
from bench.nets.convert import UnconvertibleError, fully_convolutional
from bench.nets.torch_settings import products_in

CHECKED: set[Hashable] = set()  # conversions that this process has found to be exact


def dense_form(name: str, net: nn.Module, side: int, pixels: Pixels, known: Hashable) -> fx.GraphModule:
    """The form of a net for crops of `side` pixels; `known` says which net with which weights it is.

    Raises UserError where the net has no such form.
    """
    try:
        return exact_form(net, side, pixels, known)
    except UnconvertibleError as error:
        raise UserError(
            f"model '{name}' cannot be made fully convolutional: {error}; give centre, tencrop or multicrop"
        ) from None


def exact_form(net: nn.Module, side: int, pixels: Pixels, known: Hashable) -> fx.GraphModule:
    """The same; without storage there are no numbers to check it by. Raises UnconvertibleError."""
    converted = fully_convolutional(net, side, pixels.channels)
    if known not in CHECKED and not any(each.is_meta for each in net.parameters()):
        with products_in(tf32=False):
            check_conversion(net, converted, side, pixels)
        CHECKED.add(known)
    return converted
