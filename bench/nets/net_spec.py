"""Which net with which weights, as a plain value."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import UserError
from bench.images.labels.class_names import read_class_names
from bench.images.pixels import Pixels
from bench.nets import zoo
from bench.nets.net_code import is_code
from bench.nets.timm_nets import is_timm
from protocols.scales import TrainingScale

SUCH = """give a JSON object such as '{"width": 2}'"""


@dataclass(frozen=True)
class NetSpec:
    """A net to be evaluated: its name, where its weights are, and what these may not say themselves.

    `weights` is a place as `--weights` takes it, or "auto": what suits the images. `key` is the state dict that is
    meant of several in one file, `side` that of the crops in pixels; `drop` the class that is left out; `whole` says
    that all of 1001 are meant; `classes` are the names of its classes; `arguments` what is given to people's own code
    that makes it, a JSON object. Raises UserError for what no net can be.
    """

    name: str
    weights: str = "auto"
    key: str | None = None
    S: TrainingScale | None = None
    pixels: Pixels | None = None
    side: int | None = None
    drop: int | None = None
    whole: bool = False
    classes: tuple[str, ...] | None = None
    arguments: str | None = None

    def __post_init__(self) -> None:
        if not is_made(self.name):
            object.__setattr__(self, "name", zoo.canonical(self.name))
        if self.arguments is not None and not is_code(self.name):
            raise UserError(f"--model-args: they are for FILE.py:NAME or MODULE:NAME, not for {self.name}")
        if self.side is not None and self.side < 1:
            raise UserError(f"--side '{self.side}': give a whole number above 0")
        if self.drop is not None and self.drop < 0:
            raise UserError(f"--drop-class '{self.drop}': give the index of a class of the net, from 0, or none")

    @property
    def made(self) -> bool:
        """Whether it is made elsewhere, by timm or people's own code."""
        return is_made(self.name)


def is_made(name: str) -> bool:
    """Whether a net's name says that it is made elsewhere."""
    return is_timm(name) or is_code(name)


def named_nets(
    model: str,
    weights: str = "auto",
    S: TrainingScale | None = None,
    pixels: Pixels | None = None,
    keys: str | None = None,
    sides: str | None = None,
    drops: str | None = None,
    classes: str | None = None,
    arguments: str | None = None,
) -> tuple[NetSpec, ...]:
    """Nets and weights as `--model` and `--weights` take them, commas between; `auto` is for all nets.

    Raises UserError.
    """
    names, places = model.split(","), weights.split(",")
    if places == ["auto"]:
        places *= len(names)
    if len(places) != len(names):
        raise UserError(f"weights '{weights}': {len(places)} for {len(names)} models; give one per model, or auto")
    nets = nets_of(names, places, [S] * len(names), pixels, keys, sides, drops, classes, arguments)
    for k, net in enumerate(nets):
        if net in nets[:k]:
            raise UserError(f"model '{net.name}' has the weights '{net.weights}' twice; give each net once")
    return nets


def nets_of(
    names: Sequence[str],
    places: Sequence[str],
    scales: Sequence[TrainingScale | None],
    pixels: Pixels | None = None,
    keys: str | None = None,
    sides: str | None = None,
    drops: str | None = None,
    classes: str | None = None,
    arguments: str | None = None,
) -> tuple[NetSpec, ...]:
    """Nets with the places of their weights and their S; what else is text is as options take it. Raises UserError."""
    count = len(names)
    key, drop = _per_net("--weights-key", keys, count), _per_net("--drop-class", drops, count)
    side = [None if each is None else _side(each) for each in _per_net("--side", sides, count)]
    named = [None if each is None else read_class_names(each) for each in _per_net("--classes", classes, count)]
    taken = arguments_of(names, arguments)
    return tuple(
        NetSpec(
            *(names[k], places[k], key[k], scales[k], pixels, side[k], _class(drop[k]), drop[k] == "none"),
            named[k],
            taken[k],
        )
        for k in range(count)
    )


def arguments_of(names: Sequence[str], text: str | None) -> list[str | None]:
    """What `--model-args` says for each net: one JSON object for all that are people's code, or a list, one for each.

    Raises UserError.
    """
    own = [is_code(name) for name in names]
    if text is None:
        return [None] * len(names)
    if not any(own):
        raise UserError(f"--model-args: they are for FILE.py:NAME or MODULE:NAME, not for {', '.join(names)}")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(
            f"--model-args '{text}': no JSON ({error}); give an object such as '{{\"width\": 2}}'"
        ) from None
    several = found if isinstance(found, list) else [found if code else None for code in own]
    if len(several) != len(names) or not all(each is None or isinstance(each, dict) for each in several):
        raise UserError(
            f"--model-args '{text}': give a JSON object such as '{{\"width\": 2}}', or a list, one per model"
        )
    return [None if each is None else json.dumps(each) for each in several]


def _per_net(option: str, text: str | None, count: int) -> list[str | None]:
    """The values of an option with commas, one for all nets or one for each, which may be empty. Raises UserError."""
    values = (text or "").split(",")
    if len(values) not in (1, count):
        raise UserError(f"{option} '{text}': {len(values)} for {count} models; give one, or one per model")
    return [each.strip() or None for each in (values * count)[:count]]


def _side(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"--side '{text}': give a whole number above 0")
    return int(text)


def _class(text: str | None) -> int | None:
    if text in (None, "none"):
        return None
    if not text.isdecimal():
        raise UserError(f"--drop-class '{text}': give the index of a class of the net, counted from 0, or none")
    return int(text)
