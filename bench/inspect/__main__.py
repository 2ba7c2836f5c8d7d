"""`python -m bench.inspect`: a row of a run looked into, from its stored posteriors, without the net."""

import argparse
import sys

from bench.command import command_parser, finished
from bench.folders import place

EPILOG = """examples:
  python -m bench.inspect runs/20250101-120000
  python -m bench.inspect runs/20250101-120000 --row fe16a62e,2 --mistakes 60"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench.inspect",
        "Look into rows of a run: classes, confusions, calibration, every image, and the surest mistakes as pictures. "
        "Nothing is evaluated again.",
        EPILOG,
    )
    parser.add_argument("run", metavar="RUN", type=place, help="folder that bench.run wrote, or its results.json")
    parser.add_argument(
        "--row", metavar="LIST", help="signature ids or numbers from 1 in the table's order, commas between (all)"
    )
    parser.add_argument(
        "--mistakes",
        type=int,
        default=24,
        metavar="N",
        help="so many of the surest mistakes as pictures; 0 for none (24)",
    )
    parser.add_argument(
        "--store", type=place, metavar="DIR", help="where the blocks are now (where bench.run kept them)"
    )
    parser.add_argument("--out", type=place, metavar="DIR", help="folder for a folder per row (RUN/inspect)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from bench.inspect.stored_rows import InspectionRequest, run

        run(InspectionRequest(options.run, options.row, options.mistakes, options.store, options.out))
        return 0

    return finished("bench.inspect", work, "what is looked into is written")


if __name__ == "__main__":
    sys.exit(main())
