"""`python -m bench.train`: train a net by the paper's recipe (section 3.1) in small, or adapt one to other classes.

The paper's recipe is what the defaults are: SGD with momentum 0.9 and weight decay 5e-4, a random 224 crop per image at
S, flip and RGB shift, and a rate that falls to a tenth where validation accuracy stops improving. Scaled down, for nets
a sixteenth as wide, 12,000 images and two cores: five epochs for 74, with one fall of the rate for three; batch 32 for
256, at a rate of 0.04 for 0.01, and no dropout, since a narrow net underfits (its error on training crops is above that
on validation images); each of R, G and B shifted on its own, for want of ImageNet's principal components; the input
divided by 64 after the mean is subtracted. And what deep narrow nets need to train at all: He's initialisation (nets of
torchvision's keep theirs, where they have one), a short warm-up, clipped gradients.

All of it are options. Adam is torch's, at a rate of 0.001 and without weight decay. `--schedule step` takes the epochs
of `--epochs` at each rate, whatever the accuracy; `cosine` lets the rate go down to zero over their sum. `--freeze`
trains the head alone: the module `classifier` or `fc` where a net has one, else its last layer. All before it stays as
it is and computes as in evaluation, so that neither statistics of batch normalisation nor dropout change it.
`--cache-features` computes what the head sees once per image: without augmentation the same training, and soon done.
"""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.command import command_parser, finished
from bench.folders import place
from bench.options import add_data, add_device, add_weights_key, whole
from bench.progress import LIBRARIES, busy
from bench.train.defaults import ALLOWED, AUGMENTS, BATCH, EPOCHS, PATIENCE, RATE, SCHEDULES, TRAINED_IN

if TYPE_CHECKING:
    from bench.train.training_request import TrainingRequest

