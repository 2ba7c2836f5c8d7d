"""What a training is asked to be, in a value that checks itself, and as the command line that says the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from bench.errors import UserError
from bench.images.pixels import parse_pixels
from bench.images.sources import DataSpec
from bench.train.defaults import ALLOWED, BATCH, EPOCHS, PATIENCE
from protocols.scales import parse_S


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """One net, the images that it learns from, where it starts, how it learns, what computes, and what comes out.

    The fields are the options of `bench.train` of their names, and what they take; None is what the help says of it.
    `S` and `pixels` are texts. Raises UserError for what contradicts itself.
    """

    model: str = "vgg16"
    width: float | None = None
    dropout: float | Literal["own"] = 0.0
    images: DataSpec = field(default_factory=lambda: DataSpec("shapes"))
    S: str | None = None
    augment: Literal["paper", "none"] = "paper"
    init: str | None = None
    weights_key: str | None = None
    pixels: str | None = None
    freeze: bool = False
    cache_features: bool = False
    optimiser: Literal["sgd", "adam"] = "sgd"
    rate: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    schedule: Literal["plateau", "step", "cosine"] = "plateau"
    epochs: tuple[int, ...] = EPOCHS
    patience: int = PATIENCE
    batch: int = BATCH
    dtype: Literal["fp32", "tf32", "bf16"] = "fp32"
    device: str = "auto"
    workers: int | None = None
    threads: int | None = None
    half: bool = False
    out: Path | None = None

    def __post_init__(self) -> None:
        for name, (allowed, wanted) in ALLOWED.items():
            value = getattr(self, name)
            if value is not None and not _fits(value, allowed):
                raise UserError(f"{option(name)} '{_typed(value)}': give {wanted}")
        try:
            _ = self.S and parse_S(self.S), self.pixels and parse_pixels(self.pixels)
        except ValueError as error:
            raise UserError(str(error)) from None
        self._check_together()

    def _check_together(self) -> None:
        if self.freeze and not self.init:
            raise UserError("--freeze: without --init the frozen features would be random; give --init WHERE")
        if self.weights_key and not self.init:
            raise UserError("--weights-key: it is of the weights of --init; give --init WHERE, or leave it out")
        if self.cache_features and not (self.freeze and self.augment == "none"):
            raise UserError(
                "--cache-features: features are the same in every epoch only with --freeze and --augment none; "
                "give both"
            )
        if self.optimiser == "adam" and self.momentum is not None:
            raise UserError("--momentum: adam has its own; leave --momentum out, or give --optimiser sgd")


def _fits(value: object, allowed: Callable[[Any], object]) -> bool:
    try:
        return bool(allowed(value))
    except TypeError:  # of a type that cannot even be compared
        return False


def command_line(request: TrainingRequest) -> list[str]:
    """What `bench.train` is told to do the same; its parser makes the request of it again."""
    return typed({"data": request.images.source, **unusual(request.images), **unusual(request)})


def unusual(value: TrainingRequest | DataSpec) -> dict[str, object]:
    """The fields that are not as they are where nobody says anything, by name."""
    own = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
    return {name: said for name, (said, usual) in own.items() if said != usual and name not in ("images", "source")}


def typed(values: Mapping[str, object]) -> list[str]:
    """Values by name as the options that say them."""
    words: list[str] = []
    for name, value in values.items():
        text = _typed(value)
        if value is True:
            words.append(option(name))
        elif text.startswith("-"):  # or it would be read as an option
            words.append(f"{option(name)}={text}")
        else:
            words += [option(name), text]
    return words


def option(name: str) -> str:
    """A field's option."""
    return f"--{name.replace('_', '-')}"


def _typed(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
