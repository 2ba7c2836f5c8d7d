"""`python -m bench.train`: the paper's training recipe (section 3.1), scaled down to small nets and data.

SGD with momentum 0.9 and weight decay 5e-4, a random 224 crop per image at S, flip and RGB shift, and a rate that
falls to a tenth where validation accuracy stops improving. Scaled down, for nets a sixteenth as wide, 12,000 images
and two cores: five epochs for 74, with one fall of the rate for three; batch 32 for 256, at a rate of 0.04 for 0.01,
and no dropout, since a narrow net underfits (its error on training crops is above that on validation images); each of
R, G and B shifted on its own, for want of ImageNet's principal components; the input divided by 64 after the mean is
subtracted. And what deep narrow nets need to train at all: He's initialisation, a short warm-up, clipped gradients.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench.options import add_data, finished

MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
WARM_UP = 200  # iterations over which the rate rises to its value when training begins
VALIDATED = 500  # validation images, evenly spread, whose error is logged and steers the schedule
CLIP = 1.0  # the largest norm of the gradient over all parameters


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.train", description=__doc__.splitlines()[0])
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--paper", action="store_true", help="train the twelve nets of the paper's Table 3")
    parser.add_argument("--jobs", type=_whole(1), help="nets that --paper trains at once (default: by the cores)")
    parser.add_argument("--model", default="vgg16", help="vgg11 to vgg19, or A to E")
    parser.add_argument("--width", type=_positive, default=1 / 16, help="multiplier of all channel counts")
    add_data(parser)
    parser.add_argument("--S", default="256", help="training scale: 256, or 256-512 drawn per image")
    parser.add_argument("--init", help="weights to start from; deeper nets take A's outer layers")
    parser.add_argument(
        "--epochs", type=_epochs, default="4,1", help="the most at the first rate, at a tenth of it, ..."
    )
    parser.add_argument("--patience", type=_whole(1), default=2, help="epochs without improvement until it falls")
    parser.add_argument("--batch", type=_whole(1), default=32)
    parser.add_argument("--rate", type=_positive, default=0.04)
    parser.add_argument("--dropout", type=_share, default=0.0)
    parser.add_argument("--workers", type=_whole(0), default=1, help="processes that prepare images")
    parser.add_argument("--threads", type=_whole(1), help="that compute (default: torch's choice)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--half",
        action="store_true",
        help="store in half precision what changes no validation prediction",
    )
    parser.add_argument("--out", type=Path, help="folder for weights, log, plot and checkpoint (default: runs/NAME)")
    return parser


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}': give a whole number from {least}")
        return int(text)

    return parse


def _positive(text: str) -> float:
    return _number(text, lambda value: 0 < value < float("inf"), "a number above 0")


def _share(text: str) -> float:
    return _number(text, lambda value: 0 <= value < 1, "a number from 0 to below 1")


def _number(text: str, allowed: Callable[[float], bool], wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not allowed(value):
        raise argparse.ArgumentTypeError(f"'{text}': give {wanted}")
    return value


def _epochs(text: str) -> tuple[int, ...]:
    """`4,1`, one number for each rate."""
    return tuple(_whole(1)(each) for each in text.split(","))


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from bench.paper_nets import train_all
        from bench.training import train

        return train_all(options) if options.paper else train(options)

    return finished("bench.train", work)


if __name__ == "__main__":
    sys.exit(main())
