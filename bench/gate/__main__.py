"""`python -m bench.gate`: whether new results are worse than a baseline."""

import argparse
import sys
from collections.abc import Sequence

from bench.command import command_parser, finished
from bench.errors import UserError
from bench.folders import place

JUDGING = ("tolerance", "alpha", "throughput", "json", "junit", "summary")
UPDATING = ("why", "drop_missing", "save_posteriors")


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench.gate",
        "Compare two tables of results row by row. Exit 1 where a row is worse, missing, or measures something else "
        "than in the baseline; or two files of timings, as bench.speed and pytest-benchmark write them.",
    )
    parser.add_argument("baseline", metavar="BASELINE", type=place, help="results.json, results.csv or benchmark.json")
    parser.add_argument("new", metavar="NEW", type=place, help="the same, to judge")
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
    parser.add_argument(
        "--store", type=place, metavar="DIR", help="where NEW's blocks are now (where bench.run kept them)"
    )
    out = parser.add_argument_group("what comes out, of all rows")
    out.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    out.add_argument("--junit", type=place, metavar="FILE", help="write JUnit's XML, a test case a row")
    out.add_argument("--summary", type=place, metavar="FILE", help="append Markdown, such as to $GITHUB_STEP_SUMMARY")
    new = parser.add_argument_group("a new baseline")
    new.add_argument("--update", action="store_true", help="write the rows of NEW to BASELINE, if any changed")
    new.add_argument("--why", metavar="TEXT", help="the reason, which the history in BASELINE keeps")
    new.add_argument("--drop-missing", action="store_true", help="rows that NEW lacks leave the baseline")
    new.add_argument(
        "--save-posteriors",
        action="store_true",
        help="keep NEW's posteriors beside BASELINE; done anyway where some lie there",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    if options.update:
        return finished("bench.gate", lambda: _update(options))
    return finished("bench.gate", lambda: _judge(options), "no verdict was given")


def _judge(options: argparse.Namespace) -> int:
    from bench.gate.judge import Output, judge
    from results.gate import Rules

    _refuse(options, UPDATING, "goes with --update; leave it out, or give that too")
    rules = Rules(options.tolerance, options.alpha, options.throughput)
    output = Output(options.json, options.junit, options.summary)
    return judge(options.baseline, options.new, rules, output, options.store)


def _update(options: argparse.Namespace) -> int:
    from bench.gate.update import Update, update

    _refuse(options, JUDGING, "is about judging, and --update judges nothing; leave it out")
    about = Update(options.why or "", options.drop_missing, options.save_posteriors, options.store)
    return update(options.baseline, options.new, about)


def _refuse(options: argparse.Namespace, names: Sequence[str], why: str) -> None:
    """Raise UserError for an option that does not belong to what is done."""
    for name in names:
        given = getattr(options, name)
        if given is not None and given is not False:  # 0 is a tolerance
            raise UserError(f"--{name.replace('_', '-')} {why}")


if __name__ == "__main__":
    sys.exit(main())
