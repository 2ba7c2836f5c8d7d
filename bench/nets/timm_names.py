"""timm's VGG has torchvision's weights under other names, and its first two linear layers as convolutions."""

from bench.nets.state_dicts import State

MAP = 7  # the map before the head is MAP x MAP
NAMES = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
WINDOWS = {"classifier.0": MAP, "classifier.3": 1}  # sides of timm's kernels
OURS = {theirs: mine for mine, theirs in NAMES.items()}


def to_timm(state: State) -> State:
    """A VGG's state dict as timm names it: (4096, 25088) becomes (4096, 512, 7, 7). What else there is stays."""
    found = {}
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        side = WINDOWS.get(layer)
        if side and value.ndim == 2 and value.shape[1] % side**2 == 0:
            value = value.unflatten(1, (-1, side, side))
        found[f"{NAMES.get(layer, layer)}.{kind}" if layer else name] = value
    return found


def from_timm(state: State) -> State:
    """The inverse of `to_timm`: (4096, 512, 7, 7) becomes (4096, 25088)."""
    found = {}
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        layer = OURS.get(layer, layer)
        found[f"{layer}.{kind}" if layer else name] = value.flatten(1) if layer in WINDOWS and value.ndim > 2 else value
    return found
