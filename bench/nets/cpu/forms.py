"""What makes a net fast on a CPU that is not to be trained any more: other forms of its layers."""

from torch import nn

from bench.nets.batch_norms import fold_norms
from bench.nets.cpu.pool import PairwiseMax
from bench.nets.cpu.positions import Positions
from bench.nets.cpu.products import Product
from bench.nets.cpu.winograd import Winograd
from bench.nets.layers import hooks_of

FORMS = (PairwiseMax, Winograd, Positions, Product)


def quicken(net: nn.Module) -> None:
    """Put faster forms in the place of the layers that have one; what they give differs by rounding at most."""
    fold_norms(net)
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if hooks_of(child):  # they may change what it gives
                continue
            for form in FORMS:
                if (other := form.of(child)) is not None:
                    setattr(parent, name, other)
