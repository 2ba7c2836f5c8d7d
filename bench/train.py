"""`python -m bench.train`: the paper's training recipe (section 3.1), scaled down to small nets and data.

SGD with momentum 0.9 and weight decay 5e-4, a random 224 crop per image at S, flip and RGB shift, and a rate that
falls to a tenth where validation accuracy stops improving. Scaled down, by the constants and defaults below: batch 32,
no dropout and a tenth of the epochs, for nets a sixteenth as wide; He's initialisation; the input divided by 64 after
the mean is subtracted; a short warm-up, and gradients clipped, without which deep narrow nets diverge.
"""

import argparse
import sys
from pathlib import Path

from bench.options import finished

MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
WARM_UP = 200  # iterations over which the rate rises to its value when training begins
VALIDATED = 500  # validation images, evenly spread, whose error is logged and steers the schedule
CLIP = 1.0  # the largest norm of the gradient over all parameters


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.train", description=__doc__.splitlines()[0])
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--paper", action="store_true", help="train the twelve nets of the paper's Table 3")
    parser.add_argument("--jobs", type=int, help="nets that --paper trains at once (default: by the cores)")
    parser.add_argument("--model", default="vgg16", help="vgg11 to vgg19, or A to E")
    parser.add_argument("--width", type=float, default=1 / 16, help="multiplier of all channel counts")
    parser.add_argument("--data", default="shapes", help="shapes, or folder:DIR with DIR/train and DIR/val")
    parser.add_argument("--S", default="256", help="training scale: 256, or 256-512 drawn per image")
    parser.add_argument("--init", help="weights to start from; deeper nets take A's outer layers")
    parser.add_argument(
        "--epochs", type=_epochs, default="4,1", help="the most at the first rate, at a tenth of it, ..."
    )
    parser.add_argument("--patience", type=int, default=2, help="epochs without improvement before the rate falls")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.04)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare images")
    parser.add_argument("--threads", type=int, help="that compute (default: torch's choice)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--half", action="store_true", help="half precision in the file where no prediction changes")
    parser.add_argument("--out", type=Path, help="folder for weights, log, plot and checkpoint (default: runs/NAME)")
    return parser


def _epochs(text: str) -> tuple[int, ...]:
    try:
        epochs = tuple(int(each) for each in text.split(","))
        if min(epochs) < 1:
            raise ValueError
        return epochs
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}': give numbers above 0, such as 4,1") from None


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from bench.paper_nets import train_all
        from bench.training import train

        return train_all(options) if options.paper else train(options)

    return finished("bench.train", work)


if __name__ == "__main__":
    sys.exit(main())
