"""`python -m bench.report`: one page about runs, made from stored posteriors and scores without the nets."""

import argparse
import sys

from bench.command import command_parser, finished
from bench.folders import place
from bench.report.section import PICTURES

EPILOG = """examples:
  python -m bench.report runs/20250101-120000
  python -m bench.report runs/vgg16 runs/resnet50 --out both.html
  python -m bench.report runs/voc2007 runs/caltech101 --out transfer.html"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench.report",
        "One HTML page about runs: errors, cost, scales, pairs, classes and mistakes; of transfers the curves of "
        "precision and recall. It is one file that needs no network. Nothing is evaluated again.",
        EPILOG,
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        type=place,
        nargs="+",
        help="folder that bench.run or bench.transfer wrote, or its results.json or transfer.json",
    )
    parser.add_argument("--out", type=place, metavar="FILE", help="the page (report.html in the first run's folder)")
    parser.add_argument(
        "--store", type=place, metavar="DIR", help="where the blocks are now (where bench.run kept them)"
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=PICTURES,
        metavar="N",
        help=f"so many pictures of mistakes, 0 for none ({PICTURES})",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from bench.progress import note
        from bench.report.making import ReportRequest, make

        page = make(ReportRequest(tuple(options.runs), options.out, options.store, options.pictures))
        note(f"written to {page}")
        return 0

    return finished("bench.report", work, "no page was written")


if __name__ == "__main__":
    sys.exit(main())
