"""`python -m bench.convert`: weights of any format as a `.safetensors` that says what is known of them."""

import argparse
import sys

from bench.command import command_parser, finished, say
from bench.folders import place
from bench.progress import LIBRARIES, busy

EPILOG = """examples:
  python -m bench.convert VGG_ILSVRC_16_layers.caffemodel --out vgg16.safetensors
  python -m bench.convert last.ckpt --model resnet50 --weights-key ema --pixels torchvision --out resnet50.safetensors
  python -m bench.convert hf:timm/vgg16.tv_in1k --model vgg16 --out vgg16.safetensors"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench.convert",
        "Write weights of any format that --weights takes as a .safetensors, with all that is known of them in its "
        "header. They are tried first: what does not fit the net is not written.",
        EPILOG,
    )
    parser.add_argument("where", metavar="WHERE", help="weights, as --weights of bench.run takes them")
    parser.add_argument("--model", metavar="NAME", help="the net, where the weights do not say it")
    parser.add_argument("--out", type=place, required=True, metavar="FILE", help="the .safetensors to be written")
    parser.add_argument("--replace", action="store_true", help="write over a file that is there")
    said = parser.add_argument_group("what the weights do not say themselves")
    said.add_argument("--weights-key", metavar="KEY", help="which state dict of a file that holds several")
    said.add_argument("--S", help="the training scale, such as 384 or 256-512")
    said.add_argument("--pixels", help="what they expect: torchvision, caffe, mnist, or order/range/mean/std")
    said.add_argument("--side", metavar="PIXELS", help="of the crops")
    said.add_argument("--classes", metavar="FILE", help="names of the classes: one a line, or JSON")
    said.add_argument("--drop-class", metavar="INDEX", help="a class that stands for no image, such as 0 of 1001")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)

    def work() -> int:
        with busy(LIBRARIES):
            from bench.convert.conversion import convert, known_model
        from bench.images.pixels import parse_pixels
        from bench.nets.net_spec import nets_of
        from bench.requests import parsed
        from protocols.scales import parse_S
        from results.formatting import shown_lines

        with busy(f"opening {options.where}"):
            model = options.model or known_model(options.where, options.weights_key)
        scale, pixels = parsed(parse_S, options.S), parsed(parse_pixels, options.pixels)
        (spec,) = nets_of(
            *([model], [options.where], [scale], pixels),
            *(options.weights_key, options.side, options.drop_class, options.classes),
        )
        with busy(f"converting {options.where}"):
            lines = convert(spec, options.out, options.replace)
        say(shown_lines("\n".join(lines)))
        return 0

    return finished("bench.convert", work, kept="nothing was written")


if __name__ == "__main__":
    sys.exit(main())
