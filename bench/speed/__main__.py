"""`python -m bench.speed`: how fast a net is, and where a protocol's time goes."""

import argparse
import sys
from typing import TYPE_CHECKING

from bench.command import command_parser, finished
from bench.errors import UserError
from bench.folders import place
from bench.options import add_data, add_device, add_engine, whole
from bench.progress import LIBRARIES, busy

if TYPE_CHECKING:
    from bench.speed.measure import NetSpeeds, ProtocolSpeeds

EPILOG = """examples:
  python -m bench.speed --model vgg16,vgg19 --dtypes fp32,tf32,bf16
  python -m bench.speed --model vgg16 --protocol dense,multicrop --data folder:DIR --limit 100"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("bench.speed", "Throughput and latency of nets, and where a protocol's time goes.", EPILOG)
    what = parser.add_argument_group("what is measured")
    what.add_argument("--model", default="vgg16", metavar="NAMES", help="nets, commas between (vgg16)")
    what.add_argument("--width", type=float, default=1.0, help="multiplier of the paper's nets' channels (1)")
    what.add_argument("--dtypes", default="fp32", metavar="LIST", help="of fp32, tf32, bf16, fp16 (fp32)")
    what.add_argument("--layouts", default="nchw,nhwc", metavar="LIST", help="of nchw, nhwc (both)")
    what.add_argument(
        "--modes",
        default="eager",
        metavar="LIST",
        help="of eager, compiled, and quick, bench.run's forms on a CPU (eager)",
    )
    what.add_argument("--smallest", type=whole(1), default=1, metavar="N", help="first batch (1)")
    what.add_argument("--largest", type=whole(1), metavar="N", help="largest batch; doubled until memory runs out")
    what.add_argument("--seconds", type=float, default=1.0, help="that each measurement takes at least (1)")
    add_device(what)
    add_engine(what)
    what.add_argument("--protocol", metavar="LIST", help="measure these end to end instead, with the options below")
    end_to_end = parser.add_argument_group("a protocol end to end")
    end_to_end.add_argument("--weights", default="auto", metavar="WHERE", help="as for bench.run (auto)")
    add_data(end_to_end)
    end_to_end.add_argument("--limit", default="32", metavar="N", help="images (32)")
    end_to_end.add_argument("--batch-size", type=whole(1), metavar="N", help="views at once (as suits the device)")
    end_to_end.add_argument("--workers", type=whole(1), metavar="N", help="threads that prepare images (one per core)")
    end_to_end.add_argument(
        "--sharing",
        default="auto",
        metavar="LIST",
        help="of on, off: crops of a grid with shared early features, and without; or auto, as suits the device (auto)",
    )
    end_to_end.add_argument(
        "--compile",
        default="auto",
        metavar="LIST",
        help="of on, off: nets compiled by torch, and not; or auto, as for bench.run (auto)",
    )
    for name in ("weights-key", "pixels", "S", "Q", "side", "drop-class", "classes", "model-args"):
        end_to_end.add_argument(f"--{name}", help="as for bench.run")
    parser.add_argument(
        "--out",
        type=place,
        metavar="DIR",
        help="folder for speed.md and .json, and benchmark.json for pytest-benchmark (runs/speed-DATE-TIME)",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        with busy(LIBRARIES):
            from bench.speed.measure import run

        run(_request(options), options.out)
        return 0

    return finished("bench.speed", work, "nothing was written")


def _request(options: argparse.Namespace) -> "NetSpeeds | ProtocolSpeeds":
    from bench.data_options import data_spec
    from bench.engine.request import Computation, Evaluation
    from bench.requests import net_specs, protocol_spec
    from bench.speed.measure import NetSpeeds, ProtocolSpeeds

    dtypes = options.dtypes.split(",")
    if options.protocol:
        request = Evaluation(
            nets=net_specs(options),
            images=data_spec(options),
            protocols=protocol_spec(options),
            computation=Computation(options.device, options.batch_size, options.workers, engine=options.engine),
        )
        return ProtocolSpeeds(request, dtypes, options.sharing.split(","), options.compile.split(","))
    for name in ("sharing", "compile"):
        if (given := getattr(options, name)) != "auto":
            raise UserError(f"--{name} {given}: it is of a protocol end to end; give --protocol, or leave it out")
    return NetSpeeds(
        nets=options.model.split(","),
        device=options.device,
        width=options.width,
        dtypes=dtypes,
        layouts=options.layouts.split(","),
        modes=options.modes.split(","),
        smallest=options.smallest,
        largest=options.largest,
        seconds=options.seconds,
        engine=options.engine,
    )


if __name__ == "__main__":
    sys.exit(main())