EPILOG = """examples:
  python -m bench.train --model D --S 256-512 --init D-384.safetensors --data folder:DIR
  python -m bench.train --model resnet50 --init torchvision:ResNet50_Weights.DEFAULT --data folder:DIR \\
      --freeze --cache-features --augment none --optimiser adam --schedule cosine --epochs 20
  python -m bench.train --paper"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("bench.train", __doc__.splitlines()[0].partition(": ")[2], EPILOG)
    what = parser.add_argument_group("what is trained")
    what.add_argument("--model", default="vgg16", metavar="NAME", help="net by name or letter (vgg16)")
    what.add_argument(
        "--width",
        type=_number("width"),
        help="multiplier of all channel counts (that of --init, else 1/16 for the paper's nets and 1 for others)",
    )
    what.add_argument("--dropout", type=_dropout, default=0.0, help="share of units, or own: the net's own (0)")
    what.add_argument("--paper", action="store_true", help="train the twelve nets of the paper's Table 3")
    what.add_argument("--jobs", type=whole(1), metavar="N", help="nets that --paper trains at once (by the cores)")
    _add_images(parser)
    _add_start(parser)
    _add_learning(parser)
    _add_computation(parser)
    return parser


def _add_images(parser: argparse.ArgumentParser) -> None:
    images = parser.add_argument_group("on which images")
    add_data(images)
    images.add_argument(
        "--classes",
        metavar="FILE",
        help="names of the data's classes where labels are bare numbers: one a line, or JSON (the numbers)",
    )
    images.add_argument("--limit", type=whole(1), metavar="N", help="images to train on, evenly spread (all)")
    images.add_argument("--S", help="training scale: 256, or 256-512 drawn per image (256, in proportion to the crops)")
    images.add_argument(
        "--augment",
        choices=AUGMENTS,
        default="paper",
        help="a random crop, flip and RGB shift each time, or always the centre crop at S (paper)",
    )


def _add_start(parser: argparse.ArgumentParser) -> None:
    start = parser.add_argument_group("from where")
    start.add_argument(
        "--init",
        metavar="WHERE",
        help="weights to start from: torchvision:NAME, builtin:NAME, or a file; for another number of classes without "
        "the last layer; the paper's deeper nets take another's outer layers (random weights)",
    )
    add_weights_key(start)
    start.add_argument(
        "--pixels",
        help="what the net takes: torchvision, caffe, or order/range/mean/std (what the weights of --init say, "
        "torchvision where they do not; else RGB/255/128,128,128/64,64,64)",
    )
    start.add_argument("--freeze", action="store_true", help="train the head alone, on features as they are")
    start.add_argument(
        "--cache-features",
        action="store_true",
        help="with --freeze and --augment none: compute what the head sees once per image, into --out",
    )


def _add_learning(parser: argparse.ArgumentParser) -> None:
    how = parser.add_argument_group("how it learns")
    how.add_argument("--optimiser", choices=tuple(RATE), default="sgd", help="(sgd)")
    how.add_argument("--rate", type=_number("rate"), help="first learning rate (0.04; adam 0.001)")
    how.add_argument("--momentum", type=_number("momentum"), help="of sgd (0.9)")
    how.add_argument("--weight-decay", type=_number("weight_decay"), metavar="RATE", help="(0.0005; adam 0)")
    how.add_argument(
        "--schedule",
        choices=SCHEDULES,
        default="plateau",
        help="the rate falls to a tenth where accuracy stops improving, or after --epochs alone, or goes down to zero "
        "as a cosine does (plateau)",
    )
    how.add_argument(
        "--epochs", type=_epochs, default=EPOCHS, help="the most at the first rate, at a tenth of it (4,1)"
    )
    how.add_argument(
        "--patience", type=whole(1), default=PATIENCE, metavar="N", help="plateau: epochs without improvement (2)"
    )
    how.add_argument("--batch", type=whole(1), default=BATCH, metavar="N", help="images per iteration (32)")


def _add_computation(parser: argparse.ArgumentParser) -> None:
    computation = parser.add_argument_group("how it is computed, and what comes out")
    add_device(computation)
    computation.add_argument(
        "--dtype",
        default="fp32",
        metavar="{" + ",".join(TRAINED_IN) + "}",
        help="number format in which it learns; weights and optimiser are kept, and nets validated, in fp32 (fp32)",
    )
    computation.add_argument(
        "--workers",
        type=whole(0),
        metavar="N",
        help="threads that prepare images; 0: the one that trains (1 on a CPU, else as many as --threads, or as cores)",
    )
    computation.add_argument("--threads", type=whole(1), metavar="N", help="that compute (torch's choice)")
    computation.add_argument(
        "--half", action="store_true", help="store in half precision what changes no validation prediction"
    )
    computation.add_argument(
        "--out", type=place, metavar="DIR", help="folder for weights, log, plot and checkpoint (runs/NAME-S)"
    )


def _number(name: str) -> Callable[[str], float]:
    """An option's type: a number as `ALLOWED` says."""
    allowed, wanted = ALLOWED[name]

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not allowed(value):
            raise argparse.ArgumentTypeError(f"'{text}': give {wanted}")
        return value

    return parse


def _dropout(text: str) -> float | str:
    return text if text == "own" else _number("dropout")(text)


def _epochs(text: str) -> tuple[int, ...]:
    """`4,1`, one number for each rate."""
    return tuple(whole(1)(each) for each in text.split(","))


def requested(options: argparse.Namespace) -> "TrainingRequest":
    """What the options say. Raises UserError."""
    from dataclasses import fields

    from bench.data_options import data_spec
    from bench.train.training_request import TrainingRequest

    own = {field.name: vars(options)[field.name] for field in fields(TrainingRequest) if field.name != "images"}
    return TrainingRequest(images=data_spec(options), **own)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        with busy(LIBRARIES):
            from bench.train.paper_nets import refuse_others, train_all
            from bench.train.training import train

        if options.paper:  # first of all: what is refused must not be asked for
            usual = parser()
            refuse_others(name for name, value in vars(options).items() if value != usual.get_default(name))
            train_all(requested(options), options.jobs)
        else:
            train(requested(options))
        return 0

    return finished("bench.train", work)


if __name__ == "__main__":
    sys.exit(main())
