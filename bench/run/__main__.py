"""`python -m bench.run`: error tables of a classifier under the VGG paper's test protocols.

The command line. Nothing heavy is imported before the arguments are read.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from bench.command import command_parser, finished, say
from bench.folders import place
from bench.options import SUBSET, add_computation, add_data, add_dry_run, add_numbers, add_store
from bench.progress import LIBRARIES, busy

if TYPE_CHECKING:
    from bench.images.sources import DataSpec, OpenedData

MAPS = 12  # with --html
EPILOG = """examples:
  python -m bench.run --model vgg16 --protocol dense,multicrop
  python -m bench.run --model vgg16 --data imagenet:DIR --weights torchvision:VGG16_Weights.IMAGENET1K_V1
  python -m bench.run --model vgg16,vgg19 --fuse --data folder:DIR --weights a.safetensors,b.safetensors
  torchrun --nproc-per-node 2 -m bench.run --protocol multicrop"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("bench.run", "Error tables of a classifier under the VGG paper's test protocols.", EPILOG)
    what = parser.add_argument_group("what is measured")
    what.add_argument(
        "--model",
        default="vgg16",
        metavar="NAMES",
        help="nets by name or letter, timm:NAME, or FILE.py:NAME or MODULE:NAME, whose code is run; commas between "
        "(vgg16)",
    )
    what.add_argument(
        "--weights",
        default="auto",
        metavar="WHERE",
        help="auto, torchvision:NAME, builtin:NAME, hf:OWNER/REPO, or a file of torch, Caffe, Keras or others; one "
        "per model (auto)",
    )
    add_data(what)
    what.add_argument(
        "--labels",
        metavar="real:FILE",
        help="count ImageNet's validation images by ReaL's labels, several right ones an image (their own)",
    )
    what.add_argument(
        "--protocol",
        default="dense,multicrop",
        metavar="LIST",
        help="protocols, commas between, such as dense,multicrop@256/384/512,dense+multicrop (dense,multicrop)",
    )
    what.add_argument(
        "--Q", help="test scales for protocols that name none, such as 256/384/512 (the paper's rule for S)"
    )
    what.add_argument("--S", help="the weights' training scale where they do not say it, such as 384 or 256-512")
    what.add_argument(
        "--limit",
        help=f"this many images, spread evenly over the set, or all ({SUBSET} of shapes, all of other sets)",
    )
    what.add_argument("--fuse", action="store_true", help="add the fusion of all models")
    add_numbers(what)
    how = add_computation(parser)
    add_store(how)
    add_dry_run(how)
    out = parser.add_argument_group("what comes out")
    out.add_argument("--out", type=place, metavar="DIR", help="folder for results.csv, .json and .md (runs/DATE-TIME)")
    out.add_argument(
        "--columns",
        metavar="NAMES",
        help="of the table that is printed: all that results.md has, or names from its head or the CSV, commas between",
    )
    out.add_argument("--html", action="store_true", help="write report.html too, as bench.report makes it")
    out.add_argument(
        "--maps",
        type=int,
        metavar="N",
        help="class score maps of so many of each dense row's surest mistakes, for the report; costs what evaluating "
        f"so many images costs (0; with --html {MAPS})",
    )
    out.add_argument("--save-posteriors", action="store_true", help="write ids, labels and posteriors, an .npz a row")
    out.add_argument("--list", choices=("models", "protocols", "data", "weights"), help="say what there is, and stop")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.limit is None and options.data == "shapes":
        options.limit = str(SUBSET)

    def work() -> int:
        if options.list:
            from bench.run.catalogue import catalogue

            say(catalogue(options.list))
            return 0
        data = _looked_at(options)
        with busy(LIBRARIES):
            from bench.requests import evaluation
            from bench.run.measure import Output, dry_run, run

        maps = (MAPS if options.html else 0) if options.maps is None else options.maps
        output = Output(options.out, options.columns, options.save_posteriors, options.html, maps)
        request = evaluation(options, data)
        if options.dry_run:
            dry_run(request)
        else:
            run(request, output)
        return 0

    return finished("bench.run", work, shared=True)


def _looked_at(options: argparse.Namespace) -> "DataSpec | OpenedData":
    from bench.data_options import looked_at
    from bench.images.first_look import first_look
    from bench.images.sources import OpenedData, open_data

    return looked_at(options, lambda spec: OpenedData(spec, open_data(spec)), lambda opened: first_look(opened.images))


if __name__ == "__main__":
    sys.exit(main())
