"""A call from Python: mistakes are UserErrors, nothing is printed but a bar, and the caller's settings of torch wait.

What is global while a net computes (threads, number formats) is set and put back where it computes; see
`bench/nets/torch_settings.py`. What is a command's own, such as signals and the C library's memory, is left alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from bench.errors import UserError
from bench.progress import called_from_python
from protocols.protocol import ProtocolError
from results.errors import ResultError


@contextmanager
def session(progress: bool) -> Iterator[None]:
    """Raises UserError for everything a caller can mend; with `progress` bars are shown."""
    with mistakes(), called_from_python(progress), _usual_torch():
        yield


@contextmanager
def mistakes() -> Iterator[None]:
    """What any room says that a caller can mend is a UserError of one line, also where it quotes several."""
    try:
        yield
    except (UserError, ProtocolError, ResultError) as error:
        text = " ".join(str(error).split())
        if isinstance(error, UserError) and text == str(error):
            raise
        raise UserError(text) from None


@contextmanager
def _usual_torch() -> Iterator[None]:
    """Without the caller's autocast, and with torch's own default device and type: numbers must not depend on them."""
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        for kind in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.empty(0).device.type != "cpu":  # torch before 2.5 tells of a default that was set, not of one around
            stack.enter_context(torch.device("cpu"))
        if dtype != torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, dtype)
        yield
