"""Libraries that the package does without until somebody needs them."""

from importlib import import_module
from types import ModuleType

from bench.errors import UserError


def needed(module: str, extra: str) -> ModuleType:
    """Import a module that comes with one of the package's extras, such as `google.protobuf` with `caffe`.

    Raises UserError that names the extra where it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        why = f" ({' '.join(str(error).split())[:100]})" if error.name and not module.startswith(error.name) else ""
        raise UserError(f"this needs {module}{why}; pip install 'vgg-protocols[{extra}]'") from None
