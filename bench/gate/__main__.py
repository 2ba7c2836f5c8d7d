"""`python -m bench.gate`: whether new results are worse than a baseline."""

import argparse
import sys
from pathlib import Path

from bench.command import command_parser, finished


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench.gate",
        "Compare two tables of results row by row. Exit 1 where a row is worse, missing, or measures something else "
        "than in the baseline; or two files of timings, as bench.speed and pytest-benchmark write them.",
    )
    parser.add_argument("baseline", metavar="BASELINE", type=Path, help="results.json, results.csv or benchmark.json")
    parser.add_argument("new", metavar="NEW", type=Path, help="the same, to judge")
    parser.add_argument("--tolerance", type=int, metavar="IMAGES", help="so many more wrong images still pass (0)")
    parser.add_argument(
        "--alpha", type=float, metavar="P", help="more wrong images pass unless McNemar's p is below this, such as 0.01"
    )
    parser.add_argument(
        "--throughput",
        type=float,
        metavar="SHARE",
        help="fail below this share of the baseline's images/s, such as 0.8, on the same device and machine (off)",
    )
    out = parser.add_argument_group("what comes out, of all rows")
    out.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    out.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit's XML, a test case a row")
    out.add_argument("--summary", type=Path, metavar="FILE", help="append Markdown, such as to $GITHUB_STEP_SUMMARY")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from bench.gate.judge import Output, judge
        from results.gate import Rules

        rules = Rules(options.tolerance, options.alpha, options.throughput)
        return judge(options.baseline, options.new, rules, Output(options.json, options.junit, options.summary))

    return finished("bench.gate", work)


if __name__ == "__main__":
    sys.exit(main())
