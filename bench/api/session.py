"""A call from Python: mistakes are UserErrors, and nothing is printed but a bar.

What is global while a net computes (threads, number formats) is set and put back where it computes; see
`bench/nets/torch_settings.py`. What is a command's own, such as signals and the C library's memory, is left alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.errors import UserError
from bench.progress import called_from_python
from protocols.protocol import ProtocolError
from results.errors import ResultError


@contextmanager
def session(progress: bool) -> Iterator[None]:
    """Raises UserError for everything a caller can mend; with `progress` bars are shown."""
    try:
        with called_from_python(progress):
            yield
    except (ProtocolError, ResultError) as error:
        raise UserError(str(error)) from None
