"""What a training is told: options checked and completed, and what a resumed one must share with the one begun."""

from dataclasses import dataclass

from bench.errors import UserError
from bench.images.pixels import Pixels, parse_pixels
from bench.nets import zoo
from bench.nets.named import fitting, said_side, stated_or_given
from bench.nets.weights import Weights
from bench.progress import warn
from bench.train.crops import SHIFT
from bench.train.defaults import CLIP, MOMENTUM, RATE, VALIDATED, WARM_SHARE, WARM_UP, WEIGHT_DECAY, WIDTH
from bench.train.schedule import DROP
from bench.train.training_request import TrainingRequest
from protocols.scales import TrainingScale, in_proportion, parse_S

PIXELS = Pixels("RGB", 255, (128, 128, 128), (64, 64, 64))  # of nets trained from scratch


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A request with everything in place that depends on other things: equal ones train the same net.

    `S` is as it is typed, `init` the digest of the weights to start from, empty for none; `side` is that of the crops,
    in pixels, where it is not the net's own.
    """

    model: str
    width: float
    dropout: float | str
    data: str
    seed: int
    S: str
    augment: str
    init: str
    pixels: Pixels
    freeze: bool
    cache_features: bool
    optimiser: str
    rate: float
    momentum: float
    weight_decay: float
    schedule: str
    epochs: tuple[int, ...]
    patience: int
    batch: int
    dtype: str
    side: int | None = None

    def words(self, **digests: str) -> dict[str, str]:
        """As they are typed, with digests of what they name: what a resumed training must share with the begun one."""
        said = {name: value for name, value in vars(self).items() if name != "side" or value is not None}
        return {
            **{name: _text(value) for name, value in said.items()},
            **digests,
            "constants": f"{WARM_UP} {WARM_SHARE} {VALIDATED} {CLIP} {DROP} {SHIFT}",
        }


def recipe_of(request: TrainingRequest, name: str, init: Weights | None) -> Recipe:
    """A request for a net of this name, with defaults that depend on others. Raises UserError."""
    side, width = crop_side(name, init), request.width
    if width is None:
        width = init.width if init and name in zoo.OWN else WIDTH if zoo.configuration(name) != "–" else 1
    decay = request.weight_decay
    return Recipe(
        model=request.model,
        width=width,
        dropout=request.dropout,
        data=request.images.source,
        seed=request.images.seed,
        S=request.S or str(in_proportion(256, side)),
        augment=request.augment,
        init=init.digest if init else "",
        pixels=fitting(name, _pixels(request.pixels, name, init)),
        freeze=request.freeze,
        cache_features=request.cache_features,
        optimiser=request.optimiser,
        rate=request.rate or RATE[request.optimiser],
        momentum=MOMENTUM if request.momentum is None else request.momentum,
        weight_decay=WEIGHT_DECAY[request.optimiser] if decay is None else decay,
        schedule=request.schedule,
        epochs=request.epochs,
        patience=request.patience,
        batch=request.batch,
        dtype=request.dtype,
        side=None if side == zoo.side_of(name) else side,
    )


def crop_side(name: str, init: Weights | None) -> int:
    """Side of the crops, in pixels: that of the weights of --init where they say it, else the net's own."""
    return (init and said_side(name, init)) or zoo.side_of(name)


def _pixels(text: str | None, name: str, init: Weights | None) -> Pixels | None:
    """What the weights say, then what the user says; None for the usual. Raises UserError where they differ."""
    given = None if text is None else parse_pixels(text)
    if init is None:
        return given or (PIXELS if zoo.channels_of(name) == PIXELS.channels else None)
    pixels = stated_or_given("pixels", init.source, init.pixels, given)
    if pixels is None:
        warn(f"{init.source} does not say what pixels it takes: the usual ones are assumed (--pixels)")
    return pixels


def scale(recipe: Recipe, side: int) -> TrainingScale:
    """The training scale S. Raises UserError."""
    S = parse_S(recipe.S)
    if S.low < side:
        raise UserError(f"S '{recipe.S}': the crops are {side} px; give an S of at least {side}")
    if S.low < S.high and recipe.augment == "none":
        raise UserError(f"--augment none: centre crops are taken at one S, not at {S}; give --S {S.low}")
    return S


def _text(value: object) -> str:
    """An option's value as it is typed."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
