"""Evaluation and benchmarks under the test protocols of the VGG paper.

`evaluate` gives a table of errors, `predict` the classes of images, `compare` two rows of tables, `transfer` what
linear classifiers learn from a net's descriptors; `load_model`, `open_images` and `parse_protocol` open once what these
open themselves. Mistakes are `UserError`. Everything else is inside, and may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.errors import BenchWarning as BenchWarning
from bench.errors import UserError as UserError
from bench.version import __version__ as __version__

if TYPE_CHECKING:
    from bench.api.compare import compare as compare
    from bench.api.evaluate import evaluate as evaluate
    from bench.api.evaluation_table import EvaluatedRow as EvaluatedRow
    from bench.api.evaluation_table import Table as Table
    from bench.api.opening import load_model as load_model
    from bench.api.opening import open_images as open_images
    from bench.api.opening import parse_protocol as parse_protocol
    from bench.api.predict import Predicted as Predicted
    from bench.api.predict import predict as predict
    from bench.api.transfer import transfer as transfer
    from bench.api.transfer_table import TransferredRow as TransferredRow
    from bench.api.transfer_table import TransferTable as TransferTable

__all__ = [
    "BenchWarning",
    "EvaluatedRow",
    "Predicted",
    "Table",
    "TransferTable",
    "TransferredRow",
    "UserError",
    "compare",
    "evaluate",
    "load_model",
    "open_images",
    "parse_protocol",
    "predict",
    "transfer",
]

# where each name is, which is imported when it is first used: torch takes a second
HOMES = {
    "evaluate": "bench.api.evaluate",
    "load_model": "bench.api.opening",
    "open_images": "bench.api.opening",
    "parse_protocol": "bench.api.opening",
    "Predicted": "bench.api.predict",
    "EvaluatedRow": "bench.api.evaluation_table",
    "Table": "bench.api.evaluation_table",
    "TransferTable": "bench.api.transfer_table",
    "TransferredRow": "bench.api.transfer_table",
}


def __getattr__(name: str) -> Any:
    if name in ("predict", "compare", "transfer"):  # the commands' packages, which can be called
        return import_module(f"bench.{name}")
    if name not in HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
