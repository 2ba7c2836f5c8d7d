"""Weights in several `.safetensors` with an index: `model.safetensors.index.json`, or the folder that has it."""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

from bench.errors import UserError
from bench.nets.formats.contents import begins
from bench.nets.state_dict_choice import state_in
from bench.nets.state_dicts import State, plain_state
from bench.nets.weights import Weights

INDEX = ".index.json"
MOST_INDEX = 1 << 26  # bytes
MOST_SHARDS = 1000


def is_index(path: Path) -> bool:
    """Whether a file is such an index."""
    return path.name.lower().endswith(INDEX) and begins(path, b"{")


def read_shards(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The state dict of all shards that an index names, or the one under `key`. Raises UserError."""
    content: State = {}
    shards = shards_of(spec, path)
    for name, tensors in shards.items():
        if not (path.parent / name).is_file():
            raise UserError(f"weights '{spec}': the shard {name} is missing; fetch all {len(shards)} into one folder")
        content |= _tensors(spec, path.parent / name, tensors)
    return Weights(source=spec, state=plain_state(spec, state_in(spec, content, key)), key=key)


def shards_of(spec: str, path: Path) -> dict[str, list[str]]:
    """The tensors that each shard, a file beside the index, is said to have. Raises UserError."""
    try:
        if path.stat().st_size > MOST_INDEX:
            raise ValueError(f"{path.stat().st_size} bytes")
        places = json.loads(path.read_text("utf-8"), object_pairs_hook=_once)["weight_map"]
        if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
            raise ValueError("weight_map is no object of texts")
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        why = " ".join(str(error).split())[:100]
        raise UserError(f"weights '{spec}': no readable index of shards ({why})") from None
    shards: dict[str, list[str]] = {}
    for tensor, name in places.items():
        shards.setdefault(name, []).append(tensor)
    if len(shards) > MOST_SHARDS:
        raise UserError(f"weights '{spec}': its index names {len(shards)} shards; give one of at most {MOST_SHARDS}")
    for name in shards:
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise UserError(f"weights '{spec}': its index names {name!r:.100}, no .safetensors file of its own folder")
    return shards


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for k, (name, _) in enumerate(pairs) if name in dict(pairs[:k]))
        raise ValueError(f"{twice[:50]} is there twice")
    return found


def _tensors(spec: str, path: Path, names: list[str]) -> State:
    """The tensors of a shard, which must be those that the index says. Raises UserError."""
    try:
        with safe_open(path, "pt") as file:
            held = set(file.keys())
            if held == set(names):
                return {name: file.get_tensor(name) for name in names}
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': {path.name} is no readable safetensors file ({error})") from None
    odd = min(held ^ set(names))
    where = "is not in its index" if odd in held else "is missing"
    raise UserError(f"weights '{spec}': {path.name}: {odd} {where}; fetch index and shards of one version")
