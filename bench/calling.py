"""`bench.predict` is a command's package and a function: the package is made one that can be called."""

from importlib import import_module
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    """A package that stands for the function of its own name, which is imported when it is first called."""

    home: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.__wrapped__(*arguments, **named)

    @property
    def __wrapped__(self) -> Any:
        """The function: what `help` and signatures show."""
        return getattr(import_module(self.home), self.__name__.rpartition(".")[2])


def callable_package(package: ModuleType, home: str) -> None:
    """Calls of the package are those of the function of its name in the module `home`."""
    package.__class__ = CallableModule
    package.home = home  # type: ignore[attr-defined]
