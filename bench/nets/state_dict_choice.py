"""Which state dict of a file is meant: a checkpoint may hold several, beside optimisers, counters and settings."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bench.errors import UserError
from bench.nets.state_dicts import State, unwrapped

OPTIMISER = re.compile(r"optimi[sz]er|(^|_)optim(_|$)", re.IGNORECASE)
DEEPEST = 8  # mappings in mappings
MOST = 8  # of a list in a message
TOP = "."  # the state dict beside which others stand


def state_in(spec: str, content: Any, key: str | None) -> State:
    """The state dict in what a file holds: the only one, or the one that `key` names.

    A key is the way to it, `model_ema` or `state.model`, or what the names of one net's tensors begin with, `teacher`.
    Raises UserError where there is none, or several and no key.
    """
    states: dict[str, State] = {}
    nameless: dict[str, None] = {}
    if _all_tensors(content):
        states[TOP] = dict(content)
    else:
        _look(content, (), states, nameless, set())
    if key is not None:
        return _named(spec, key, states, nameless)
    if not states:
        lists = f"; {next(iter(nameless))} is a list of tensors, which have no names" if nameless else ""
        raise UserError(f"weights '{spec}': not a state dict (names and tensors){lists}")
    if len(states) + len(nameless) > 1:
        raise UserError(f"weights '{spec}': holds {_said(states, nameless)}; say which by --weights-key KEY")
    return next(iter(states.values()))


def _named(spec: str, key: str, states: Mapping[str, State], nameless: Mapping[str, None]) -> State:
    if key in states:
        return states[key]
    if key in nameless:
        raise UserError(f"weights '{spec}': {key} is a list of tensors, which have no names and fit no net by name")
    for way, state in states.items():
        if len(states) == 1 or key.startswith(f"{way}."):
            prefix = key.removeprefix(f"{way}.") + "."
            for names in (unwrapped(state), state):
                if part := {name.removeprefix(prefix): names[name] for name in names if name.startswith(prefix)}:
                    return part
    raise UserError(f"weights '{spec}': nothing is under '{key}'; it holds {_said(states, nameless)}")


def _said(states: Mapping[str, State], nameless: Mapping[str, None]) -> str:
    """What there is, in words."""
    if list(states) == [TOP] and not nameless:
        begin = dict.fromkeys(name.partition(".")[0] for name in unwrapped(states[TOP]))
        return f"one state dict, whose names begin with {_some(list(begin))}"
    said = f"{len(states)} state dict{'s' * (len(states) != 1)}: {_some(list(states))}" if states else "no state dict"
    return said + (f"; and {_some(list(nameless))}, lists of tensors without names" if nameless else "")


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:MOST]) + (", ..." if len(words) > MOST else "")


def _look(
    content: Any, way: tuple[str, ...], states: dict[str, State], nameless: dict[str, None], met: set[int]
) -> None:
    """Fill in the state dicts and the lists of tensors in `content`, by the way to them; optimisers are passed over."""
    here = ".".join(way) or TOP
    if isinstance(content, Mapping) and _is_state(content) and not _is_optimiser(content):
        states[here] = {name: each for name, each in content.items() if _tensor(each)}
    if isinstance(content, list | tuple) and sum(map(_tensor, content)) > 1 and any(map(_matrix, content)):
        nameless[here] = None
    if id(content) in met or len(way) > DEEPEST:
        return
    met.add(id(content))
    if isinstance(content, list | tuple):
        content = dict(enumerate(content))
    if isinstance(content, Mapping) and not _is_optimiser(content):
        for name, each in content.items():
            if not OPTIMISER.search(str(name)):
                _look(each, (*way, str(name)), states, nameless, met)


def _is_optimiser(content: Mapping) -> bool:
    """Its state holds tensors as large as the net's; flattened ones have all in their names."""
    return any(str(name).partition(".")[0] == "param_groups" for name in content)


def _is_state(content: Mapping) -> bool:
    """Whether tensors in it are a net's, and what else it holds is about the file, such as an epoch's number."""
    named = all(isinstance(name, str) for name in content)
    rest = [name for name, each in content.items() if not _tensor(each)]
    if not named or not any(map(_matrix, content.values())):
        return False
    if not rest:
        return True
    return any("." in name for name in content.keys() - rest) and not any("." in name for name in rest)


def _all_tensors(content: Any) -> bool:
    return isinstance(content, Mapping) and all(
        isinstance(name, str) and _tensor(each) for name, each in content.items()
    )


def _tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _matrix(value: Any) -> bool:
    """A net has weights of at least two dimensions; histories and states of random generators have not."""
    return _tensor(value) and value.ndim >= 2
