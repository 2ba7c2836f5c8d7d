"""`python -m bench.compare`: which of two rows or runs is better on the same images, and where they differ.

The command line. Nothing heavy is imported before the arguments are read.
"""

import argparse
import sys

from bench.command import command_parser, finished, say
from bench.folders import place
from bench.progress import busy

EPILOG = """examples:
  python -m bench.compare runs/a:1 runs/a:2
  python -m bench.compare runs/a:fe16a62e runs/b:1 runs/c:1
  python -m bench.compare runs/a runs/b

A row is RUN:NUMBER, from 1 in the table's order, or RUN:SIGNATURE; RUN alone is all of its rows. Two runs as wholes are
compared row by row, in all other cases each row with each. Nothing is evaluated again."""


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench.compare",
        "Which of two rows is better on the same images? Both errors, their difference with its interval, McNemar's "
        "test, how many images would show such a difference, and the classes and images on which they differ.",
        EPILOG,
    )
    parser.add_argument("rows", nargs="+", metavar="ROW", help="RUN:2, RUN:SIGNATURE, or RUN: what bench.run wrote")
    parser.add_argument(
        "--by", choices=("class", "Q", "view"), help="tell the difference by class, test scale or kind of view"
    )
    parser.add_argument(
        "--classes",
        type=int,
        metavar="N",
        help="so many of the classes that changed most (10 for two rows, 0 for more)",
    )
    parser.add_argument(
        "--store", type=place, metavar="DIR", help="where the blocks are now (where bench.run kept them)"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON: all classes, all images by id")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from bench.compare.comparing import ComparisonRequest, told

        request = ComparisonRequest(tuple(options.rows), options.by, options.classes, options.store)
        with busy("comparing"):
            found = told(request, options.json)
        say(found)
        return 0

    return finished("bench.compare", work, "nothing was written")


if __name__ == "__main__":
    sys.exit(main())
