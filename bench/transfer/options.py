"""From the options of `bench.transfer` to the values of a request; the options themselves go no further."""

from argparse import Namespace

from bench.data_options import MOST_DIGITS
from bench.engine.request import Numbers
from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.divided import DividedSet
from bench.linear.request import Learning, Transfer
from bench.requests import computation, keeping, net_specs
from bench.transfer.measure import Output
from protocols.protocol import parse_Q


def transfer(options: Namespace, data: DataSpec | DividedSet) -> Transfer:
    """Everything that is asked for, on these images. Raises UserError and ProtocolError."""
    return Transfer(
        nets=net_specs(options),
        data=data,
        Q=parse_Q(options.Q) if options.Q else None,
        over=_words(options.over),
        fuse=options.fuse,
        region=options.region,
        learning=_learning(options),
        numbers=Numbers(options.dtype, skip_corrupt=options.skip_corrupt),
        computation=computation(options),
        keeping=keeping(options),
        submit=options.submission is not None,
    )


def _learning(options: Namespace) -> Learning:
    per_class = tuple(_number("--train-per-class", each) for each in _words(options.train_per_class))
    own = {} if options.C is None else {"C": tuple(_constant(each) for each in options.C.split(","))}
    return Learning(per_class, options.test_per_class, options.splits, options.seed, **own)


def _words(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(each.strip() for each in text.split(","))


def _number(option: str, text: str) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise UserError(f"{option} '{text}': give whole numbers above 0, such as 1,5,20")
    return int(text)


def _constant(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"--C '{text}': give numbers above 0, such as 0.1,1,10") from None


def output(options: Namespace) -> Output:
    """What comes out. Raises UserError, also where a library is missing."""
    return Output(options.out, _words(options.save_features), options.html, options.submission)
