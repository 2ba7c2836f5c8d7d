"""`python -m bench.transfer`: how well linear classifiers learn other classes from what nets see, as in appendix B.

The command line. Nothing heavy is imported before the arguments are read.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from bench.choices import OVER, REGIONS
from bench.command import command_parser, finished
from bench.folders import place
from bench.options import (
    SUBSET,
    add_computation,
    add_dry_run,
    add_dtype,
    add_files,
    add_skip,
    add_store,
    add_unsaid,
    whole,
)
from bench.progress import LIBRARIES, busy

if TYPE_CHECKING:
    from bench.images.data_spec import DataSpec
    from bench.images.divided import DividedSet

FORMS = "npz,parquet"  # of descriptors that are saved
EPILOG = """examples:
  python -m bench.transfer
  python -m bench.transfer --model vgg16,vgg19 --weights d.safetensors,e.safetensors --fuse --data voc2007-cls:DIR
  python -m bench.transfer --model vgg16 --weights d.safetensors --data caltech101 --over stack,mean,each
  python -m bench.transfer --model squeezenet1_0 --weights w.safetensors --data folder:DIR --train-per-class 1,5,20
  torchrun --nproc-per-node 2 -m bench.transfer --data voc2007-cls:DIR"""


def parser() -> argparse.ArgumentParser:
    about = "How well linear classifiers learn other classes from what nets see (the paper's appendix B)."
    parser = command_parser("bench.transfer", about, EPILOG)
    _add_what(parser)
    _add_learning(parser)
    how = add_computation(parser)
    add_store(how)
    add_dry_run(how)
    _add_output(parser)
    parser.set_defaults(split=None, class_order=None, labels_from=0, class_map=None, classes=None, drop_class=None)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("whose descriptors of which images")
    what.add_argument(
        "--model",
        default="vgg16",
        metavar="NAMES",
        help="nets by name or letter, timm:NAME, or FILE.py:NAME or MODULE:NAME, whose code is run; commas between "
        "(vgg16)",
    )
    what.add_argument("--weights", default="auto", metavar="WHERE", help="as for bench.run, one per model (auto)")
    what.add_argument("--S", help="the weights' training scale where they do not say it, such as 384 or 256-512")
    what.add_argument(
        "--data",
        default="shapes",
        metavar="SET",
        help="voc2007-cls:DIR, voc2012-cls:DIR, voc2012-action:DIR, caltech101[:DIR], caltech256[:DIR], folder:DIR, or "
        "another of bench.run --list data (shapes, built in)",
    )
    what.add_argument(
        "--region",
        choices=REGIONS,
        help="of voc2012-action: the whole image, the person's box, or the descriptors of both stacked (image+box)",
    )
    what.add_argument(
        "--limit",
        help=f"this many images of each part, spread evenly, or all ({SUBSET} of shapes, all of other sets)",
    )
    what.add_argument(
        "--Q", help="test scales, such as 256/384/512 (the paper's: these, and 640 and 768 too for Pascal VOC)"
    )
    what.add_argument(
        "--over",
        metavar="LIST",
        help=f"what becomes of several Q: {', '.join(OVER)}, commas between (mean; stack for Caltech's sets)",
    )
    what.add_argument("--fuse", action="store_true", help="add the descriptors of all models, stacked")
    add_unsaid(what)
    add_files(what)
    add_dtype(what)
    add_skip(what)


def _add_learning(parser: argparse.ArgumentParser) -> None:
    learning = parser.add_argument_group("what is learnt from, and how")
    learning.add_argument(
        "--train-per-class",
        metavar="N[,N...]",
        help="learn from N images of each class, drawn at random; several: rows for each (30 of caltech101, 60 of "
        "caltech256, else the set's training part)",
    )
    learning.add_argument(
        "--test-per-class",
        type=whole(1),
        metavar="N",
        help="be judged on at most N of the other images of each class (50 of caltech101, else all)",
    )
    learning.add_argument(
        "--splits", type=whole(1), metavar="N", help="how often images are drawn; what is said is the mean (3)"
    )
    learning.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of all that is random (0)")
    learning.add_argument(
        "--C", metavar="C[,C...]", help="the classifiers' constants of which the best on validation images is taken"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    out = parser.add_argument_group("what comes out")
    out.add_argument("--out", type=place, metavar="DIR", help="folder for transfer.csv, .json and .md (runs/DATE-TIME)")
    out.add_argument("--html", action="store_true", help="write report.html too, as bench.report makes it")
    out.add_argument(
        "--save-features",
        nargs="?",
        const=FORMS,
        metavar="FORMS",
        help="write each net's descriptors at each Q, with ids and labels, as npz, parquet or both, commas between "
        "(both)",
    )
    out.add_argument(
        "--submission",
        type=place,
        metavar="DIR",
        help="write the decision values of Pascal VOC's test images, whose labels are kept back, as its evaluation "
        "server takes them; classifiers learn from train and val for these",
    )


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.limit is None and options.data == "shapes":
        options.limit = str(SUBSET)

    def work() -> int:
        data = _looked_at(options)
        with busy(LIBRARIES):
            from bench.transfer.measure import dry_run, run
            from bench.transfer.options import output, transfer

        request, written = transfer(options, data), output(options)
        if options.dry_run:
            dry_run(request)
        else:
            run(request, written)
        return 0

    return finished("bench.transfer", work, shared=True)


def _looked_at(options: argparse.Namespace) -> "DataSpec | DividedSet":
    from bench.data_options import looked_at
    from bench.images.divided import open_divided
    from bench.images.first_look import first_look_at_parts

    submit = options.submission is not None
    return looked_at(options, lambda spec: open_divided(spec, options.region, submit), first_look_at_parts)


if __name__ == "__main__":
    sys.exit(main())
