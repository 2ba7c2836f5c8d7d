"""Nets of people's own: `path/to/file.py:NAME` or `package.module:NAME`, called to give an `nn.Module`.

This runs that file's code.
"""

import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from bench.errors import UserError

SUFFIX = ".py"
PLACES = ("timm", "builtin", "torchvision", "hf")  # which no module is meant by
NEIGHBOURS: set[str] = set()  # modules that the file that was run last imported from its folder
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
    with _forgiven(name, "cannot be imported"):
        place, _, own = name.rpartition(":")
        module = None if name.endswith(SUFFIX) else _module(name, place)
    if module is None:
        raise UserError(f"model '{name}': give the name of a class or function in it, {name}:NAME")
    maker = _maker(name, module, own)
    _refuse_unfit(name, maker, named)
    with _forgiven(name, "raises"):
        net = maker(**named)
    if not isinstance(net, nn.Module):
        raise UserError(f"model '{name}': it gives a {type(net).__name__}; it must give an nn.Module")
    return net


def _module(name: str, place: str) -> ModuleType:
    if not place.endswith(SUFFIX):
        if "" not in sys.path:
            sys.path.append("")  # a package beside the shell's folder, as `python -m` finds it
        return importlib.import_module(place)
    path = Path(place)
    if not path.is_file():
        raise UserError(f"model '{name}': there is no file {place}")
    return _run(path.resolve())


def _run(path: Path) -> ModuleType:
    """Run a file as a module of its own, and anew each time: it may have changed, and so may the files beside it."""
    for name in NEIGHBOURS:  # of this file or of another, whose neighbours may have the same names
        sys.modules.pop(name, None)
    NEIGHBOURS.clear()
    name = f"{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"  # two files of one name are two
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)  # dataclasses and pickles look for it there
    before, folder = set(sys.modules), str(path.parent)
    sys.path.insert(0, folder)  # files beside it come first, as when Python runs it
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)  # for what is imported when it is called
        NEIGHBOURS.update(each for each in set(sys.modules) - before if _stands_in(each, path.parent, before))
    return module


def _stands_in(name: str, folder: Path, before: Collection[str]) -> bool:
    """Whether a module that was imported just now is a file of this folder's, and no part of what was there before."""
    file = getattr(sys.modules[name], "__file__", None)
    if file is None or name.partition(".")[0] in before or "site-packages" in file:
        return False
    return Path(file).is_relative_to(folder)


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
