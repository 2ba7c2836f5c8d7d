"""Options that several commands share."""

import argparse
from collections.abc import Callable

from bench.choices import CLASS_ORDERS, COMPILING, DTYPES, ENGINES, MAP_RULES
from bench.folders import place

SUBSET = 200  # images of the built-in set that a quick run takes


def add_data(group: argparse._ActionsContainer) -> None:
    """Which images; `--seed` is of all that is random, in training too."""
    group.add_argument(
        "--data",
        default="shapes",
        metavar="SET",
        help="shapes, folder:DIR, list:FILE, imagenet:DIR or another of bench.run --list data (shapes, built in)",
    )
    add_split(group)
    add_reading(group)


def add_reading(group: argparse._ActionsContainer) -> None:
    """How a set is read where it does not say so itself, and which of a net's classes its labels are."""
    group.add_argument(
        "--class-order",
        choices=CLASS_ORDERS,
        help="how class names that are or hold numbers are sorted: 1 10 2 or 1 2 10 (by the weights' names, or as the "
        "net's indices; else refused)",
    )
    group.add_argument(
        "--labels-from", type=int, choices=(0, 1), default=0, help="what index labels of the data begin at (0)"
    )
    group.add_argument(
        "--class-map",
        metavar="FILE",
        help="which of the net's classes each class of the data is: lines 'name,index', or JSON (off)",
    )
    add_files(group)


def add_files(group: argparse._ActionsContainer) -> None:
    """How lists and files of a set are read."""
    group.add_argument(
        "--list-columns",
        metavar="IMAGE,LABEL",
        help="of list:, parquet: and hf: the columns, or keys of JSON lines, that are image and label (by their names)",
    )
    add_duplicates(group)
    group.add_argument(
        "--exif", action="store_true", help="turn images as their EXIF orientation says (off: ImageNet's convention)"
    )
    group.add_argument(
        "--verify", action="store_true", help="read every image anew, also those whose digest the cache knows"
    )


def add_duplicates(group: argparse._ActionsContainer) -> None:
    """Whether links may show files again."""
    group.add_argument(
        "--allow-duplicates", action="store_true", help="count files twice that stand in the data twice, and say so"
    )


def add_split(group: argparse._ActionsContainer) -> None:
    """Which images of a set are for training, where it does not say so itself."""
    group.add_argument(
        "--split",
        type=_share,
        metavar="SHARE",
        help="validate on this share of every class and train on the rest, where the set has no such parts (off)",
    )
    group.add_argument(
        "--seed", type=whole(0), default=0, metavar="N", help="of all that is random, --split's draw too (0)"
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}': give a number between 0 and 1, such as 0.2")
    return value


def whole(least: int) -> Callable[[str], int]:
    """An option's type: a whole number, `least` or above."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}': give a whole number from {least}")
        return int(text)

    return parse


def add_numbers(group: argparse._ArgumentGroup) -> None:
    """What changes the numbers, beside nets, protocols and data."""
    add_posteriors(group)
    group.add_argument("--restrict-classes", action="store_true", help="only the classes present in the data compete")
    add_skip(group)


def add_skip(group: argparse._ArgumentGroup, more: str = "") -> None:
    """What happens to images that cannot be evaluated."""
    group.add_argument(
        "--skip-corrupt", action="store_true", help=f"leave out images that cannot be decoded, and say so{more}"
    )


def add_posteriors(group: argparse._ArgumentGroup) -> None:
    """What changes an image's posteriors, beside nets and protocols."""
    add_unsaid(group)
    group.add_argument(
        "--drop-class",
        metavar="INDEX",
        help="leave out a class of the net: 0 if it is background; none: all of 1001 are meant; one, or one per model",
    )
    group.add_argument(
        "--classes",
        metavar="FILE",
        help="names of the net's classes where weights do not say them, and of the data's where labels are numbers: "
        "one a line, or JSON; one, or one per model",
    )
    group.add_argument(
        "--map",
        choices=MAP_RULES,
        default="scores",
        help="what is averaged over the positions of a class score map: scores, then soft-max, or posteriors (scores)",
    )
    add_dtype(group)


def add_unsaid(group: argparse._ArgumentGroup) -> None:
    """What weights and nets do not say of themselves."""
    group.add_argument(
        "--pixels",
        help="what the weights expect where they do not say it: torchvision, caffe, mnist, or order/range/mean/std "
        "such as BGR/255/104,117,123/1,1,1, or L/1/0.5/0.5 for grey",
    )
    add_weights_key(group)
    group.add_argument(
        "--side",
        metavar="PIXELS",
        help="of the crops where weights do not say it; one, or one per model (the net's own)",
    )
    group.add_argument(
        "--model-args",
        metavar="JSON",
        help="for FILE.py:NAME: what NAME is called with, such as '{\"width\": 2}'; one, or a list with one per model",
    )


def add_dtype(group: argparse._ArgumentGroup) -> None:
    """In which numbers it is computed."""
    group.add_argument("--dtype", choices=DTYPES, default="fp32", help="number format (fp32)")


def add_weights_key(group: argparse._ArgumentGroup) -> None:
    """Which state dict of a file."""
    group.add_argument(
        "--weights-key",
        metavar="KEY",
        help="which state dict of a file that holds several, such as model_ema, or what its names begin with, such as "
        "teacher; one, or one per model",
    )


def add_computation(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """How it is computed."""
    how = parser.add_argument_group("how it is computed; none of these changes a number beyond 1e-5")
    add_device(how)
    add_engine(how)
    how.add_argument("--batch-size", default="auto", help="views at once, or auto; halved when memory runs out (auto)")
    how.add_argument("--workers", type=int, metavar="N", help="threads that prepare images (one per core, 64 at most)")
    how.add_argument(
        "--compile",
        choices=COMPILING,
        default="auto",
        help="have torch compile the nets, which takes a minute: auto is on CUDA where the images are worth it (auto)",
    )
    return how


def add_device(how: argparse._ActionsContainer) -> None:
    """On what."""
    how.add_argument(
        "--device",
        default="auto",
        help="cpu, cuda, cuda:N, mps, xpu, or auto: CUDA if there is one, else cpu (auto)",
    )


def add_engine(how: argparse._ActionsContainer) -> None:
    """By what."""
    how.add_argument(
        "--engine",
        choices=ENGINES,
        default="torch",
        help="what computes the nets: torch, or a runtime that is installed (torch)",
    )


def add_store(how: argparse._ArgumentGroup) -> None:
    """What is kept of it."""
    how.add_argument(
        "--store", type=place, metavar="DIR", help="where finished blocks are kept (the user's cache folder)"
    )
    how.add_argument("--fresh", action="store_true", help="compute anew what is stored")


def add_replace(out: argparse._ArgumentGroup) -> None:
    """Whether what a longer run wrote may be lost."""
    out.add_argument(
        "--replace", action="store_true", help="write over tables in --out that were made from more images (refused)"
    )


def add_dry_run(how: argparse._ArgumentGroup) -> None:
    """Whether it is computed at all."""
    how.add_argument("--dry-run", action="store_true", help="print what would be computed, with views and FLOPs")
