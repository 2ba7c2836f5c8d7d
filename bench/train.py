"""`python -m bench.train`: the paper's training recipe (section 3.1), scaled down to small nets and data.

SGD with momentum 0.9 and weight decay 5e-4, a random 224 crop per image at S, flip and RGB shift. Documented
departures: batch 32 and dropout 0.2, for nets a sixteenth as wide; He's initialisation; the input is divided by 64
after the mean is subtracted; a short warm-up, and gradients clipped, without which deep narrow nets diverge. The
rate falls to a tenth where validation accuracy stops improving (`--schedule plateau`, as in the paper) or after
70 % and 90 % of the epochs (`--schedule step`, for a budget known beforehand).
"""

import argparse
import csv
import sys
from pathlib import Path

MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
WARM_UP = 200  # iterations over which the rate rises to its value when training begins
VALIDATED = 500  # validation images, evenly spread, whose error is logged and steers the schedule
CLIP = 1.0  # the largest norm of the gradient over all parameters


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.train", description=__doc__.splitlines()[0])
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--model", default="vgg16", help="vgg11 to vgg19, or A to E")
    parser.add_argument("--width", type=float, default=1 / 16, help="multiplier of all channel counts")
    parser.add_argument("--data", default="shapes", help="shapes, or folder:DIR with DIR/train and DIR/val")
    parser.add_argument("--S", default="256", help="training scale: 256, or 256-512 drawn per image")
    parser.add_argument("--init", help="weights to start from; deeper nets take A's outer layers")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--schedule", choices=("plateau", "step"), default="plateau")
    parser.add_argument("--patience", type=int, default=2, help="epochs without improvement before the rate falls")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare images")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--half", action="store_true", help="store the weights in half precision")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, log and checkpoint")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    from bench.errors import UserError
    from bench.training import Training

    try:
        training = Training(options)
        with (options.out / "log.csv").open("w", newline="") as file:
            log = csv.writer(file)
            log.writerow(("epoch", "rate", "loss", "validation_error", "seconds"))
            for row in training.epochs():
                log.writerow(row)
                file.flush()
        print(training.save(), file=sys.stderr)
    except UserError as error:
        print(f"bench.train: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
