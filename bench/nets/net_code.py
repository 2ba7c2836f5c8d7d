"""Nets of people's own: `path/to/file.py:NAME` or `package.module:NAME`, called to give an `nn.Module`.

This runs that file's code.
"""

import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from difflib import get_close_matches
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from bench.errors import UserError
from bench.nets.neighbours import neighbours_first

SUFFIX = ".py"
PLACES = ("timm", "builtin", "torchvision", "hf")  # which no module is meant by
METHODS = ("forward", "__call__", "_call_impl", "_conv_forward")
TENSORS = ("relu", "view", "reshape", "flatten", "mean", "__add__", "__mul__", "__matmul__")
SHOWN = 8  # names in a message


def is_code(name: str) -> bool:
    """Whether a model's name says where code is: a file of Python, or a module and a name in it."""
    place, colon, own = name.rpartition(":")
    return name.endswith(SUFFIX) or place.endswith(SUFFIX) or bool(colon and own and place not in PLACES)


def short_name(name: str) -> str:
    """What such a net is called in tables: without the folders of its file."""
    place, _, own = name.rpartition(":")
    return f"{Path(place).name}:{own}" if place.endswith(SUFFIX) else name


def made_net(name: str, arguments: str | None) -> nn.Module:
    """Run the code and call what `name` says, with the keyword arguments of a JSON object, or none. Raises UserError.

    What it prints goes to standard error, which has room for it.
    """
    named = json.loads(arguments or "{}")
    place, _, own = name.rpartition(":")
    if name.endswith(SUFFIX):
        raise UserError(f"model '{name}': give the name of a class or function in it, {name}:NAME")
    if place.endswith(SUFFIX) and not Path(place).is_file():
        raise UserError(f"model '{name}': there is no file {place}")
    torchs = _of_torch()
    with neighbours_first(Path(place).resolve()) if place.endswith(SUFFIX) else nullcontext():
        with _forgiven(name, "cannot be imported"):
            module = _module(place)
        maker = _maker(name, module, own)
        _refuse_unfit(name, maker, named)
        with _forgiven(name, "raises"):
            net = maker(**named)
    if not isinstance(net, nn.Module):
        raise UserError(f"model '{name}': it gives a {type(net).__name__}; it must give an nn.Module")
    changed = [each for each, value in _of_torch().items() if torchs.get(each, value) is not value]
    if changed:
        raise UserError(f"model '{name}': its code changes torch's own {changed[0]}, for other nets too; write a class")
    return net


def _of_torch() -> dict[str, object]:
    """What torch's layers and functions compute with, by name."""
    layers = {f"nn.{name}": each for name, each in vars(nn).items() if isinstance(each, type)}
    methods = {f"{name}.{own}": vars(each).get(own) for name, each in layers.items() for own in METHODS}
    functions = {f"nn.functional.{name}": each for name, each in vars(F).items() if callable(each)}
    return {
        **layers,
        **methods,
        **functions,
        **{f"Tensor.{own}": inspect.getattr_static(torch.Tensor, own, None) for own in TENSORS},
    }


def _module(place: str) -> ModuleType:
    if not place.endswith(SUFFIX):
        if "" not in sys.path:
            sys.path.append("")  # a package beside the shell's folder, as `python -m` finds it
        return importlib.import_module(place)
    path = Path(place).resolve()
    name = f"{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"  # two files of one name are two
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)  # dataclasses and pickles look for it there
    spec.loader.exec_module(module)
    return module


def _maker(name: str, module: ModuleType, own: str) -> Callable[..., object]:
    maker = getattr(module, own, None)
    if maker is None:
        makers = [each for each, value in vars(module).items() if _may_make(value, module)]
        near = get_close_matches(own, makers, n=1)
        what = f"it has {', '.join(makers[:SHOWN])}" if makers else "it defines no class or function"
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"model '{name}': there is no {own} in it; {what}{hint}")
    if not callable(maker) or isinstance(maker, nn.Module):
        what = "an nn.Module that is made already" if isinstance(maker, nn.Module) else f"a {type(maker).__name__}"
        raise UserError(f"model '{name}': {own} is {what}; give a class or a function that makes the net")
    return maker


def _may_make(value: object, module: ModuleType) -> bool:
    own = getattr(value, "__module__", None) == module.__name__
    return own and (inspect.isfunction(value) or (inspect.isclass(value) and issubclass(value, nn.Module)))


def _refuse_unfit(name: str, maker: Callable[..., object], named: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):  # of something built in
        return
    try:
        signature.bind(**named)
    except TypeError as error:
        raise UserError(
            f"model '{name}': {error}; it takes {signature}, and --model-args gives {', '.join(named) or 'none'}"
        ) from None


@contextmanager
def _forgiven(name: str, what: str) -> Iterator[None]:
    """Whatever a person's own code raises becomes one line, with the place in the file where it did."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (UserError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit too
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if last.filename.startswith("<") else f" ({Path(last.filename).name}, line {last.lineno})"
        if isinstance(error, SyntaxError) and error.filename:
            where = f" ({Path(error.filename).name}, line {error.lineno})"
        said = " ".join(str(error).split())[:150]
        raise UserError(f"model '{name}': {what}: {type(error).__name__} {said}{where}") from None
