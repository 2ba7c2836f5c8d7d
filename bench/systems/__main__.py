"""`python -m bench.systems`: nets around the paper's, trained on your photographs and compared under its protocols."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import command_parser, finished
from bench.folders import place
from bench.options import (
    SUBSET,
    add_computation,
    add_reading,
    add_replace,
    add_skip,
    add_split,
    add_store,
    add_weights_key,
    whole,
)
from bench.progress import LIBRARIES, busy
from bench.systems.systems import SETS

if TYPE_CHECKING:
    from bench.images.sources import DataSpec
    from bench.systems.side_by_side import SystemsRequest

EPILOG = """example:
  python -m bench.systems --flowers folder:flowers --catsdogs folder:cats_dogs \\
      --features squeezenet1_0.safetensors --pixels BGR/255/104,117,123/1,1,1 --out results/tables"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("bench.systems", __doc__.partition(": ")[2].strip(), EPILOG)
    what = parser.add_argument_group("on which images; a comparison without any is left out")
    for name, about in SETS.items():
        what.add_argument(f"--{name}", metavar="SET", help=about)
    add_split(what)
    add_reading(what)
    what.add_argument("--limit", default=str(SUBSET), metavar="N", help=f"validation images, or all ({SUBSET})")
    add_skip(what, "; training takes no others")
    features = parser.add_argument_group("where frozen features come from")
    features.add_argument(
        "--features", metavar="WHERE", help="weights of squeezenet1_0; without them these nets are left out"
    )
    add_weights_key(features)
    features.add_argument("--pixels", help="what these weights expect, where they do not say it")
    how = add_computation(parser)
    add_store(how)
    how.add_argument("--jobs", type=whole(1), metavar="N", help="trainings at once (by the cores)")
    how.add_argument("--threads", type=whole(1), metavar="N", help="of each training (by the cores)")
    out = parser.add_argument_group("what comes out")
    out.add_argument(
        "--runs", type=place, default=Path("runs/systems"), metavar="DIR", help="trained nets (runs/systems)"
    )
    out.add_argument(
        "--out", type=place, default=Path("runs/tables"), metavar="DIR", help="systems.md and .csv (runs/tables)"
    )
    add_replace(out)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        with busy(LIBRARIES):
            from bench.systems.side_by_side import run

        run(_request(options))
        return 0

    return finished("bench.systems", work)


def _request(options: argparse.Namespace) -> "SystemsRequest":
    from bench.data_options import limit
    from bench.engine.request import Numbers
    from bench.requests import computation, keeping
    from bench.systems.side_by_side import SystemsRequest

    return SystemsRequest(
        data=_sets(options),
        limit=limit(options),
        features=options.features,
        key=options.weights_key,
        pixels=options.pixels,
        numbers=Numbers(skip_corrupt=options.skip_corrupt),
        computation=computation(options),
        keeping=keeping(options),
        jobs=options.jobs,
        threads=options.threads,
        runs=options.runs,
        out=options.out,
        replace=options.replace,
    )


def _sets(options: argparse.Namespace) -> "dict[str, DataSpec]":
    """The data that were given, by option; --split is for those that have no parts of their own. Raises UserError."""
    from bench.data_options import data_spec
    from bench.errors import UserError
    from bench.images.sources import has_parts

    given = {name: getattr(options, name) for name in SETS}
    given["objects"] = given["objects"] or given["flowers"]
    sets = {name: data_spec(options, source) for name, source in given.items() if source}
    unparted = {name for name, each in sets.items() if not has_parts(each.source, each.columns)}
    if options.split and sets and not unparted:
        raise UserError(f"--split {options.split:g}: every set has parts of its own; leave --split out")
    return {
        name: replace(each, limit=None, split=each.split if name in unparted else None) for name, each in sets.items()
    }


if __name__ == "__main__":
    sys.exit(main())
