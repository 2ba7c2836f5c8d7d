"""A net's tensors under its own names, where a file has them under others but for what wrappers and libraries add."""

import re
from collections.abc import Iterator, Sequence

from bench.nets.state_dicts import State
from bench.nets.timm_names import from_timm, to_timm

WRAPPER = re.compile(r"(^|(?<=\.))(module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")  # of any part
HOLDER = re.compile(r"^((model|net|network|backbone)\.)+")  # what training scripts call the net, or all but its head
MM_HEAD = re.compile(r"^head\.(?=fc\.)")  # MMPretrain's nets are a backbone and a head
MM_LAYER = re.compile(r"^features\.(\d+)\.(conv|bn)\.")  # of its VGG: a convolution with what follows it
LAYER = re.compile(r"^features\.(\d+)\.")


def own_names(own: Sequence[str], state: State) -> State:
    """The state dict under a net's `own` names, if it can be had; else as it is.

    What all names begin with goes where the rest are the net's and more; what only some names have goes where the rest
    are exactly the net's.
    """
    names = {name for name in own if not counts(name)}
    if names <= state.keys():
        return state
    for prefix in prefixes(own, state):
        if all(key.startswith(prefix) for key in state):
            return {key.removeprefix(prefix): value for key, value in state.items()}
    for found in _renamed(own, state):
        if len(found) == len(state) and {name for name in found if not counts(name)} == names:
            return found
    return state


def prefixes(own: Sequence[str], state: State) -> list[str]:
    """What stands, in a state dict, before all names of a net."""
    found = (key.removesuffix(own[-1]) for key in state if key.endswith(f".{own[-1]}"))
    return [prefix for prefix in found if all(f"{prefix}{key}" in state for key in own if not counts(key))]


def counts(key: str) -> bool:
    """Whether a tensor is one that evaluation does without, and older files do not have."""
    return key.endswith("num_batches_tracked")


def _renamed(own: Sequence[str], state: State) -> Iterator[State]:
    """The state dict under names that others' may stand for."""
    bare = {HOLDER.sub("", WRAPPER.sub("", key)): value for key, value in state.items()}
    yield bare
    yield {MM_HEAD.sub("", key): value for key, value in bare.items()}
    yield _from_mmpretrain(own, bare)
    yield from_timm(bare)
    yield to_timm(bare)


def _from_mmpretrain(own: Sequence[str], state: State) -> State:
    """MMPretrain's VGG counts a convolution with its normalisation and ReLU as one layer; the order is the same."""
    groups = sorted({int(found[1]) for key in state if (found := MM_LAYER.match(key))})
    layers = sorted({int(found[1]) for key in own if (found := LAYER.match(key))})
    step = 1 + any(key.endswith("running_mean") for key in own)
    if len(layers) != step * len(groups):
        return state
    place = {
        (group, kind): layers[step * k + add]
        for k, group in enumerate(groups)
        for kind, add in (("conv", 0), ("bn", step - 1))
    }
    return {
        MM_LAYER.sub(lambda found: f"features.{place[int(found[1]), found[2]]}.", key): value
        for key, value in state.items()
    }
