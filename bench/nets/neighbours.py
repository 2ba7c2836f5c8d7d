"""The files beside a file of code, which it imports by name: its own, and anew each time it is run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = ("site-packages", "dist-packages")
OURS = ("bench", "protocols", "results")


@contextmanager
def neighbours_first(file: Path) -> Iterator[None]:
    """Names of modules mean what lies beside a file meanwhile, as when Python runs it.

    Modules of these names that came from elsewhere are put aside, and back afterwards; what was imported from beside
    the file is forgotten then: it may change, and the next file's neighbours may have the same names.
    """
    folder = file.parent
    aside = {name: module for name, module in list(sys.modules.items()) if _is_hidden(name, folder)}
    for name in aside:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [each for each in sys.modules if _stands_in(each, folder)]:
            del sys.modules[name]
        sys.modules.update(aside)


def _is_hidden(name: str, folder: Path) -> bool:
    """Whether a file or package beside the code has the name of a module that is no library's."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in OURS or _is_installed(name) or not top.isidentifier():
        return False
    return (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()


def _stands_in(name: str, folder: Path) -> bool:
    """Whether a module is a file of this folder's that has the name of one beside the code."""
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and _is_hidden(name, folder) and Path(file).is_relative_to(folder)


def _is_installed(name: str) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return any(each in Path(file).parts for each in INSTALLED)
