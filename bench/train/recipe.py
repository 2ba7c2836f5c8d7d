"""What a training is told: options checked and completed, and what a resumed one must share with the one begun."""

from argparse import Namespace

from bench.errors import UserError
from bench.images.pixels import Pixels, parse_pixels
from bench.nets import zoo
from bench.nets.named import fitting, said_side, stated_or_given
from bench.nets.weights import Weights
from bench.progress import warn
from bench.train.crops import SHIFT
from bench.train.defaults import CLIP, MOMENTUM, RATE, VALIDATED, WARM_SHARE, WARM_UP, WEIGHT_DECAY, WIDTH
from bench.train.schedule import DROP
from protocols.scales import TrainingScale, in_proportion, parse_S

PIXELS = Pixels("RGB", 255, (128, 128, 128), (64, 64, 64))  # of nets trained from scratch
FREE = {
    "out",
    "workers",
    "threads",
    "device",
    "half",
    "paper",
    "jobs",
    "split",
    "limit",
    "class_order",
    "labels_from",
    "allow_duplicates",
    "weights_key",
    "exif",
}  # or digests say


def check(options: Namespace) -> None:
    """Raise UserError for options that contradict one another."""
    if options.freeze and not options.init:
        raise UserError("--freeze: without --init the frozen features would be random; give --init WHERE")
    if options.weights_key and not options.init:
        raise UserError("--weights-key: it is of the weights of --init; give --init WHERE, or leave it out")
    if options.cache_features and not (options.freeze and options.augment == "none"):
        raise UserError(
            "--cache-features: features are the same in every epoch only with --freeze and --augment none; give both"
        )
    if options.optimiser == "adam" and options.momentum is not None:
        raise UserError("--momentum: adam has its own; leave --momentum out, or give --optimiser sgd")


def settled(options: Namespace, name: str, init: Weights | None) -> Namespace:
    """The options with defaults in place that depend on others: nothing is None but `threads` and the like."""
    own = Namespace(**vars(options))
    own.rate = options.rate or RATE[options.optimiser]
    own.momentum = MOMENTUM if options.momentum is None else options.momentum
    if options.weight_decay is None:
        own.weight_decay = WEIGHT_DECAY[options.optimiser]
    if options.width is None:
        own.width = init.width if init and name in zoo.OWN else WIDTH if zoo.configuration(name) != "–" else 1
    side = crop_side(name, init)
    if side != zoo.side_of(name):
        own.side = side
    own.S = options.S or str(in_proportion(256, side))
    own.pixels = fitting(name, _pixels(options.pixels, name, init))
    own.init = init.digest if init else ""
    return own


def crop_side(name: str, init: Weights | None) -> int:
    """Side of the crops, in pixels: that of the weights of --init where they say it, else the net's own."""
    return (init and said_side(name, init)) or zoo.side_of(name)


def _pixels(text: str | None, name: str, init: Weights | None) -> Pixels | None:
    """What the weights say, then what the user says; None for the usual. Raises UserError where they differ."""
    try:
        given = None if text is None else parse_pixels(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    if init is None:
        return given or (PIXELS if zoo.channels_of(name) == PIXELS.channels else None)
    pixels = stated_or_given("pixels", init.source, init.pixels, given)
    if pixels is None:
        warn(f"{init.source} does not say what pixels it takes: the usual ones are assumed (--pixels)")
    return pixels


def scale(options: Namespace, side: int) -> TrainingScale:
    """The training scale S. Raises UserError."""
    try:
        S = parse_S(options.S)
    except ValueError as error:
        raise UserError(str(error)) from None
    if S.low < side:
        raise UserError(f"S '{options.S}': the crops are {side} px; give an S of at least {side}")
    if S.low < S.high and options.augment == "none":
        raise UserError(f"--augment none: centre crops are taken at one S, not at {S}; give --S {S.low}")
    return S


def recipe(options: Namespace, **digests: str) -> dict[str, str]:
    """Settled options as they are typed, with digests of what they name: equal ones train the same net."""
    return {
        **{name: _text(value) for name, value in vars(options).items() if name not in FREE},
        **digests,
        "constants": f"{WARM_UP} {WARM_SHARE} {VALIDATED} {CLIP} {DROP} {SHIFT}",
    }


def _text(value: object) -> str:
    """An option's value as it is typed."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
