"""What speaks against rows, on standard error."""

from collections.abc import Sequence

from bench.progress import warn
from results.table import Record, warnings_of


def warn_of(records: Sequence[Record]) -> None:
    """Say each of the `warnings` of rows once, with the `signature_id` of those that it is of."""
    for text, rows in warnings_of(records).items():
        warn(f"warning: {rows}: {text}")
