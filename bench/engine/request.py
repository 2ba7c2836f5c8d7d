"""What is asked of an evaluation, in values that check themselves when made: from a command line as from Python."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path

from bench.choices import COMPILING, DTYPES, ENGINES, MAP_RULES
from bench.cores import cores
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.sources import DataSpec, OpenedData, open_data
from bench.nets.given_modules import GivenNet
from bench.nets.model import Model
from bench.nets.net_spec import NetSpec
from bench.nets.published import Recipe
from protocols.protocol import Part, Protocol, parse
from protocols.scales import SIDE, TrainingScale

Entrant = NetSpec | GivenNet | Model  # a net as it may be asked for
MOST_LOADING = 64  # threads that prepare images, where nobody says how many


@dataclass(frozen=True)
class Numbers:
    """What changes the numbers, beside nets, images and protocols.

    `map_rule` says what is averaged over the positions of a class score map, "scores" or "posteriors". With
    `restrict_classes` only the classes that occur in the data compete; with `skip_corrupt` images that cannot be
    decoded are left out, and counted.
    """

    dtype: str = "fp32"
    map_rule: str = "scores"
    restrict_classes: bool = False
    skip_corrupt: bool = False

    def __post_init__(self) -> None:
        _check("--dtype", self.dtype, DTYPES)
        _check("--map", self.map_rule, MAP_RULES)


@dataclass(frozen=True)
class Computation:
    """What computes: a device and an engine by name, views at once (None: as suits the device).

    `threads` prepare images; `compile` says whether nets are compiled: "auto" where that is sooner done, "on" or "off".
    """

    device: str = "auto"
    batch: int | None = None
    threads: int | None = None
    engine: str = "torch"
    compile: str = "auto"

    def __post_init__(self) -> None:
        _check("--engine", self.engine, ENGINES)
        _check("--compile", self.compile, COMPILING)
        _check_count("--batch-size", self.batch)
        _check_count("--workers", self.threads)

    @property
    def loading(self) -> int:
        """Threads that prepare images."""
        return self.threads or min(MOST_LOADING, cores())


@dataclass(frozen=True)
class Keeping:
    """Where finished blocks are kept, None for the user's cache folder; `fresh` computes anew what is stored."""

    store: Path | None = None
    fresh: bool = False


@dataclass(frozen=True)
class ProtocolSpec:
    """Protocols as they are written, and the test scales of those that name none (None: the paper's rule for S).

    What they mean depends on a net's S and side. Raises ProtocolError where they mean nothing for any net.
    """

    written: tuple[str, ...]
    Q: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not self.written:
            raise UserError("no protocol: give at least one, such as dense")
        for each in self.written:
            parse(each, None, self.Q, published=published_part(Recipe(SIDE)))

    def of(self, S: TrainingScale | None, side: int, recipe: Recipe | None = None) -> list[Protocol]:
        """What they mean for a net that was trained at S on crops of `side` pixels. Raises ProtocolError.

        `recipe` is what the makers of its weights say of their evaluation.
        """
        return [parse(each, S, self.Q, side, published_part(recipe)) for each in self.written]

    def of_model(self, model: Model) -> list[Protocol]:
        """What they mean for a net with its weights. Raises ProtocolError."""
        return self.of(model.S, model.side, model.weights.recipe)


def published_part(recipe: Recipe | None) -> Part | None:
    """One view as the makers of weights see an image."""
    return recipe and Part("published-squash" if recipe.square else "published", recipe.resize)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Nets and images, what changes the numbers, what computes them, and what is kept."""

    nets: Sequence[Entrant]
    images: DataSpec | OpenedData | Images
    numbers: Numbers = field(default_factory=Numbers)
    computation: Computation = field(default_factory=Computation)
    keeping: Keeping = field(default_factory=Keeping)

    @property
    def data(self) -> DataSpec | None:
        """How the images were named, None where nothing but this process has them."""
        named = self.images.spec if isinstance(self.images, OpenedData) else self.images
        return named if isinstance(named, DataSpec) else None

    def opened(self) -> Images:
        """The images, with labels as their set has them. Raises UserError."""
        if isinstance(self.images, OpenedData):
            return self.images.images
        return open_data(self.images) if isinstance(self.images, DataSpec) else self.images


@dataclass(frozen=True, kw_only=True)
class Evaluation(Setup):
    """Every net under each of the protocols; with `fuse` all nets together as well."""

    protocols: ProtocolSpec
    fuse: bool = False


def _check(option: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UserError(f"{option} {value!r}: give {', '.join(allowed[:-1])} or {allowed[-1]}")


def _check_count(option: str, value: int | None) -> None:
    if value is not None and (not isinstance(value, Integral) or value < 1):
        raise UserError(f"{option} '{value}': give a whole number above 0")
