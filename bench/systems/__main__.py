"""`python -m bench.systems`: nets around the paper's, trained on your photographs and compared under its protocols."""

import argparse
import sys
from pathlib import Path

from bench.options import (
    SUBSET,
    add_computation,
    add_reading,
    add_replace,
    add_skip,
    add_split,
    add_store,
    add_weights_key,
    command_parser,
    finished,
    whole,
)
from bench.systems.nets import SETS

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
        "--runs", type=Path, default=Path("runs/systems"), metavar="DIR", help="trained nets (runs/systems)"
    )
    out.add_argument(
        "--out", type=Path, default=Path("runs/tables"), metavar="DIR", help="systems.md and .csv (runs/tables)"
    )
    add_replace(out)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        from bench.systems.compare import run

        return run(options)

    return finished("bench.systems", work)


if __name__ == "__main__":
    sys.exit(main())
