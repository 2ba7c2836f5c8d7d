"""`python -m bench.tables`: the paper's Tables 3 to 6 and its claims, measured; what `run_all.sh` runs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import command_parser, finished
from bench.folders import place
from bench.options import SUBSET, add_computation, add_data, add_dry_run, add_numbers, add_replace, add_store
from bench.progress import LIBRARIES, busy

if TYPE_CHECKING:
    from bench.tables.measure import TablesRequest

EPILOG = """examples:
  python -m bench.tables --quick
  python -m bench.tables --data imagenet:DIR --weights DIR
  python -m bench.tables --data imagenet:DIR --weights D-256-512=vgg16.pth,E-256-512=vgg19.pth --pixels caffe
  torchrun --nproc-per-node 8 -m bench.tables --data imagenet:DIR --weights DIR --dtype bf16"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("bench.tables", "The VGG paper's Tables 3 to 6 and its claims, measured.", EPILOG)
    what = parser.add_argument_group("what is measured")
    add_data(what)
    what.add_argument(
        "--weights",
        default="auto",
        metavar="WHERE",
        help="auto, the built-in nets; DIR with NAME.safetensors, .pth or .pt; or NAME=WHERE, commas between, WHERE as "
        "for bench.run. Names: A-256, A-LRN-256, B-256, and C, D, E each with -256, -384 and -256-512. Rows for whose "
        "nets there are no weights are left out",
    )
    what.add_argument("--limit", metavar="N", help="this many images, spread evenly over the set, or all (all)")
    what.add_argument("--quick", dest="limit", action="store_const", const=str(SUBSET), help=f"--limit {SUBSET}")
    add_numbers(what)
    how = add_computation(parser)
    add_store(how)
    add_dry_run(how)
    out = parser.add_argument_group("what comes out")
    out.add_argument("--out", type=place, default=Path("runs/tables"), metavar="DIR", help="folder (runs/tables)")
    add_replace(out)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        with busy(LIBRARIES):
            from bench.tables.measure import dry_run, run

        (dry_run if options.dry_run else run)(_request(options))
        return 0

    return finished("bench.tables", work, shared=True)


def _request(options: argparse.Namespace) -> "TablesRequest":
    from bench.data_options import data_spec
    from bench.requests import computation, keeping, numbers, specs_of
    from bench.tables.measure import BY_NAME, TablesRequest, sources
    from protocols.scales import parse_S

    found = sources(options.weights, options.data)
    nets = [BY_NAME[name] for name in found]
    configurations = [net.configuration for net in nets]
    return TablesRequest(
        nets=specs_of(options, configurations, list(found.values()), [parse_S(net.S) for net in nets]),
        images=data_spec(options),
        numbers=numbers(options),
        computation=computation(options),
        keeping=keeping(options),
        names=tuple(found),
        out=options.out,
        replace=options.replace,
    )


if __name__ == "__main__":
    sys.exit(main())
