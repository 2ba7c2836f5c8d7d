"""What makes a net fast on a CPU that is not to be trained any more: other forms of its layers, and kept memory."""

import ctypes
import platform

from torch import nn

from bench.nets.cpu.batch_norms import fold_norms
from bench.nets.cpu.pool import PairwiseMax
from bench.nets.cpu.positions import Positions
from bench.nets.cpu.winograd import Winograd

FORMS = (PairwiseMax, Winograd, Positions)
# malloc's options by number: what may come from the system alone, what is given back, how many heaps there are
KEEPING = {-3: 2**31 - 1, -1: 2**31 - 1, -8: 1}


def quicken(net: nn.Module) -> None:
    """Put faster forms in the place of the layers that have one; what they give differs by rounding at most."""
    fold_norms(net)
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            for form in FORMS:
                if (other := form.of(child)) is not None:
                    setattr(parent, name, other)


def keep_freed_memory() -> None:
    """Have the C library keep what is freed: to take a net's maps from the system anew costs a tenth of the time."""
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        for option, value in KEEPING.items():
            ctypes.CDLL(None).mallopt(option, value)
