"""Weights as torch.save writes them: read as tensors only."""

import pickle
import re
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from bench.errors import UserError
from bench.nets.formats.contents import begins, members
from bench.nets.state_dict_choice import state_in
from bench.nets.state_dicts import plain_state, refuse_bomb
from bench.nets.weights import Weights

PASSED_OVER = (  # what training scripts keep beside weights: best accuracies, paths and settings
    *(f"numpy.{core}.multiarray.scalar" for core in ("core", "_core")),
    "numpy.dtype",
    "_codecs.encode",  # of the bytes of numpy's numbers; before 2.5 torch does not allow it itself
    *(f"pathlib.{kind}" for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")),
    *(f"pathlib._local.{kind}" for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")),
    "types.SimpleNamespace",
)


class _Nothing:
    """What stands for a value that is passed over: it takes anything and keeps nothing."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


def _standing_for(name: str) -> type:
    module, _, kind = name.rpartition(".")
    return type(kind, (_Nothing,), {"__module__": module})


STANDING: list = [Namespace, *map(_standing_for, PASSED_OVER)]
PICKLE = b"\x80"  # how pickles begin since Python 2.3


@contextmanager
def _passing_over() -> Iterator[None]:
    """torch.load with weights_only takes what is passed over; what else it was told stays."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals(STANDING)
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def is_pickle(path: Path) -> bool:
    """Whether a file is torch's by its contents: an archive with a pickle in it, or a pickle."""
    return begins(path, PICKLE) or any(name.endswith("data.pkl") for name in members(path))


def read_pickle(spec: str, path: Path, model: str | None, key: str | None) -> Weights:
    """The state dict in a file of torch, or the one under `key`. Raises UserError."""
    refuse_bomb(spec, path)
    try:
        with (
            warnings.catch_warnings(),
            _passing_over(),
            path.open("rb") as file,
        ):  # by a path newer torch goes by its name
            warnings.simplefilter("ignore")  # about formats that are refused here
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        what = f"holds more than tensors ({named[1]})" if named else "holds more than tensors, or is no torch file"
        raise UserError(f"weights '{spec}': {what}; give a plain state dict, what net.state_dict() returns") from None
    except Exception as error:  # a broken file may raise anything
        raise UserError(f"weights '{spec}': cannot be read ({' '.join(str(error).split())[:100]})") from None
    state = state_in(spec, content, key)
    return Weights(source=spec, state=plain_state(spec, state, path.stat().st_size), key=key)
