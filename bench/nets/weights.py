"""Weights with what they say of themselves: S, pixels, classes."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets import zoo
from bench.nets.published import Recipe
from bench.nets.state_dicts import State
from protocols.scales import TrainingScale
from results.atomic_files import write_atomically

T = TypeVar("T")
HEADER = "vgg-protocols"  # our entry in a safetensors header, a JSON object; others' entries are not read


@dataclass(frozen=True, eq=False)
class Weights:
    """A state dict in float32 and what is known of it; None where the weights do not say it.

    `side` is that of the crops, in pixels; `key` what was chosen of a file that holds several state dicts; `recipe` how
    their makers evaluate them; `background` a class that stands for no image, and is left out of what is evaluated.
    `identity` stands for the digest where more than a state dict says what is computed.
    """

    source: str
    state: State = field(repr=False)
    model: str | None = None
    width: float = 1
    S: TrainingScale | None = None
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    side: int | None = None
    key: str | None = None
    background: int | None = None
    identity: str | None = None
    recipe: Recipe | None = None

    @property
    def label(self) -> str:
        """The source without its folders, for tables."""
        return self._with_key(Path(self.source).name if is_file(self.source) else self.source)

    @property
    def place(self) -> str:
        """The source in full, and which of its state dicts was chosen."""
        return self._with_key(self.source)

    def _with_key(self, source: str) -> str:
        return source if self.key is None else f"{source}[{self.key}]"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, shapes and values, whatever the file's format."""
        if self.identity is not None:
            return self.identity
        total = hashlib.sha256()
        for name, value in sorted(self.state.items()):
            total.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            total.update(value.contiguous().view(-1).numpy().data)
        return total.hexdigest()


def is_file(spec: str) -> bool:
    """Whether weights are named by the place of a file."""
    return not spec.startswith(("torchvision:", "builtin:", "hf:"))


def stated_or_given(what: str, source: str, said: T | None, given: T | None) -> T | None:
    """What weights say of themselves, else what a request says of them. Raises UserError where the two differ."""
    if said is not None and given is not None and said != given:
        if what == "classes":
            raise UserError(f"classes: the weights '{source}' name their own; leave classes out")
        raise UserError(f"--{what} {given}: the weights '{source}' say {said} themselves; leave --{what} out")
    return given if said is None else said


def save_weights(path: Path, weights: Weights, about: Mapping[str, object], half: Collection[str] = ()) -> None:
    """Write a .safetensors file that `read_weights` reads back whole; `about` is recorded beside it in the header.

    Tensors named in `half` are stored in half precision.
    """
    said = {
        "model": weights.model,
        "S": weights.S and str(weights.S),
        "pixels": weights.pixels and str(weights.pixels),
        "classes": weights.classes,
        "side": _worth_saying(weights),
        "published": weights.recipe and weights.recipe._asdict(),
        "background": weights.background,
    }
    header = {**about, "width": weights.width, **{name: value for name, value in said.items() if value is not None}}
    state = {
        name: value.detach().cpu().to(torch.float16 if name in half else value.dtype).contiguous()
        for name, value in weights.state.items()
    }
    write_atomically(path, save(state, metadata={HEADER: json.dumps(header)}))


def _worth_saying(weights: Weights) -> int | None:
    """The side, where it is not that of all published weights of the net."""
    usual = weights.model is None or zoo.sides_of(zoo.canonical(weights.model)) == {weights.side}
    return None if usual else weights.side
