"""`python -m bench.predict`: the five most probable classes of any images, with pictures.

The command line. Nothing heavy is imported before the arguments are read.
"""

import argparse
import sys
from pathlib import Path

from bench.command import command_parser, finished
from bench.folders import place
from bench.options import add_computation, add_duplicates, add_posteriors
from bench.progress import LIBRARIES, busy

EPILOG = """examples:
  python -m bench.predict photo.jpg --weights torchvision:VGG16_Weights.IMAGENET1K_V1
  python -m bench.predict a.jpg b.png --weights net.safetensors --protocol dense+multicrop --plot
  python -m bench.predict DIR --weights net.safetensors --out predictions.csv

Images named one by one are printed; where a folder is among them, a CSV of all images is written.
Exit code: 0; 1 if some images cannot be read (they are named, the others done); 2 for a mistake in the command."""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("bench.predict", "The five most probable classes of any images, with pictures.", EPILOG)
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="image files, and folders: all images below them")
    add_duplicates(parser)
    what = parser.add_argument_group("what is computed")
    what.add_argument(
        "--model",
        default="vgg16",
        metavar="NAMES",
        help="a net by name or letter, timm:NAME, or FILE.py:NAME, whose code is run; "
        "several, commas between, are fused: their posteriors averaged (vgg16)",
    )
    what.add_argument(
        "--weights", default="auto", metavar="WHERE", help="as for bench.run; auto is the built-in net (auto)"
    )
    what.add_argument("--protocol", default="dense", help="one protocol, as for bench.run (dense)")
    what.add_argument("--Q", help="test scales where the protocol names none (the paper's rule for S)")
    what.add_argument("--S", help="the weights' training scale where they do not say it, such as 384 or 256-512")
    add_posteriors(what)
    what.add_argument(
        "--exif",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="turn images as their EXIF orientation says, which bench.run does not unless told to (on)",
    )
    add_computation(parser)
    out = parser.add_argument_group("what comes out")
    out.add_argument(
        "--out", type=_csv, metavar="FILE.csv", help="table of all images (runs/DATE-TIME/predictions.csv for folders)"
    )
    out.add_argument(
        "--plot",
        type=place,
        nargs="?",
        const=True,
        metavar="DIR",
        help="a PNG per image: the image, where the net sees the best class, the best five (DIR: runs/DATE-TIME)",
    )
    return parser


def _csv(text: str) -> Path:
    """A mistyped option must not write over an image."""
    if not text.lower().endswith(".csv"):
        raise argparse.ArgumentTypeError(f"'{text}': give a file that ends in .csv")
    return Path(text)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_intermixed_args(arguments)

    def work() -> int:
        with busy(LIBRARIES):
            from bench.engine.request import Numbers
            from bench.predict.predictions import PredictionRequest, run
            from bench.requests import computation, net_specs, protocol_spec

        request = PredictionRequest(
            images=options.images,
            nets=net_specs(options),
            protocols=protocol_spec(options),
            allow_duplicates=options.allow_duplicates,
            exif=options.exif,
            numbers=Numbers(options.dtype, options.map),
            computation=computation(options),
        )
        return run(request, options.out, options.plot)

    return finished("bench.predict", work, "the table and the pictures hold what was finished")


if __name__ == "__main__":
    sys.exit(main())
