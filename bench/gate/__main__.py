"""`python -m bench.gate`: whether new results are worse than a baseline."""

import argparse
import sys
from pathlib import Path

from bench.command import command_parser, finished, say


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench.gate",
        "Compare two tables of results row by row. Exit 1 where a row is worse, missing, or measures something else "
        "than in the baseline.",
    )
    parser.add_argument("baseline", metavar="BASELINE", type=Path, help="results.json or results.csv to compare with")
    parser.add_argument("new", metavar="NEW", type=Path, help="results.json or results.csv to judge")
    parser.add_argument(
        "--tolerance", type=int, default=0, metavar="IMAGES", help="so many more wrong images still pass (0)"
    )
    parser.add_argument(
        "--throughput",
        type=float,
        metavar="SHARE",
        help="fail below this share of the baseline's images/s, such as 0.8, on the same device and machine (off)",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from results.gate import compare_tables

        comparison = compare_tables(options.baseline, options.new, options.tolerance, options.throughput)
        say(comparison.markdown())
        return 0 if comparison.passed else 1

    return finished("bench.gate", work)


if __name__ == "__main__":
    sys.exit(main())
